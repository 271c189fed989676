"""What SIGN_MODE_TEXTUAL has a device show: the transaction as screens, in canonical CBOR (ADR-050, cosmos-app 5).

The chain makes the same screens from the same transaction and checks the signature over them, so every letter counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from tallystick.crypto.hash import sha256
from tallystick.errors import UsageError
from tallystick.host.chain.coin import Coin, shifted
from tallystick.host.chain.schema import Message, Value, VoteOption
from tallystick.host.chain.transaction import Transaction

_UNSIGNED, _TEXT, _ARRAY, _MAP = 0, 3, 4, 5
_TRUE: Final = b"\xf5"
_INLINE: Final = 24
_MAX_SHIFT: Final = 18


@dataclass(frozen=True, slots=True, kw_only=True)
class CoinMetadata:
    """What a chain says about a coin: the unit it is shown in, and the exponent of each unit."""

    display: str
    exponents: tuple[tuple[str, int], ...]


#: what a chain says about a coin, None when it says nothing
MetadataOf = Callable[[str], CoinMetadata | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """One screen; an expert one may be hidden by devices that do so."""

    title: str = ""
    content: str = ""
    indent: int = 0
    is_expert: bool = False

    def to_cbor(self) -> bytes:
        """Return the map of what is not empty, keys ascending."""
        entries = [
            _head(_UNSIGNED, key) + value
            for key, value, is_there in (
                (1, _text(self.title), self.title),
                (2, _text(self.content), self.content),
                (3, _head(_UNSIGNED, self.indent), self.indent),
                (4, _TRUE, self.is_expert),
            )
            if is_there
        ]
        return _head(_MAP, len(entries)) + b"".join(entries)


def to_textual(transaction: Transaction, metadata_of: MetadataOf) -> bytes:
    """Return what is signed: the screens of `transaction` in CBOR; raise UsageError for a coin that cannot be written."""
    screens = tuple(screens_of(transaction, metadata_of))
    return (
        _head(_MAP, 1) + _head(_UNSIGNED, 1) + _head(_ARRAY, len(screens)) + b"".join(one.to_cbor() for one in screens)
    )


def screens_of(transaction: Transaction, metadata_of: MetadataOf) -> Iterator[Screen]:
    """Yield the screens in the order of ADR-050; what has its default value has none."""
    signer, fee = transaction.signer, transaction.fee
    yield Screen(title="Chain id", content=transaction.chain_id)
    yield from _optional("Account number", _grouped(signer.account_number), is_there=bool(signer.account_number))
    yield from _optional("Sequence", _grouped(signer.sequence), is_there=bool(signer.sequence))
    yield Screen(title="Address", content=signer.address, is_expert=True)
    yield Screen(title="Public key", content=signer.public_key_type, is_expert=True)
    yield Screen(title="Key", content=_hexadecimal(signer.public_key), indent=1, is_expert=True)
    yield from _messages(transaction.messages, metadata_of)
    yield from _optional("Memo", transaction.memo)
    if fee.amount:
        yield Screen(title="Fees", content=_coins(fee.amount, metadata_of))
    for title, text in (("Fee payer", fee.payer), ("Fee granter", fee.granter)):
        yield from _optional(title, text, is_expert=True)
    for title, number in (("Gas limit", fee.gas), ("Timeout height", transaction.timeout_height)):
        yield from _optional(title, _grouped(number), is_there=bool(number), is_expert=True)
    yield Screen(title="Hash of raw bytes", content=_raw_hash(transaction), is_expert=True)


def _optional(title: str, content: str, *, is_there: bool | None = None, is_expert: bool = False) -> Iterator[Screen]:
    if content if is_there is None else is_there:
        yield Screen(title=title, content=content, is_expert=is_expert)


def _messages(messages: tuple[Message, ...], metadata_of: MetadataOf) -> Iterator[Screen]:
    count = len(messages)
    yield Screen(content=f"This transaction has {count} Message{'s' if count != 1 else ''}")
    for number, one in enumerate(messages, start=1):
        yield Screen(title=f"Message ({number}/{count})", content=one.type.url, indent=1)
        for field in one.type.fields:
            value = one.values[field.name]
            if value not in ("", 0, ()):
                title = field.name.replace("_", " ").capitalize()
                yield Screen(title=title, content=_content(value, metadata_of), indent=2)
    yield Screen(content="End of Message")


def _content(value: Value, metadata_of: MetadataOf) -> str:
    match value:
        case VoteOption():
            return value.wire_name
        case str():
            return value
        case int():
            return _grouped(value)
        case Coin():
            return _coins((value,), metadata_of)
        case _:
            return _coins(value, metadata_of)


def _coins(coins: tuple[Coin, ...], metadata_of: MetadataOf) -> str:
    shown = [_coin(coin, metadata_of(coin.denom)) for coin in coins]
    if any("," in amount + name for amount, name in shown):
        raise UsageError("a coin with a comma in its name cannot be shown", remedy="sign with --sign-mode amino-json")
    return ", ".join(f"{amount} {name}" for amount, name in sorted(shown, key=lambda one: one[1]))


def _coin(coin: Coin, metadata: CoinMetadata | None) -> tuple[str, str]:
    if metadata is None or metadata.display in {"", coin.denom}:
        return _grouped(coin.amount), coin.denom
    exponents = dict(metadata.exponents)
    if coin.denom not in exponents or metadata.display not in exponents:
        return _grouped(coin.amount), coin.denom
    shift = exponents[metadata.display] - exponents[coin.denom]
    if abs(shift) > _MAX_SHIFT:
        raise UsageError(f"{coin.denom} has too many decimals to be shown", remedy="sign with --sign-mode amino-json")
    if shift < 0:
        return _grouped(coin.amount * 10**-shift), metadata.display
    whole, _, part = shifted(coin.amount, shift).partition(".")
    return _grouped(int(whole)) + (f".{part}" if part else ""), metadata.display


def _grouped(number: int) -> str:
    return f"{number:,}".replace(",", "'")


def _hexadecimal(data: bytes) -> str:
    digits = data.hex().upper()
    return " ".join(digits[at : at + 4] for at in range(0, len(digits), 4))


def _raw_hash(transaction: Transaction) -> str:
    parts = (transaction.body_bytes(), transaction.auth_info_bytes())
    return sha256(b"".join(len(part).to_bytes(8, "big") + part for part in parts)).hex()


def _head(major: int, value: int) -> bytes:
    """Return the first bytes of a CBOR item in their shortest form (RFC 8949, 4.2.1); values are below 2^32 here."""
    if value < _INLINE:
        return bytes((major << 5 | value,))
    width = 1 if value < 1 << 8 else 2 if value < 1 << 16 else 4
    return bytes((major << 5 | _INLINE + width.bit_length() - 1,)) + value.to_bytes(width, "big")


def _text(text: str) -> bytes:
    raw = text.encode("utf-8")
    return _head(_TEXT, len(raw)) + raw
