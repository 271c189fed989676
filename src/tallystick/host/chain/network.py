"""Networks: what they are called, what their money and addresses look like, and where nodes are found.

The list that comes along (`networks.json`) holds the networks of cosmos-app 1 that have nodes, and `local`, a chain on one's own
machine. A file of the same form changes entries by name, or adds some.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from decimal import Decimal
from importlib.resources import files
from typing import Final, Self

from tallystick.crypto.bech32 import decode_bytes
from tallystick.errors import ProtocolError, UsageError
from tallystick.host.chain.coin import CoinUnit, read_price
from tallystick.wire.path import Bip32Path, harden
from tallystick.wire.strict_json import strict_json

COSMOS_COIN: Final = 118
#: bytes of an account: of one key, or of a module or contract
_ACCOUNT_BYTES: Final = frozenset({20, 32})
_SECP256K1: Final = "/cosmos.crypto.secp256k1.PubKey"
_TEXT: Final = re.compile(r"[ -~]{1,200}")
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_HASH_PLACE: Final = "{hash}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """One network: `gas_price` in smallest units for one of gas, `rest` and `rpc` as URLs, `link` with ``{hash}`` in it."""

    name: str
    chain_id: str
    hrp: str
    denom: str
    display: str
    decimals: int
    gas_price: str
    coin_type: int = COSMOS_COIN
    public_key_type: str = _SECP256K1
    rest: str = ""
    rpc: str = ""
    link: str = ""

    @classmethod
    def from_json(cls, name: str, document: object, *, base: Network | None = None) -> Self:
        """Read one entry; what it leaves out is as in `base`. Raise UsageError for anything that is not as it must be."""
        known = {one.name: one.type for one in fields(cls) if one.name != "name"}
        if not _NAME.fullmatch(name) or not isinstance(document, dict) or not set(document) <= set(known):
            raise UsageError(f"network {name[:40]!r}: the members are {', '.join(known)}")
        for member, value in document.items():
            is_number = known[member] == "int"
            if type(value) is not (int if is_number else str) or not _TEXT.fullmatch(str(value)):
                raise UsageError(f"network {name}: {member} is not {'a number' if is_number else 'a text'}")
        start = {} if base is None else {one: getattr(base, one) for one in known}
        try:
            made = cls(name=name, **{**start, **document})
        except TypeError:
            raise UsageError(
                f"network {name}: it needs chain_id, hrp, denom, display, decimals and gas_price"
            ) from None
        return made.checked()

    def checked(self) -> Self:
        """Return the network; raise UsageError when its numbers are out of bounds."""
        read_price(self.gas_price)
        if not 0 <= self.decimals <= 18 or not 0 <= self.coin_type < 2**31:
            raise UsageError(f"network {self.name}: decimals are 0 to 18, and a coin type is below 2^31")
        return self

    @property
    def unit(self) -> CoinUnit:
        """The network's own coin."""
        return CoinUnit(denom=self.denom, display=self.display, decimals=self.decimals)

    @property
    def price(self) -> Decimal:
        """What one of gas costs where the node does not say."""
        return read_price(self.gas_price)

    @property
    def path(self) -> Bip32Path:
        """The path of the first account."""
        return Bip32Path((harden(44), harden(self.coin_type), harden(0), 0, 0))

    def check_address(self, address: str, *, is_validator: bool = False) -> str:
        """Return `address`; raise UsageError when it is none of this network's accounts, or validators."""
        hrp = self.hrp + ("valoper" if is_validator else "")
        what = "validator" if is_validator else "account"
        try:
            found, payload = decode_bytes(address)
        except UsageError as error:
            raise UsageError(
                f"{address[:100]!r} is no address: {error.message}", remedy="copy it whole, without blanks"
            ) from None
        if found != hrp or len(payload) not in _ACCOUNT_BYTES:
            raise UsageError(f"{address} is no {what} of {self.name}", remedy=f"its {what}s begin with {hrp}1")
        return address

    def link_to(self, transaction: str) -> str:
        """Return where people can look at a transaction, empty when no place is known."""
        return self.link.replace(_HASH_PLACE, transaction)


@dataclass(frozen=True, slots=True)
class Registry:
    """The networks that are known, by name."""

    networks: tuple[Network, ...]

    @classmethod
    def built_in(cls) -> Self:
        """Return what comes along."""
        text = files("tallystick.host.chain").joinpath("networks.json").read_bytes()
        return cls(()).changed_by(text)

    def changed_by(self, document: bytes) -> Self:
        """Return the list with the entries of a file (an object of objects by name) put in; raise UsageError for a bad one."""
        try:
            entries = strict_json(document, "the list of networks")
        except ProtocolError as error:
            raise UsageError(error.message) from None
        if not isinstance(entries, dict):
            raise UsageError("the list of networks is an object: {name: {chain_id: …}}")
        found = {one.name: one for one in self.networks}
        for name, entry in entries.items():
            found[name] = Network.from_json(name, entry, base=found.get(name))
        return replace(self, networks=tuple(found.values()))

    def find(self, word: str) -> Network:
        """Return the network with this name or chain id; raise UsageError when there is none."""
        for one in self.networks:
            if word in {one.name, one.chain_id}:
                return one
        raise UsageError(
            f"no network is called {word[:60]!r}", remedy=f"known are {_words(one.name for one in self.networks)}"
        )


def _words(names: Iterable[str]) -> str:
    return ", ".join(names)
