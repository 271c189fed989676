"""Files of apps, read and written by the standard library alone: an ELF file's flash, and Intel HEX."""

import struct
from pathlib import Path

#: the example in C, as the package carries it
HELLO = Path(__file__).parents[2] / "src/tallystick/device/native/example/hello.elf"
_SEGMENT = struct.Struct("<8I")
_LOAD = 1


def flash_of(path):
    """Give address and bytes of the one part of an ELF file that goes into flash."""
    raw = path.read_bytes()
    at = struct.unpack_from("<I", raw, 0x1C)[0]
    size, count = struct.unpack_from("<2H", raw, 0x2A)
    parts = (_SEGMENT.unpack_from(raw, at + size * number) for number in range(count))
    ((_, offset, address, _, length, *_rest),) = [part for part in parts if part[0] == _LOAD and part[4]]
    return address, raw[offset : offset + length]


def intel_hex(memory, *, base):
    """Give `memory` at `base` as Intel HEX, to be started at its first address in Thumb state, as linkers write it."""

    def record(kind, address, data):
        raw = bytes([len(data), address >> 8, address & 0xFF, kind]) + data
        return ":" + (raw + bytes([-sum(raw) & 0xFF])).hex().upper()

    lines = [record(4, 0, (base >> 16).to_bytes(2, "big"))]
    lines += [record(0, at, memory[at : at + 16]) for at in range(0, len(memory), 16)]
    lines += [record(5, 0, (base + 1).to_bytes(4, "big")), record(1, 0, b"")]
    return "\n".join(lines) + "\n"
