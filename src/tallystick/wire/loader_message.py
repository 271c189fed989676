"""What the commands of the loader have in common: the sub-command byte, and the fields that several of them have (wire-protocol E)."""

from __future__ import annotations

from enum import IntEnum, unique
from typing import ClassVar, Final, Self

from tallystick.errors import LocalProtocolError, RemoteProtocolError
from tallystick.wire.buffer import Reader, Writer
from tallystick.wire.certificate import MAX_SIGNATURE_BYTES
from tallystick.wire.dashboard import MAX_APP_NAME_BYTES

__all__ = [
    "UNKNOWN_COMMAND",
    "BareMessage",
    "LoaderIns",
    "LoaderMessage",
    "read_name",
    "read_signature",
    "write_name",
    "write_signature",
]

UNKNOWN_COMMAND: Final = 0x6D00


@unique
class LoaderIns(IntEnum):
    """The sub-commands."""

    SET_LOAD_OFFSET = 0x05
    LOAD = 0x06
    FLUSH = 0x07
    CRC = 0x08
    COMMIT = 0x09
    CREATE_APP = 0x0B
    DELETE_APP = 0x0C
    LIST_APPS = 0x0E
    LIST_MORE_APPS = 0x0F
    GET_VERSION = 0x10
    GET_MEMORY_INFORMATION = 0x11
    SETUP_CUSTOM_CERTIFICATE = 0x12
    RESET_CUSTOM_CERTIFICATE = 0x13
    DELETE_APP_BY_HASH = 0x15
    MCU_BOOTLOADER = 0xB0


class LoaderMessage:
    """What the commands have in common."""

    __slots__ = ()
    ins: ClassVar[LoaderIns]

    @classmethod
    def read(cls, reader: Reader) -> Self:
        """Take the fields behind the sub-command off `reader`."""
        raise NotImplementedError

    def write(self, writer: Writer) -> None:
        """Append the fields behind the sub-command."""
        raise NotImplementedError

    @classmethod
    def from_bytes(cls, raw: bytes) -> Self:
        """Read a plaintext; raise RemoteProtocolError: 6D00 for another sub-command, 6700 when the fields do not fit."""
        reader = Reader(raw)
        if reader.u8() != cls.ins:
            raise RemoteProtocolError(f"this is not sub-command {cls.ins:02x}", status=UNKNOWN_COMMAND)
        message = cls.read(reader)
        reader.finish()
        return message

    def to_bytes(self) -> bytes:
        """Return the plaintext; raise LocalProtocolError when a field does not fit."""
        writer = Writer().u8(self.ins)
        self.write(writer)
        return writer.to_bytes()


class BareMessage(LoaderMessage):
    """A command of one byte."""

    __slots__ = ()

    @classmethod
    def read(cls, reader: Reader) -> Self:
        """Read nothing."""
        del reader
        return cls()

    def write(self, writer: Writer) -> None:
        """Write nothing."""


def read_signature(reader: Reader) -> bytes | None:
    """Read a length-value field with a signature, if anything is left; raise RemoteProtocolError above 72 bytes."""
    if not reader.remaining:
        return None
    signature = reader.lv()
    if not 1 <= len(signature) <= MAX_SIGNATURE_BYTES:
        raise reader.error(f"a signature has 1 to {MAX_SIGNATURE_BYTES} bytes, not {len(signature)}")
    return signature


def write_signature(writer: Writer, signature: bytes | None) -> None:
    """Append a signature (1 to 72 bytes) as a length-value field, nothing for None; raise LocalProtocolError."""
    if signature is None:
        return
    if not 1 <= len(signature) <= MAX_SIGNATURE_BYTES:
        raise LocalProtocolError(f"a signature has 1 to {MAX_SIGNATURE_BYTES} bytes, not {len(signature)}")
    writer.lv(signature)


def read_name(reader: Reader) -> str:
    """Read a length-value field with a name, printable and of 1 to 32 bytes; raise RemoteProtocolError."""
    name = reader.text_lv()
    if not 1 <= len(name.encode()) <= MAX_APP_NAME_BYTES or not name.isprintable():
        raise reader.error(f"a name is printable and has 1 to {MAX_APP_NAME_BYTES} bytes")
    return name


def write_name(writer: Writer, name: str) -> None:
    """Append a name as a length-value field; raise LocalProtocolError when it is not printable or not 1 to 32 bytes."""
    if not 1 <= len(name.encode()) <= MAX_APP_NAME_BYTES or not name.isprintable():
        raise LocalProtocolError(f"a name is printable and has 1 to {MAX_APP_NAME_BYTES} bytes")
    writer.text_lv(name)
