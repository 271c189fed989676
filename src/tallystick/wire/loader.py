"""The loader: commands inside the secure channel, their answers, and scripts that install an app (wire-protocol E).

Lists of apps are in `tallystick.wire.app_list`, the flash in `tallystick.wire.dashboard.MemoryInfo`, images in
`tallystick.wire.image`; the version has a form of its own here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

from tallystick.errors import LocalProtocolError
from tallystick.wire.buffer import Reader, Writer
from tallystick.wire.intel_hex import Area, IntelHex
from tallystick.wire.load_script import (
    MAX_SEGMENT_BYTES,
    LoadPlan,
    assemble,
    chunk_bytes,
    crc16,
    load_script,
    parameters_offset,
    segment_script,
)
from tallystick.wire.loader_command import (
    Boot,
    CheckCrc,
    Commit,
    Create,
    DeleteApp,
    DeleteAppByHash,
    EnterBootloader,
    Flush,
    ListApps,
    ListMoreApps,
    Load,
    LoaderCommand,
    MemoryQuery,
    ResetCustomCertificate,
    SetLoadOffset,
    SetupCustomCertificate,
    VersionQuery,
    decode_command,
)
from tallystick.wire.loader_message import LoaderIns
from tallystick.wire.version_flag import VersionFlags

__all__ = [
    "MAX_SEGMENT_BYTES",
    "Area",
    "Boot",
    "CheckCrc",
    "Commit",
    "Create",
    "DeleteApp",
    "DeleteAppByHash",
    "EnterBootloader",
    "Flush",
    "IntelHex",
    "ListApps",
    "ListMoreApps",
    "Load",
    "LoadPlan",
    "LoaderCommand",
    "LoaderIns",
    "LoaderVersion",
    "MemoryQuery",
    "ResetCustomCertificate",
    "SetLoadOffset",
    "SetupCustomCertificate",
    "VersionQuery",
    "assemble",
    "chunk_bytes",
    "crc16",
    "decode_command",
    "load_script",
    "parameters_offset",
    "segment_script",
]

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
