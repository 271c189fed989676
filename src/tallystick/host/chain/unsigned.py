"""Files with transactions as nodes' own clients write them (`gaiad tx … --generate-only`), and as they read them signed."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tallystick.errors import ProtocolError, UsageError
from tallystick.host.chain.answer import Answer
from tallystick.host.chain.coin import Coin
from tallystick.host.chain.schema import MESSAGE_TYPES, Field, Kind, Message, Value, VoteOption
from tallystick.host.chain.transaction import Fee, SignedTransaction
from tallystick.wire.strict_json import strict_json

MAX_FILE_BYTES: Final = 64 << 10
_BODY: Final = frozenset(
    {
        "messages", "memo", "timeout_height", "unordered", "timeout_timestamp", "extension_options",
        "non_critical_extension_options",
    }
)  # fmt: skip
#: members that would change what the transaction does, and that are not supported: they have to be empty
_EMPTY: Final = ("unordered", "timeout_timestamp", "extension_options", "non_critical_extension_options")
_VOTES: Final = {name: one for one in VoteOption for name in (one.wire_name, int(one), str(int(one)))}


@dataclass(frozen=True, slots=True, kw_only=True)
class UnsignedFile:
    """What a file says: everything but who signs, how, and for which chain."""

    messages: tuple[Message, ...]
    fee: Fee
    memo: str
    timeout_height: int


def read_unsigned(raw: bytes) -> UnsignedFile:
    """Return the transaction in a file; raise UsageError for what is none, or holds anything that would not be signed as it is."""
    try:
        document = strict_json(raw, "the transaction", limit=MAX_FILE_BYTES)
        return _read(document)
    except ProtocolError as error:
        raise UsageError(error.message, remedy="write one with: gaiad tx … --generate-only") from None


def signed_document(signed: SignedTransaction) -> dict[str, object]:
    """Return the signed transaction as nodes' own clients read it: ``gaiad tx broadcast FILE``."""
    one = signed.transaction
    return {
        "body": {
            "messages": [message.to_json() for message in one.messages],
            "memo": one.memo,
            "timeout_height": str(one.timeout_height),
            "extension_options": [],
            "non_critical_extension_options": [],
        },
        "auth_info": {
            "signer_infos": [
                {
                    "public_key": {
                        "@type": one.signer.public_key_type,
                        "key": base64.b64encode(one.signer.public_key).decode("ascii"),
                    },
                    "mode_info": {"single": {"mode": one.mode.wire_name}},
                    "sequence": str(one.signer.sequence),
                }
            ],
            "fee": {
                "amount": [coin.to_json() for coin in one.fee.amount],
                "gas_limit": str(one.fee.gas),
                "payer": one.fee.payer,
                "granter": one.fee.granter,
            },
        },
        "signatures": [base64.b64encode(signed.signature).decode("ascii")],
    }


def _read(document: object) -> UnsignedFile:
    whole = Answer(document, "the transaction")
    body, fee = whole.member("body"), whole.member("auth_info", "fee")
    members = document["body"] if isinstance(document, dict) else {}
    if not isinstance(members, dict) or not set(members) <= _BODY or any(members.get(name) for name in _EMPTY):
        raise UsageError("the transaction has parts that are not supported, and so would not be signed")
    tip = whole.member("auth_info").find("tip")
    if tip is not None:
        raise UsageError("tips are not supported")
    memo, height = body.find("memo"), body.find("timeout_height")
    return UnsignedFile(
        messages=tuple(_message(one, raw) for one, raw in _pairs(body.member("messages"), members["messages"])),
        fee=_fee(fee),
        memo="" if memo is None else memo.text(),
        timeout_height=0 if height is None else height.number(),
    )


def _pairs(items: Answer, raw: list[Mapping[str, object]]) -> list[tuple[Answer, Mapping[str, object]]]:
    return list(zip(items.items(), raw, strict=True))


def _fee(fee: Answer) -> Fee:
    amount, payer, granter = fee.find("amount"), fee.find("payer"), fee.find("granter")
    return Fee(
        amount=() if amount is None else tuple(one.coin() for one in amount.items()),
        gas=fee.member("gas_limit").number(),
        payer="" if payer is None else payer.text(),
        granter="" if granter is None else granter.text(),
    )


def _message(found: Answer, raw: Mapping[str, object]) -> Message:
    url = found.member("@type").text()
    kind = MESSAGE_TYPES.get(url)
    if kind is None:
        raise UsageError(
            f"messages of type {url[:100]} are not supported", remedy=f"supported are {', '.join(MESSAGE_TYPES)}"
        )
    unknown = set(raw) - {"@type", *(field.name for field in kind.fields)}
    if unknown:
        raise UsageError(f"{url} has no member {min(unknown)[:60]!r}")
    return Message(type=kind, values={field.name: _value(found, field) for field in kind.fields})


def _value(message: Answer, field: Field) -> Value:
    if field.kind is Kind.TEXT:
        # nodes' clients leave no member out, but people do
        found = message.find(field.name)
        return "" if found is None else found.text()
    member = message.member(field.name)
    match field.kind:
        case Kind.NUMBER:
            return member.number()
        case Kind.COIN:
            return member.coin()
        case Kind.COINS:
            return tuple(_in_written_order(member))
        case _:
            return _vote(member)


def _in_written_order(member: Answer) -> list[Coin]:
    return [one.coin() for one in member.items()]


def _vote(member: Answer) -> VoteOption:
    try:
        word: str | int = member.text()
    except ProtocolError:
        word = member.number()
    if word not in _VOTES:
        raise UsageError("a vote is one of " + ", ".join(one.wire_name for one in VoteOption))
    return _VOTES[word]
