"""The three commands of the Cosmos app (cosmos-app 1)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, unique
from typing import ClassVar

from tallystick.errors import RemoteProtocolError, UsageError
from tallystick.host.gesture import Gesture
from tallystick.wire.apdu import CommandApdu
from tallystick.wire.buffer import Reader, Writer
from tallystick.wire.path import Bip32Path
from tallystick.wire.status import Layer

CLA = 0x55
APP_NAME = "Cosmos"
#: the most bytes of a payload that the app takes in all, and that one APDU carries to it
MAX_PAYLOAD_BYTES = 16_384
CHUNK_BYTES = 250

_MAX_HRP_LETTERS = 83
_MAX_ADDRESS_LETTERS = 90
_PUBLIC_KEY_BYTES = 33
_PATH_LEVELS = 5


@unique
class Ins(IntEnum):
    """Instruction bytes."""

    GET_VERSION = 0x00
    SIGN = 0x02
    GET_ADDRESS = 0x04


@unique
class Part(IntEnum):
    """P1 of a signing request: which part of it this is. RESET is no part: the app refuses it and becomes idle."""

    INIT = 0x00
    ADD = 0x01
    LAST = 0x02
    RESET = 0x03


@unique
class TextFormat(IntEnum):
    """P2 of the last part: how the payload is written."""

    AMINO_JSON = 0x00
    TEXTUAL = 0x01


@dataclass(frozen=True, slots=True, kw_only=True)
class AppVersion:
    """The app's answer to GetVersion; `target_id` (32 bits) names the device model."""

    is_test_mode: bool
    version: str
    is_locked: bool
    target_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressAnswer:
    """A compressed public key (33 bytes) and the address the app made of it."""

    public_key: bytes
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GetVersion:
    """Ask the app for its version; it answers in every state."""

    layer: ClassVar[Layer] = Layer.COSMOS
    gesture: ClassVar[Gesture | None] = None

    def to_apdu(self) -> CommandApdu:
        """``55 00 00 00 00``."""
        return CommandApdu(CLA, Ins.GET_VERSION, 0, 0)

    def parse(self, data: bytes) -> AppVersion:
        """Test mode, three version bytes, locked, target id u32; what a later version appends is ignored."""
        reader = Reader(data)
        mode, version = reader.u8(), ".".join(str(reader.u8()) for _ in range(3))
        return AppVersion(is_test_mode=mode != 0, version=version, is_locked=reader.u8() != 0, target_id=reader.u32())


@dataclass(frozen=True, slots=True, kw_only=True)
class GetAddress:
    """Ask for the key and address of `path` (five levels) with the address prefix `hrp`, shown on the device if asked."""

    path: Bip32Path
    hrp: str = "cosmos"
    is_shown: bool = False
    layer: ClassVar[Layer] = Layer.COSMOS

    def __post_init__(self) -> None:
        check_path(self.path)
        check_hrp(self.hrp)

    @property
    def gesture(self) -> Gesture | None:
        """A shown address is to be compared by the person."""
        return Gesture.COMPARE_ADDRESS if self.is_shown else None

    def to_apdu(self) -> CommandApdu:
        """``55 04 P1 00 Lc``, LV prefix, path."""
        data = Writer().text_lv(self.hrp).take(self.path.to_words()).to_bytes()
        return CommandApdu(CLA, Ins.GET_ADDRESS, int(self.is_shown), 0, data)

    def parse(self, data: bytes) -> AddressAnswer:
        """33 bytes of key, then the address in ASCII to the end."""
        reader = Reader(data)
        public_key, address = reader.take(_PUBLIC_KEY_BYTES), reader.rest()
        if not 0 < len(address) <= _MAX_ADDRESS_LETTERS or not address.isascii():
            raise RemoteProtocolError("the app's answer holds no address")
        return AddressAnswer(public_key=public_key, address=address.decode("ascii"))


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInit:
    """Open a signing request for `path` (five levels); without `hrp` the app takes the key for a Cosmos one."""

    path: Bip32Path
    hrp: str | None = None
    layer: ClassVar[Layer] = Layer.COSMOS
    gesture: ClassVar[Gesture | None] = None

    def __post_init__(self) -> None:
        check_path(self.path)
        if self.hrp is not None:
            check_hrp(self.hrp)

    def to_apdu(self) -> CommandApdu:
        """``55 02 00 00 Lc``, path, LV prefix if there is one."""
        writer = Writer().take(self.path.to_words())
        if self.hrp is not None:
            writer.text_lv(self.hrp)
        return CommandApdu(CLA, Ins.SIGN, Part.INIT, 0, writer.to_bytes())

    def parse(self, data: bytes) -> None:
        """Nothing is answered."""
        Reader(data).finish()


@dataclass(frozen=True, slots=True, kw_only=True)
class SignAdd:
    """Add a part of the payload (1 to 255 bytes) that is not the last."""

    chunk: bytes
    layer: ClassVar[Layer] = Layer.COSMOS
    gesture: ClassVar[Gesture | None] = None

    def to_apdu(self) -> CommandApdu:
        """``55 02 01 00 Lc``, bytes."""
        return CommandApdu(CLA, Ins.SIGN, Part.ADD, 0, self.chunk)

    def parse(self, data: bytes) -> None:
        """Nothing is answered."""
        Reader(data).finish()


@dataclass(frozen=True, slots=True, kw_only=True)
class SignLast:
    """Add the last part of the payload, written in `text_format`, and have it reviewed."""

    chunk: bytes
    text_format: TextFormat = TextFormat.AMINO_JSON
    layer: ClassVar[Layer] = Layer.COSMOS
    gesture: ClassVar[Gesture | None] = Gesture.REVIEW_TRANSACTION

    def to_apdu(self) -> CommandApdu:
        """``55 02 02 P2 Lc``, bytes."""
        return CommandApdu(CLA, Ins.SIGN, Part.LAST, self.text_format, self.chunk)

    def parse(self, data: bytes) -> bytes:
        """Return the DER signature; what it is worth is checked by whoever knows digest and key."""
        if not data:
            raise RemoteProtocolError("the app's answer holds no signature")
        return data


@dataclass(frozen=True, slots=True, kw_only=True)
class SignReset:
    """Bring a half-told signing request to its end: the app refuses this part number and becomes idle."""

    layer: ClassVar[Layer] = Layer.COSMOS
    gesture: ClassVar[Gesture | None] = None

    def to_apdu(self) -> CommandApdu:
        """``55 02 03 00 00``."""
        return CommandApdu(CLA, Ins.SIGN, Part.RESET, 0)

    def parse(self, data: bytes) -> None:
        """Never reached with a device that keeps to the reference: the answer is 6B00."""
        Reader(data).finish()


def check_path(path: Bip32Path) -> None:
    """Raise UsageError unless `path` has five levels."""
    if len(path) != _PATH_LEVELS:
        raise UsageError(
            f"the Cosmos app takes paths of five levels, not {len(path)}", remedy="write a path like 44'/118'/0'/0/0"
        )


def check_hrp(hrp: str) -> None:
    """Raise UsageError unless `hrp` is 1 to 83 printable ASCII letters, none of them upper case (BIP-173)."""
    if not 1 <= len(hrp) <= _MAX_HRP_LETTERS or any(not "!" <= letter <= "~" for letter in hrp) or hrp != hrp.lower():
        raise UsageError(f"{hrp[:20]!r} is not an address prefix", remedy="write a prefix like cosmos or osmo")
