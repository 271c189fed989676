"""All hashes that apps may run, by number: what the SDK says of them, and who runs them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from tallystick.device.native.cx_algorithm import Md
from tallystick.device.native.cx_blake import Blake2bDigest
from tallystick.device.native.cx_chain import CHAINS, ChainDigest
from tallystick.device.native.cx_error import CxError, CxStatus
from tallystick.device.native.cx_groestl import CONTEXT_BYTES, GroestlDigest
from tallystick.device.native.cx_sponge import SpongeDigest

__all__ = ["HASHES", "HashKind", "digest_of", "kind_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class HashKind:
    """What the SDK says of an algorithm, in bytes; an output of 0 depends on the context, so does the block of a sponge."""

    output_bytes: int
    block_bytes: int
    context_bytes: int
    digest: type[ChainDigest | SpongeDigest | Blake2bDigest | GroestlDigest]


_SPONGE: Final = HashKind(output_bytes=0, block_bytes=0, context_bytes=424, digest=SpongeDigest)


def _kind(md: Md) -> HashKind:
    chain = CHAINS[md]
    size = 12 + chain.block_bytes + chain.state.size
    return HashKind(
        output_bytes=chain.output_bytes, block_bytes=chain.block_bytes, context_bytes=size, digest=ChainDigest
    )


HASHES: Final[Mapping[Md, HashKind]] = MappingProxyType(
    {md: _kind(md) for md in CHAINS}
    | dict.fromkeys((Md.SHA3, Md.KECCAK, Md.SHAKE128, Md.SHAKE256), _SPONGE)
    | {Md.BLAKE2B: HashKind(output_bytes=0, block_bytes=128, context_bytes=256, digest=Blake2bDigest)}
    | {Md.GROESTL: HashKind(output_bytes=0, block_bytes=128, context_bytes=CONTEXT_BYTES, digest=GroestlDigest)}
)


def digest_of(md: Md, data: bytes) -> bytes:
    """Return the hash of `data` by an algorithm with one size of output; raise CxError for another."""
    if md not in CHAINS:
        raise CxError(CxStatus.INVALID_PARAMETER)
    return CHAINS[md].at_once(data)


def kind_of(md: int) -> tuple[Md, HashKind]:
    """Return the algorithm of a number an app gave, and what is said of it; raise CxError for a number of none.

    SHA3_256 and SHA3_512 are other numbers of SHA3.
    """
    if md in {Md.SHA3_256, Md.SHA3_512}:
        md = Md.SHA3
    try:
        known = Md(md)
        return known, HASHES[known]
    except (ValueError, KeyError):
        raise CxError(CxStatus.INVALID_PARAMETER) from None
