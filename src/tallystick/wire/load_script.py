"""How an app gets into a device: its areas, and the commands that load them, in the order of ledgerblue (wire-protocol E.2)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Self

from tallystick.errors import LocalProtocolError, RemoteProtocolError
from tallystick.wire.image import AppFlag, AppImage, CreateApp
from tallystick.wire.intel_hex import Area, IntelHex
from tallystick.wire.loader_command import DeleteApp
from tallystick.wire.loader_image import CheckCrc, Commit, Create, Flush, Load, SetLoadOffset
from tallystick.wire.loader_layout import ALIGNMENT, crc16, image_in, parameters_offset

__all__ = [
    "MAX_SEGMENT_BYTES",
    "LoadPlan",
    "chunk_bytes",
    "crc16",
    "load_script",
    "parameters_offset",
    "segment_script",
]

#: an offset in a segment has 16 bits
MAX_SEGMENT_BYTES: Final = 0x10000
#: the data of an APDU over USB and TCP
USB_APDU_BYTES: Final = 0xFF
_NOT_AS_ANNOUNCED: Final = 0x6984
_NO_FLAGS: Final = AppFlag(0)
_BLOCK: Final = 16
#: sub-command and offset, at least one byte of padding, MAC
_OVERHEAD: Final = 3 + 1 + 14


def chunk_bytes(apdu_bytes: int = USB_APDU_BYTES) -> int:
    """Return how much one `Load` carries where an APDU has at most `apdu_bytes` of data: 208 over USB, 112 over BLE (153).

    Raises LocalProtocolError where not even one block fits.
    """
    size = ((min(apdu_bytes, 0xFE) & 0xF0) - _OVERHEAD) // _BLOCK * _BLOCK
    if size <= 0:
        raise LocalProtocolError(f"nothing can be loaded in APDUs of {apdu_bytes} bytes")
    return size


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadPlan:
    """What is to be loaded: what CREATE APP announces, and areas counted from the app's lowest address, in order.

    Raises LocalProtocolError when areas overlap or hold nothing.
    """

    create: CreateApp
    areas: tuple[Area, ...]

    def __post_init__(self) -> None:
        ends = [0, *(area.end for area in self.areas)]
        if any(not area.data or area.address < end for area, end in zip(self.areas, ends, strict=False)):
            raise LocalProtocolError("areas hold something, are in order and do not overlap")

    @classmethod
    def of_image(cls, image: AppImage) -> Self:
        """Plan an image: code and data, then its parameters."""
        body = image.code + image.data
        areas = [Area(address=0, data=body)] if body else []
        if image.parameters:
            areas.append(Area(address=parameters_offset(image.create), data=image.parameters))
        return cls(create=image.create, areas=tuple(areas))

    @classmethod
    def of_hex(
        cls,
        file: IntelHex,
        *,
        parameters: bytes | int,
        data_length: int = 0,
        api_level: int | None = None,
        flags: AppFlag = _NO_FLAGS,
    ) -> Self:
        """Plan an Intel HEX file; its start address becomes the boot offset.

        `parameters` are the install parameters to be added, or how many bytes of them the file ends with. Before them it ends
        with `data_length` bytes of data. Raises LocalProtocolError for an empty file, or one shorter than that.
        """
        inside = parameters if isinstance(parameters, int) else 0
        if not file.areas or file.areas[-1].end - file.areas[0].address < data_length + inside:
            raise LocalProtocolError(f"the file is empty or holds fewer than {data_length + inside} bytes")
        base, start = file.areas[0].address, file.start or 0
        create = CreateApp(
            api_level=api_level,
            code_length=file.areas[-1].end - base - data_length - inside,
            data_length=data_length,
            parameters_length=parameters if isinstance(parameters, int) else len(parameters),
            flags=flags,
            boot_offset=(start - base if start > base else start) | 1,
        )
        areas = [Area(address=area.address - base, data=area.data) for area in file.areas]
        if not isinstance(parameters, int) and parameters:
            areas.append(Area(address=parameters_offset(create), data=parameters))
        return cls(create=create, areas=tuple(areas))

    @property
    def size_bytes(self) -> int:
        """How many bytes are loaded."""
        return sum(len(area.data) for area in self.areas)

    @property
    def image(self) -> AppImage:
        """What a device has after this plan, gaps as zeros; its `full_hash` is what is signed (attestation 5)."""
        memory = bytearray(self.areas[-1].end if self.areas else 0)
        for area in self.areas:
            memory[area.address : area.end] = area.data
        return assemble(self.create, bytes(memory))


def assemble(create: CreateApp, memory: bytes) -> AppImage:
    """Take an image out of `memory`, which goes from the app's lowest address to the last byte loaded, zeros in the gaps.

    The install parameters are its end, wherever that is: clients differ in what they align. Raises RemoteProtocolError (6984)
    when it is shorter than announced, or so long that something loaded would be in no area.
    """
    body = create.code_length + create.data_length
    begin = len(memory) - create.parameters_length
    if not body <= begin < body + ALIGNMENT:
        raise RemoteProtocolError("the areas loaded are not those announced", status=_NOT_AS_ANNOUNCED)
    return image_in(memory, create, parameters_at=begin)


def load_script(
    source: LoadPlan | AppImage,
    *,
    signature: bytes | None = None,
    replaces: str | None = None,
    chunk: int | None = None,
) -> Iterator[bytes]:
    """Yield the plaintexts that install an app; each is answered with nothing, so they may be wrapped ahead.

    `signature` is DER over the full hash; `replaces` names an app to remove first; `chunk` is what one command carries, by
    default `chunk_bytes()`.
    """
    plan = LoadPlan.of_image(source) if isinstance(source, AppImage) else source
    if replaces is not None:
        yield DeleteApp(name=replaces).to_bytes()
    yield Create(app=plan.create).to_bytes()
    for area in plan.areas:
        yield from segment_script(area, chunk=chunk)
    yield Commit(signature=signature).to_bytes()


def segment_script(area: Area, *, chunk: int | None = None) -> Iterator[bytes]:
    """Yield the plaintexts that load one area, in segments of at most 64 KiB; also, plain, to a bootloader (G.1)."""
    size = chunk or chunk_bytes()
    for start in range(0, len(area.data), MAX_SEGMENT_BYTES):
        segment = area.data[start : start + MAX_SEGMENT_BYTES]
        yield SetLoadOffset(address=area.address + start).to_bytes()
        for offset in range(0, len(segment), size):
            yield Load(offset=offset, data=segment[offset : offset + size]).to_bytes()
        yield Flush().to_bytes()
        yield CheckCrc(length=len(segment), crc=crc16(segment)).to_bytes()
