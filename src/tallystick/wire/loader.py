"""The loader: commands inside the secure channel, their answers, and scripts that install an app (wire-protocol E).

Lists of apps are in `tallystick.wire.app_list`, the flash in `tallystick.wire.dashboard.MemoryInfo`, images in
`tallystick.wire.image`. Devices import the modules behind these names: scripts and hex files have no place in their images.
"""

from __future__ import annotations

from tallystick.wire.intel_hex import Area, IntelHex
from tallystick.wire.load_script import (
    MAX_SEGMENT_BYTES,
    LoadPlan,
    assemble,
    chunk_bytes,
    load_script,
    segment_script,
)
from tallystick.wire.loader_command import (
    DeleteApp,
    DeleteAppByHash,
    EnterBootloader,
    ListApps,
    ListMoreApps,
    LoaderCommand,
    MemoryQuery,
    ResetCustomCertificate,
    SetupCustomCertificate,
    VersionQuery,
    decode_command,
)
from tallystick.wire.loader_image import Boot, CheckCrc, Commit, Create, Flush, Load, SetLoadOffset
from tallystick.wire.loader_layout import crc16, parameters_offset
from tallystick.wire.loader_message import LoaderIns
from tallystick.wire.loader_version import LoaderVersion

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
