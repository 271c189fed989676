"""A node as the rest of the house sees it, however it is asked."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from tallystick.host.chain.coin import Coin
from tallystick.host.chain.textual import CoinMetadata


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The two numbers that bind a signature to an account and to its next transaction."""

    number: int
    sequence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a node or a block says about a transaction: 0 is yes; else code, whose code it is, and words."""

    code: int
    codespace: str = ""
    words: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """A transaction that is in the block of `height`."""

    height: int
    gas_used: int
    verdict: Verdict


class Node(Protocol):
    """One node.

    Every method raises NodeDown or ChainTimeout when it cannot be asked, and RemoteProtocolError or ChainError for answers that are
    none.
    """

    url: str

    def chain_id(self) -> str:
        """Return the name of the chain it belongs to."""
        ...

    def account(self, address: str) -> Account:
        """Return an account's numbers; raise NoAccount when the chain does not know it."""
        ...

    def balances(self, address: str) -> tuple[Coin, ...]:
        """Return what an address has, the first 200 coins."""
        ...

    def balance(self, address: str, denom: str) -> int:
        """Return what an address has of one coin."""
        ...

    def metadata(self, denom: str) -> CoinMetadata | None:
        """Return what the chain says about a coin, None when it says nothing."""
        ...

    def gas_price(self, denom: str) -> Decimal | None:
        """Return what one of gas costs in `denom`, None when the node does not say."""
        ...

    def simulate(self, transaction: bytes) -> int:
        """Return how much gas a transaction without signature uses; raise ChainRefusal when it would fail."""
        ...

    def broadcast(self, transaction: bytes) -> Verdict:
        """Hand a transaction over, once, and return what the node says at first sight."""
        ...

    def find(self, transaction: str) -> Receipt | None:
        """Return the receipt of the transaction with this hash, None while it is in no block."""
        ...

    def find_by_sequence(self, address: str, sequence: int) -> str | None:
        """Return the hash of the account's transaction of this number, None when the node cannot tell."""
        ...
