"""The version as the loader tells it, inside the secure channel (wire-protocol E, sub-command 10)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

from tallystick.errors import LocalProtocolError
from tallystick.wire.buffer import Reader, Writer
from tallystick.wire.version_flag import VersionFlags

_FLAGS_BYTES: Final = 4
_END: Final = "\x00"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoaderVersion:
    """The answer to sub-command 10: target id (32 bits), versions of OS and MCU, flags (4 bytes), and what may follow.

    The version of the MCU ends in a zero on the wire: one client takes its last byte off, whatever it is (attestation 2).
    """

    target_id: int
    version: str
    flags: VersionFlags
    mcu_version: str
    extra: bytes = b""

    @classmethod
    def from_bytes(cls, raw: bytes) -> Self:
        """Read an answer; raise RemoteProtocolError (6700) when it is cut short or its flags have not 4 bytes."""
        reader = Reader(raw)
        target_id, version, flags = reader.u32(), reader.text_lv(), reader.lv()
        if len(flags) != _FLAGS_BYTES:
            raise reader.error(f"the flags have {_FLAGS_BYTES} bytes, not {len(flags)}")
        return cls(
            target_id=target_id,
            version=version,
            flags=VersionFlags(flags),
            mcu_version=reader.text_lv().removesuffix(_END),
            extra=reader.rest(),
        )

    def to_bytes(self) -> bytes:
        """Return the answer; raise LocalProtocolError when a field does not fit."""
        if len(self.flags.raw) != _FLAGS_BYTES:
            raise LocalProtocolError(f"the flags have {_FLAGS_BYTES} bytes, not {len(self.flags.raw)}")
        writer = Writer().u32(self.target_id).text_lv(self.version).lv(self.flags.raw)
        return writer.text_lv(self.mcu_version + _END).rest(self.extra).to_bytes()
