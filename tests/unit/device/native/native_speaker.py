"""An app of hand-assembled code that says what attestation keys prove: every APDU is answered with everything at once.

The answer is one run of RAM: hash, keys, certificates, counter, secret and signatures, each with its whole room, then the packet with
the APDU, whose data are the message to be signed and the answer's own status. For API levels from 23 on.
"""

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.unit.device.native.native_program import RAM, call, elf

from tallystick.wire.install import InstallParameters

#: with an element of our own: the room of every buffer
PARAMETERS = InstallParameters(name="Speaker", version="1.0").to_bytes() + b"\x81\x04" + struct.pack("<I", 72)
MESSAGE = b"tick"
#: what to send to the app
APDU = bytes.fromhex("e001000006") + MESSAGE + b"\x90\x00"
_HASH, _KEYS, _CERTIFICATES, _METADATA, _SECRET, _SIGNATURES, _PACKET = 0, 32, 162, 306, 314, 378, 524
_LENGTH = RAM + 0x800


@dataclass(frozen=True)
class Said:
    """What the app said; of two, the first is of slot 1."""

    code_hash: bytes
    keys: Any
    certificates: Any
    metadata: bytes
    secret: bytes
    signatures: Any


def parts(answer):
    """Return what the app's answer has; signatures and certificates say how long they are."""

    def der(at):
        return answer[at : at + 2 + answer[at + 1]]

    return Said(
        code_hash=answer[_HASH:_KEYS],
        keys=(answer[_KEYS : _KEYS + 65], answer[_KEYS + 65 : _CERTIFICATES]),
        certificates=(der(_CERTIFICATES), der(_CERTIFICATES + 72)),
        metadata=answer[_METADATA:_SECRET],
        secret=answer[_SECRET:_SIGNATURES],
        signatures=(der(_SIGNATURES), der(_SIGNATURES + 72)),
    )


def speaker():
    """Return the app's code."""
    message, room = RAM + _PACKET + 6, call(0x03000074, 0x81, _LENGTH, 4)
    code = call(0x03000089, RAM + _PACKET, 300, 0)
    code += call(0x01000055, RAM + _HASH, 32) + call(0x01000058, RAM + _SECRET, 64)
    for number, slot, at in (
        (0x03000056, 1, _KEYS),
        (0x03000056, 2, _KEYS + 65),
        (0x03000057, 1, _CERTIFICATES),
        (0x03000057, 2, _CERTIFICATES + 72),
        (0x02000138, 2, _METADATA),
    ):
        code += room + call(number, slot, RAM + at, _LENGTH)
    for number, at in ((0x04000059, _SIGNATURES), (0x0400005A, _SIGNATURES + 72)):
        code += room + call(number, message, len(MESSAGE), RAM + at, _LENGTH)
    code += call(0x04000088, 0x20, RAM, _PACKET + 1 + len(APDU), 0)
    back = -(len(code) + 4) // 2
    return code + struct.pack("<2H", 0xE000 | back & 0x7FF, 0xBF00)


def write_elf(folder: Path, *, target_id: int, level: int):
    """Write the app as a linked file; return its path."""
    notes = (("ledger.target_id", hex(target_id)), ("ledger.api_level", str(level)))
    path = folder / "speaker.elf"
    path.write_bytes(elf(speaker(), parameters=PARAMETERS, notes=notes))
    return path
