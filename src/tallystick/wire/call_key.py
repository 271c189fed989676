"""System calls about keys and randomness: derive, sign, random bytes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, unique
from typing import Self

from tallystick.errors import RemoteProtocolError
from tallystick.wire.buffer import Reader, Writer
from tallystick.wire.call import DataRequest
from tallystick.wire.install import Curve

MAX_RANDOM = 1024
#: levels of a BIP-32 path
MAX_LEVELS = 10
#: of a `DeriveSecret`: levels or a label, and levels with all the names of a registered tree
MAX_PATH_BYTES = 128
MAX_TREE_BYTES = 4096
#: of a seed key that an app brings
MAX_SEED_KEY = 128
#: the curves an app may name, by their bit in install parameters (wire-protocol E.4)
_CURVES = (Curve.SECP256K1, Curve.SECP256R1, Curve.ED25519)


def _write_path(writer: Writer, path: tuple[int, ...]) -> Writer:
    writer.u8(len(path))
    for level in path:
        writer.u32(level)
    return writer


def _read_path(reader: Reader) -> tuple[int, ...]:
    count = reader.u8()
    if count > MAX_LEVELS:
        raise RemoteProtocolError(f"a path of {count} levels, {MAX_LEVELS} are allowed")
    return tuple(reader.u32() for _ in range(count))


def _read_curve(reader: Reader) -> Curve:
    number = reader.u8()
    for curve in _CURVES:
        if curve.value == number:
            return curve
    raise RemoteProtocolError("unknown curve")


@dataclass(frozen=True, slots=True)
class PublicKey(DataRequest):
    """Derive a public key. Value: 65 bytes uncompressed (secp256k1, secp256r1) or 32 bytes (ed25519)."""

    NUMBER = 0x20
    curve: Curve
    path: tuple[int, ...]

    def body(self) -> bytes:
        """Curve u8, count u8, levels u32."""
        return _write_path(Writer().u8(self.curve), self.path).to_bytes()

    @classmethod
    def read(cls, reader: Reader) -> Self:
        """Read the body."""
        request = cls(_read_curve(reader), _read_path(reader))
        reader.finish()
        return request


@dataclass(frozen=True, slots=True)
class Sign(DataRequest):
    """Sign with the key at `path`: a 32-byte digest (ECDSA, DER, RFC 6979, low S) or a message (ed25519, 64 bytes)."""

    NUMBER = 0x21
    curve: Curve
    path: tuple[int, ...]
    digest: bytes

    def body(self) -> bytes:
        """Curve u8, count u8, levels u32, digest or message."""
        return _write_path(Writer().u8(self.curve), self.path).take(self.digest).to_bytes()

    @classmethod
    def read(cls, reader: Reader) -> Self:
        """Read the body."""
        curve, path = _read_curve(reader), _read_path(reader)
        return cls(curve, path, reader.rest())


@dataclass(frozen=True, slots=True)
class DeriveNode(DataRequest):
    """Derive a private key for a native app, whose SDK computes with it. Value: private key, chain code (32 bytes each).

    Paths and curves are permitted as for all keys; apps in Python never need it, and are refused. A `seed_key` of up to 128 bytes
    takes the place of the curve's own in the HMAC of the root (SLIP-10): a tree that is the app's convention.
    """

    NUMBER = 0x22
    curve: Curve
    path: tuple[int, ...]
    seed_key: bytes = b""

    def body(self) -> bytes:
        """Curve u8, count u8, levels u32, the seed key with its length."""
        return _write_path(Writer().u8(self.curve), self.path).lv(self.seed_key).to_bytes()

    @classmethod
    def read(cls, reader: Reader) -> Self:
        """Read the body."""
        curve, path, seed_key = _read_curve(reader), _read_path(reader), reader.lv()
        reader.finish()
        if len(seed_key) > MAX_SEED_KEY:
            raise RemoteProtocolError(f"a seed key of {len(seed_key)} bytes, {MAX_SEED_KEY} are allowed")
        return cls(curve, path, seed_key)


@unique
class Scheme(IntEnum):
    """A way to derive a secret that is not one of a `DeriveNode`: what its path is, and its value."""

    #: levels u32 big endian; kL, kR and chain code (32 bytes each) of BIP32-Ed25519
    BIP32_ED25519 = 1
    #: a label, a zero before it; 32 bytes of SLIP-21
    SLIP21 = 2
    #: levels u32 big endian; 32 bytes, big endian, of BLS12-381 by EIP-2333
    EIP2333 = 3
    #: levels u32 big endian; ask, nsk, ovk, dk and chain code (32 bytes each) of ZIP-32
    ZIP32_SAPLING = 4
    #: levels u32 big endian; key and chain code (32 bytes each) of ZIP-32
    ZIP32_ORCHARD = 5
    #: count u8, levels u32 big endian, then with their lengths the context and one tag for each level but the first; as Orchard
    ZIP32_REGISTERED = 6
    #: levels u32 big endian; key and chain code (32 bytes each) of Aleo's tree on BLS12-377
    ALEO = 7


@dataclass(frozen=True, slots=True)
class DeriveSecret(DataRequest):
    """Derive a secret by another scheme for a native app; `path` has at most 128 bytes, 4096 in a registered tree. Value: see `Scheme`.

    Labels and levels are permitted by the install parameters; apps in Python are refused.
    """

    NUMBER = 0x23
    scheme: Scheme
    path: bytes

    def body(self) -> bytes:
        """Scheme u8, then the path."""
        return bytes((self.scheme,)) + self.path

    @classmethod
    def read(cls, reader: Reader) -> Self:
        """Read the body."""
        try:
            scheme = Scheme(reader.u8())
        except ValueError:
            raise RemoteProtocolError("unknown scheme") from None
        path = reader.rest()
        if len(path) > (MAX_TREE_BYTES if scheme is Scheme.ZIP32_REGISTERED else MAX_PATH_BYTES):
            raise RemoteProtocolError(f"a path of {len(path)} bytes")
        return cls(scheme, path)


@dataclass(frozen=True, slots=True)
class MasterIdentifier(DataRequest):
    """Ask which seed this is, for a native app that may derive on secp256k1. Value: HASH160 of the root's public key (20 bytes)."""

    NUMBER = 0x24

    def body(self) -> bytes:
        """Nothing."""
        return b""


@dataclass(frozen=True, slots=True)
class Random(DataRequest):
    """Ask for `size_bytes` (1 to 1024) random bytes. Value: bytes."""

    NUMBER = 0x28
    size_bytes: int

    def body(self) -> bytes:
        """Size u16."""
        return self.size_bytes.to_bytes(2, "big")

    @classmethod
    def read(cls, reader: Reader) -> Self:
        """Read the size."""
        size_bytes = reader.u16()
        reader.finish()
        if not 1 <= size_bytes <= MAX_RANDOM:
            raise RemoteProtocolError(f"{size_bytes} random bytes: 1 to {MAX_RANDOM} can be had at once")
        return cls(size_bytes)
