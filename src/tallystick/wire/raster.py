"""Grey pixels as digits: one hexadecimal character a pixel, ``0`` (dark) to ``f`` (light), row by row.

In this form whole rows and columns are moved by slices, and the packed forms (1, 2 or 4 bits a pixel, first pixel in the highest bits)
come and go at the speed of C. Nothing here knows what is drawn.
"""

from __future__ import annotations

from typing import Final

__all__ = ["BITS", "digits_of_stream", "fewest_bits", "pack", "packed_size", "unpack"]

#: bits that a pixel may have
BITS: Final = (1, 2, 4)
_HEX: Final = b"0123456789abcdef"
_QUADS: Final = tuple(bytes(_HEX[5 * (value >> shift & 3)] for shift in (6, 4, 2, 0)) for value in range(256))
_BINARY: Final = bytes.maketrans(b"01", b"0f")
_ON_OR_OFF: Final = bytes.maketrans(b"0123456789abcdef", b"0000000011111111")
#: where there are no greys all but the darkest are light
_LIT: Final = bytes.maketrans(b"0123456789abcdef", b"0111111111111111")
#: the two bits of each of the sixteen levels, as a digit of base four
_OF_FOUR: Final = bytes.maketrans(b"0123456789abcdef", b"0001111122222333")


def packed_size(width: int, height: int, bits: int) -> int:
    """Return the bytes of a picture whose rows are padded to whole bytes."""
    return (width * bits + 7) // 8 * height


def digits_of_stream(data: bytes, bits: int) -> bytes:
    """Return the digits of pixels that follow each other without padding: 8, 4 or 2 for each byte."""
    if bits == 4:
        return data.hex().encode()
    if bits == 1:
        return f"{int.from_bytes(data, 'big'):0{8 * len(data)}b}".encode().translate(_BINARY) if data else b""
    return b"".join(_QUADS[byte] for byte in data)


def unpack(data: bytes, *, width: int, height: int, bits: int) -> bytes:
    """Return the digits of a packed picture; `data` has `packed_size` bytes."""
    row = width * bits
    if row % 8 == 0:
        return digits_of_stream(data, bits)
    stride = (row + 7) // 8
    return b"".join(digits_of_stream(data[at : at + stride], bits)[:width] for at in range(0, stride * height, stride))


def pack(digits: bytes, *, width: int, height: int, bits: int, has_greys: bool = True) -> bytes:
    """Return a picture packed; levels between those of `bits` are rounded, or light where there are no greys (1 bit)."""
    per_byte = 8 // bits
    stride = -(-width // per_byte)
    padding = b"0" * (stride * per_byte - width)
    if padding:
        digits = b"".join(digits[at : at + width] + padding for at in range(0, width * height, width))
    if bits == 4:
        return bytes.fromhex(digits.decode())
    if not digits:
        return b""
    if bits == 1:
        return int(digits.translate(_ON_OR_OFF if has_greys else _LIT), 2).to_bytes(stride * height, "big")
    return int(digits.translate(_OF_FOUR), 4).to_bytes(stride * height, "big")


def fewest_bits(digits: bytes) -> int:
    """Return how many bits a pixel needs so that nothing of the picture is lost."""
    if not digits.translate(None, b"0f"):
        return 1
    return 4 if digits.translate(None, b"05af") else 2
