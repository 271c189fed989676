"""ELF and hex files of apps as what is loaded into a device: code, data and install parameters (wire-protocol E.1 to E.4).

The linker leaves marks where the areas begin: ``_nvram_data`` (what the app keeps) and ``_install_parameters``, which follow the
code in one run of flash. Apps in C are linked as one part; those in Rust as several that lie side by side, and with some
versions of their SDK the install parameters lie among the code, from where they are copied behind everything.
Files without install parameters need them given: a name is the least.
"""

from __future__ import annotations

from tallystick.device.native.elf import Elf, Segment
from tallystick.errors import RemoteProtocolError, UsageError
from tallystick.wire.image import AppFlag, AppImage, CreateApp
from tallystick.wire.install import InstallParameters
from tallystick.wire.intel_hex import Area, IntelHex

__all__ = ["image_from_elf", "image_from_hex", "target_of"]

#: everything of one app, in bytes
_MAX_FLASH = 400 * 1024
#: where RAM lies that an app names by address
_RAM, _BEHIND_RAM = 0x2000_0000, 0x2010_0000
_NO_FLAGS = AppFlag(0)
_MARKS = ("_nvram_data", "_envram_data", "_install_parameters", "_einstall_parameters")


def image_from_elf(elf: Elf, *, parameters: InstallParameters | None = None) -> AppImage:
    """Return the image of a linked app; `parameters` stand in for those the file has none of.

    Raises:
        RemoteProtocolError: nothing to load, more than fits, areas out of order, install parameters that are none.
        UsageError: the file has no install parameters, and none were given.

    """
    flash = _flash(elf)
    code, data, told = _areas(elf, flash)
    if not told:
        if parameters is None:
            raise UsageError("the file has no install parameters", remedy="say at least how the app is named")
        told = parameters.to_bytes()
    InstallParameters.from_bytes(told)
    create = CreateApp(
        api_level=_number(elf, "ledger.api_level", limit=0xFF),
        code_length=len(code),
        data_length=len(data),
        parameters_length=len(told),
        flags=AppFlag(_number(elf, "ledger.app_flags", limit=0xFFFF_FFFF) or 0),
        boot_offset=_entry(elf.entry, flash),
    )
    return AppImage(create=create, code=code, data=data, parameters=told)


def image_from_hex(
    file: IntelHex, *, parameters: bytes, api_level: int | None = None, flags: AppFlag = _NO_FLAGS, data_bytes: int = 0
) -> AppImage:
    """Return the image of a hex file; the last `data_bytes` before the parameters are data, as loaders count them.

    `parameters` are install parameters as they are, which the file may end with already.
    Raises RemoteProtocolError when there is nothing to load, or more than fits.
    """
    if not file.areas or file.areas[-1].end - file.areas[0].address > _MAX_FLASH:
        raise RemoteProtocolError("nothing to load, or more than the flash of an app")
    start, flash = file.areas[0].address, bytearray()
    for area in file.areas:
        flash += bytes(area.address - start - len(flash)) + area.data
    body = bytes(flash).removesuffix(parameters)
    if not 0 <= data_bytes < len(body):
        raise RemoteProtocolError("an app has code before its data")
    InstallParameters.from_bytes(parameters)
    code, data = body[: len(body) - data_bytes], body[len(body) - data_bytes :]
    entry = start if file.start is None else file.start
    if not start <= entry < start + len(code):
        raise RemoteProtocolError("the app begins outside its code")
    create = CreateApp(
        api_level=api_level,
        code_length=len(code),
        data_length=len(data),
        parameters_length=len(parameters),
        flags=flags,
        boot_offset=entry - start,
    )
    return AppImage(create=create, code=code, data=data, parameters=parameters)


def target_of(elf: Elf) -> int | None:
    """Return the target id (32 bits) the app was built for, or None where the file does not say."""
    return _number(elf, "ledger.target_id", limit=0xFFFF_FFFF)


def _flash(elf: Elf) -> Area:
    # headers that a linker put before RAM are in the file, and are not loaded
    loaded = sorted(
        (segment for segment in elf.segments if segment.data and _is_flash(segment)),
        key=lambda segment: segment.load_address,
    )
    if not loaded or loaded[-1].load_end - loaded[0].load_address > _MAX_FLASH:
        raise RemoteProtocolError("an app is one run of flash, of at most 400 KiB")
    start, flash = loaded[0].load_address, bytearray()
    for segment in loaded:
        gap = segment.load_address - start - len(flash)
        if gap < 0:
            raise RemoteProtocolError("two parts of the ELF file are loaded to one address")
        flash += bytes(gap) + segment.data
    return Area(address=start, data=bytes(flash))


def _is_flash(segment: Segment) -> bool:
    return not _RAM <= segment.load_address < _BEHIND_RAM


def _areas(elf: Elf, flash: Area) -> tuple[bytes, bytes, bytes]:
    """Return code, data and install parameters."""
    data_at, data_end, told_at, told_end = (elf.symbols.get(mark, flash.end) for mark in _MARKS)
    told = flash.data[max(0, told_at - flash.address) : max(0, told_end - flash.address)]
    if told_end <= data_at < data_end <= flash.end:  # among the code, which stays as it was linked
        told_at = told_end = flash.end
    marks = [flash.address, min(data_at, told_at), min(data_end, told_at), told_at, told_end]
    if marks != sorted(marks) or told_end > flash.end or flash.address == marks[1]:
        raise RemoteProtocolError("the areas of the app are out of order")
    code, data = (
        flash.data[start - flash.address : stop - flash.address]
        for start, stop in ((marks[0], marks[1]), (marks[1], told_at))
    )
    return code, data, told


def _entry(entry: int, flash: Area) -> int:
    offset = entry - flash.address  # with the bit that says Thumb, as loaders have it
    if not 0 <= offset < len(flash.data):
        raise RemoteProtocolError("the app begins outside its code")
    return offset


def _number(elf: Elf, section: str, *, limit: int) -> int | None:
    text = elf.text(section)
    if text is None:
        return None
    try:
        number = int(text, 0)
    except ValueError:
        raise RemoteProtocolError(f"the file's {section} is no number") from None
    if not 0 <= number <= limit:
        raise RemoteProtocolError(f"the file's {section} is out of range")
    return number
