"""Hash algorithms as the SDK numbers them, and what a running hash in an app's memory can do.

The structs are those of the public headers (`lcx_hash.h`, `lcx_sha256.h`, ...), byte for byte: a context begins with the
address of what describes its algorithm and the number of blocks done, 32 bits each. The state is the algorithm's own, in the
struct itself, so an app may copy a context and go on with both. Everything is little endian.
"""

from __future__ import annotations

from enum import IntEnum, unique
from typing import Final, Protocol, Self

__all__ = ["MAX_BLOCKS", "Digest", "Md"]

#: a context that says it did more blocks is refused, as the SDK does; SHA-224, SHA-256, BLAKE2b and Groestl alone have no limit
MAX_BLOCKS: Final = 65535


@unique
class Md(IntEnum):
    """Numbers of algorithms in the SDK (`cx_md_t`)."""

    NONE = 0
    RIPEMD160 = 1
    SHA224 = 2
    SHA256 = 3
    SHA384 = 4
    SHA512 = 5
    KECCAK = 6
    SHA3 = 7
    GROESTL = 8
    BLAKE2B = 9
    SHAKE128 = 10
    SHAKE256 = 11
    SHA3_256 = 12
    SHA3_512 = 13


class Digest(Protocol):
    """A running hash; `output_bytes` is how much it will give."""

    output_bytes: int

    @classmethod
    def from_bytes(cls, md: Md, raw: bytes) -> Self:
        """Take up a context (`HashKind.context_bytes`); raise CxError where it cannot be one."""
        ...

    def to_bytes(self, info: int) -> bytes:
        """Return the context, described at the address `info`."""
        ...

    def update(self, data: bytes) -> None:
        """Take data of any length; raise CxError for more than the algorithm's limit."""
        ...

    def final(self) -> bytes:
        """Return the digest, and the context is done; nothing where it was done before and the SDK says nothing then."""
        ...
