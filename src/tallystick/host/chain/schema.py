"""The messages that are supported: their fields, once, for all the ways in which they are written.

A message is the same thing four times: protobuf in the transaction, amino JSON or textual screens for the device, and the JSON of
nodes' own clients in files. The table of fields here gives all of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, auto, unique
from typing import Final

from tallystick.errors import UsageError
from tallystick.host.chain import protobuf
from tallystick.host.chain.coin import Coin, in_order

Value = str | int | Coin | tuple[Coin, ...]


@unique
class VoteOption(IntEnum):
    """cosmos.gov.v1beta1.VoteOption."""

    YES = 1
    ABSTAIN = 2
    NO = 3
    NO_WITH_VETO = 4

    @property
    def wire_name(self) -> str:
        """The name in protobuf, which textual and JSON show."""
        return f"VOTE_OPTION_{self.name}"


@unique
class Kind(IntEnum):
    """What a field holds."""

    TEXT = auto()
    NUMBER = auto()
    COIN = auto()
    COINS = auto()
    VOTE = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """Field `number` of a message, its name in protobuf and JSON, and what it holds."""

    number: int
    name: str
    kind: Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageType:
    """A kind of message: its names in protobuf and amino, its fields by number, who signs it, which coins leave the signer."""

    url: str
    amino: str
    title: str
    fields: tuple[Field, ...]
    signer: str
    spends: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message: a value for each field of its type; raises UsageError when one is missing, or there are others."""

    type: MessageType
    values: Mapping[str, Value]

    def __post_init__(self) -> None:
        names = {field.name for field in self.type.fields}
        if set(self.values) != names:
            raise UsageError(f"{self.type.url} has the members {', '.join(sorted(names))}")

    @property
    def signer(self) -> str:
        """The address that signs it."""
        return str(self.values[self.type.signer])

    @property
    def spent(self) -> tuple[Coin, ...]:
        """The coins that leave the signer's account."""
        value = self.values[self.type.spends] if self.type.spends else ()
        return (value,) if isinstance(value, Coin) else value if isinstance(value, tuple) else ()

    def to_protobuf(self) -> bytes:
        """Return the message inside google.protobuf.Any."""
        value = b"".join(_protobuf(field, self.values[field.name]) for field in self.type.fields)
        return protobuf.any_message(self.type.url, value)

    def to_amino(self) -> dict[str, object]:
        """Return the object of amino JSON; empty texts are left out."""
        members = {field.name: _amino(self.values[field.name]) for field in self.type.fields}
        return {"type": self.type.amino, "value": {name: value for name, value in members.items() if value != ""}}

    def to_json(self) -> dict[str, object]:
        """Return the object that nodes' own clients have in files."""
        members = {field.name: _json(self.values[field.name]) for field in self.type.fields}
        return {"@type": self.type.url, **members}


def _fields(*pairs: tuple[str, Kind]) -> tuple[Field, ...]:
    return tuple(Field(number=number, name=name, kind=kind) for number, (name, kind) in enumerate(pairs, start=1))


_STAKE: Final = _fields(("delegator_address", Kind.TEXT), ("validator_address", Kind.TEXT), ("amount", Kind.COIN))
_VOTE: Final = (("proposal_id", Kind.NUMBER), ("voter", Kind.TEXT), ("option", Kind.VOTE))

SEND: Final = MessageType(
    url="/cosmos.bank.v1beta1.MsgSend",
    amino="cosmos-sdk/MsgSend",
    title="Send",
    fields=_fields(("from_address", Kind.TEXT), ("to_address", Kind.TEXT), ("amount", Kind.COINS)),
    signer="from_address",
    spends="amount",
)
DELEGATE: Final = MessageType(
    url="/cosmos.staking.v1beta1.MsgDelegate",
    amino="cosmos-sdk/MsgDelegate",
    title="Delegate",
    fields=_STAKE,
    signer="delegator_address",
    spends="amount",
)
UNDELEGATE: Final = MessageType(
    url="/cosmos.staking.v1beta1.MsgUndelegate",
    amino="cosmos-sdk/MsgUndelegate",
    title="Undelegate",
    fields=_STAKE,
    signer="delegator_address",
)
REDELEGATE: Final = MessageType(
    url="/cosmos.staking.v1beta1.MsgBeginRedelegate",
    amino="cosmos-sdk/MsgBeginRedelegate",
    title="Redelegate",
    fields=_fields(
        ("delegator_address", Kind.TEXT),
        ("validator_src_address", Kind.TEXT),
        ("validator_dst_address", Kind.TEXT),
        ("amount", Kind.COIN),
    ),
    signer="delegator_address",
)
WITHDRAW: Final = MessageType(
    url="/cosmos.distribution.v1beta1.MsgWithdrawDelegatorReward",
    amino="cosmos-sdk/MsgWithdrawDelegationReward",
    title="Withdraw rewards",
    fields=_fields(("delegator_address", Kind.TEXT), ("validator_address", Kind.TEXT)),
    signer="delegator_address",
)
#: the older form, which the Cosmos app has a name for
VOTE: Final = MessageType(
    url="/cosmos.gov.v1beta1.MsgVote", amino="cosmos-sdk/MsgVote", title="Vote", fields=_fields(*_VOTE), signer="voter"
)
#: what nodes' own clients write
VOTE_V1: Final = MessageType(
    url="/cosmos.gov.v1.MsgVote",
    amino="cosmos-sdk/v1/MsgVote",
    title="Vote",
    fields=_fields(*_VOTE, ("metadata", Kind.TEXT)),
    signer="voter",
)
MESSAGE_TYPES: Final = {one.url: one for one in (SEND, DELEGATE, UNDELEGATE, REDELEGATE, WITHDRAW, VOTE, VOTE_V1)}


def message(kind: MessageType, **values: Value) -> Message:
    """Return a message; several coins are brought into the order that chains want."""
    ordered = {name: in_order(value) if isinstance(value, tuple) else value for name, value in values.items()}
    return Message(type=kind, values=ordered)


def _protobuf(field: Field, value: Value) -> bytes:
    match value:
        case str():
            return protobuf.text_field(field.number, value)
        case int():
            return protobuf.number_field(field.number, value)
        case Coin():
            return protobuf.message_field(field.number, value.to_protobuf())
        case _:
            return protobuf.repeated_field(field.number, (coin.to_protobuf() for coin in value))


def _amino(value: Value) -> object:
    match value:
        case VoteOption():
            return int(value)
        case str():
            return value
        case int():
            return str(value)
        case Coin():
            return value.to_json()
        case _:
            return [coin.to_json() for coin in value]


def _json(value: Value) -> object:
    return value.wire_name if isinstance(value, VoteOption) else _amino(value)
