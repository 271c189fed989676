"""The deterministic nonce of RFC 6979, 3.2, for the hashes that HMAC is had with: RIPEMD-160 and SHA-2."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from tallystick.device.native.cx_chain import CHAINS
from tallystick.device.native.cx_error import CxError, CxStatus
from tallystick.device.native.cx_mac_call import hmac, md_of

__all__ = ["MAX_ORDER_BYTES", "Rfc6979", "nonces"]

MAX_ORDER_BYTES: Final = 66
#: a candidate is refused with a chance below one half; an order that refuses so many is none
_MAX_CANDIDATES: Final = 256


@dataclass(slots=True, kw_only=True)
class Rfc6979:
    """A running generator; sizes of the order in bits."""

    v: bytes = field(repr=False)
    k: bytes = field(repr=False)
    order: bytes
    order_bits: int
    whole_bits: int
    md: int
    scratch: bytes = field(default=bytes(MAX_ORDER_BYTES), repr=False)

    @classmethod
    def fresh(cls, md: int, order: bytes) -> Rfc6979:
        """Return one that is not seeded yet, for an order of at most `MAX_ORDER_BYTES`; raise CxError for no hash, or an order of 0."""
        size = CHAINS[md_of(md)].output_bytes
        bits = int.from_bytes(order, "big").bit_length()
        if not bits:
            raise CxError(CxStatus.INVALID_PARAMETER)
        return cls(v=b"\1" * size, k=bytes(size), order=order, order_bits=bits, whole_bits=(bits + 7) & ~7, md=md)

    @property
    def size(self) -> int:
        """The order's size in bytes."""
        return self.whole_bits >> 3

    def number(self, data: bytes) -> bytes:
        """Return bits2int of the standard (2.3.2), in as many bytes as the order has."""
        value = int.from_bytes(data, "big") >> max(0, 8 * len(data) - self.order_bits)
        return value.to_bytes(self.size, "big")

    def octets(self, data: bytes) -> bytes:
        """Return bits2octets of the standard (2.3.4); the order itself is not reduced, as in the SDK."""
        number = self.number(data)
        order = self.order[: self.size]
        if number <= order:
            return number
        return (int.from_bytes(number, "big") - int.from_bytes(order, "big")).to_bytes(self.size, "big")

    def scalar(self, data: bytes) -> bytes:
        """Return int2octets of the standard (2.3.3)."""
        return data[-self.size :].rjust(self.size, b"\0")

    def step(self, mark: int, data: bytes) -> None:
        """K = HMAC(K, V || mark || data), V = HMAC(K, V)."""
        md = md_of(self.md)
        self.k = hmac(md, self.k, self.v + bytes((mark,)) + data)
        self.v = hmac(md, self.k, self.v)

    def seed(self, data: bytes) -> None:
        """Begin with the private key and the digest, one behind the other."""
        self.step(0, data)
        self.step(1, data)

    def next(self) -> bytes:
        """Return the next number below the order; raise CxError when none comes."""
        md = md_of(self.md)
        order = self.order[: self.size]
        for _ in range(_MAX_CANDIDATES):
            candidate = b""
            while len(candidate) < self.size:
                self.v = hmac(md, self.k, self.v)
                candidate += self.v
            number = self.number(candidate[: self.size])
            self.step(0, b"")
            if number < order:
                return number
        raise CxError(CxStatus.INTERNAL_ERROR)


def nonces(md: int, private: int, digest: bytes, order: int) -> Iterator[int]:
    """Give one nonce after the other for a private key and a digest: from 0 to `order` - 1.

    Raises:
        CxError: the hash is not one that HMAC is had with, INVALID_PARAMETER.

    """
    size = (order.bit_length() + 7) // 8
    made = Rfc6979.fresh(md, order.to_bytes(size, "big"))
    made.seed((private % (1 << 8 * size)).to_bytes(size, "big") + made.octets(digest))
    while True:
        yield int.from_bytes(made.next(), "big")
