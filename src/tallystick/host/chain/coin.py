"""Amounts of money: as chains count them, and as people write and read them.

A chain counts in whole numbers of its smallest unit (``1500000uatom``). People write either that, or the coin's own name with a
decimal point (``1.5atom``); nothing is ever rounded.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_CEILING, Context, Decimal
from typing import Final

from tallystick.errors import UsageError
from tallystick.host.chain import protobuf

#: digits of the largest amount: 2^256 - 1 has 78
MAX_DIGITS: Final = 78
_DENOM: Final = re.compile(r"[a-zA-Z][a-zA-Z0-9/:._-]{1,127}")
_WRITTEN: Final = re.compile(r"([0-9]{1,78})(?:\.([0-9]{1,18}))?([a-zA-Z].*)")
_PRICE: Final = re.compile(r"[0-9]{1,30}(\.[0-9]{1,30})?")
_EXACT: Final = Context(prec=2 * MAX_DIGITS + 60)
_REMEDY: Final = "write an amount like 1500000uatom or 1.5atom"


@dataclass(frozen=True, slots=True, kw_only=True)
class Coin:
    """`amount` (0 to 2^256 - 1) of the smallest unit `denom` (3 to 128 letters as chains allow them; two are let through)."""

    amount: int
    denom: str

    def __post_init__(self) -> None:
        if not 0 <= self.amount < 2**256:
            raise UsageError("an amount is below 2^256")
        if not _DENOM.fullmatch(self.denom):
            raise UsageError(f"{self.denom[:40]!r} is not the name of a coin", remedy=_REMEDY)

    def __str__(self) -> str:
        """Return the amount as chains write it: ``1500000uatom``."""
        return f"{self.amount}{self.denom}"

    def to_protobuf(self) -> bytes:
        """Return cosmos.base.v1beta1.Coin: name 1, amount 2 in digits."""
        return protobuf.text_field(1, self.denom) + protobuf.text_field(2, str(self.amount))

    def to_json(self) -> dict[str, str]:
        """Return the object that amino JSON and REST have."""
        return {"amount": str(self.amount), "denom": self.denom}


@dataclass(frozen=True, slots=True, kw_only=True)
class CoinUnit:
    """What a network calls its coin: 10^`decimals` of `denom` are one `display`."""

    denom: str
    display: str
    decimals: int

    def read(self, text: str) -> Coin:
        """Return what a person wrote; raise UsageError when it is no amount, or not a whole number of the smallest unit."""
        match = _WRITTEN.fullmatch(text)
        if match is None:
            raise UsageError(f"{text[:60]!r} is not an amount", remedy=_REMEDY)
        whole, part, name = match[1], match[2] or "", match[3]
        is_display = name.lower() == self.display.lower() and name != self.denom
        decimals = self.decimals if is_display else 0
        if len(part.rstrip("0")) > decimals:
            raise UsageError(f"{text[:60]} is not a whole number of the smallest unit", remedy=_REMEDY)
        amount = int(whole + part.rstrip("0").ljust(decimals, "0"))
        return Coin(amount=amount, denom=self.denom if is_display else name)

    def show(self, coin: Coin) -> str:
        """Return an amount for people: ``1.5 atom`` for the network's own coin, as it is for others."""
        if coin.denom != self.denom:
            return f"{coin.amount} {coin.denom}"
        return f"{shifted(coin.amount, self.decimals)} {self.display}"


def read_coins(text: str, unit: CoinUnit) -> tuple[Coin, ...]:
    """Return amounts with commas between them in the order chains want, by name; raise UsageError as `CoinUnit.read` does."""
    return in_order(unit.read(one.strip()) for one in text.split(",") if one.strip())


def in_order(coins: Iterable[Coin]) -> tuple[Coin, ...]:
    """Return coins by name; raise UsageError when one is there twice."""
    found = tuple(sorted(coins, key=lambda coin: coin.denom))
    if len({coin.denom for coin in found}) != len(found):
        raise UsageError("a coin is named twice")
    return found


def shifted(amount: int, decimals: int) -> str:
    """Return `amount` / 10^`decimals` (0 to 18) exactly, without zeros at its end."""
    digits = str(amount).rjust(decimals + 1, "0")
    whole, part = digits[: len(digits) - decimals], digits[len(digits) - decimals :].rstrip("0")
    return f"{whole}.{part}" if part else whole


def read_price(text: str) -> Decimal:
    """Return a price in smallest units for one of gas; raise UsageError when it is no decimal number."""
    if not _PRICE.fullmatch(text):
        raise UsageError(f"{text[:60]!r} is not a price", remedy="write a price like 0.025")
    return Decimal(text)


def fee_for(gas: int, price: Decimal) -> int:
    """Return what `gas` costs, rounded up to the smallest unit."""
    return int(_EXACT.multiply(Decimal(gas), price).to_integral_value(rounding=ROUND_CEILING, context=_EXACT))
