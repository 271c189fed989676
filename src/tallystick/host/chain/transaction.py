"""A transaction with one signer: what it is, as bytes, and as amino JSON (cosmos.tx.v1beta1, cosmos-app 3)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import IntEnum, unique
from typing import Final

from tallystick.crypto.hash import sha256
from tallystick.errors import UsageError
from tallystick.host.chain import protobuf
from tallystick.host.chain.coin import Coin
from tallystick.host.chain.schema import Message

#: bytes of a memo that chains take, where they have not been told otherwise
MAX_MEMO_BYTES: Final = 256
MAX_MESSAGES: Final = 64
_SCALAR_BYTES: Final = 32
#: what Go's encoder of JSON escapes inside texts, and so do amino's documents
_ESCAPES: Final = {letter: f"\\u{ord(letter):04x}" for letter in "&<>\u2028\u2029"}


@unique
class SignMode(IntEnum):
    """cosmos.tx.signing.v1beta1.SignMode: how what is signed is written."""

    TEXTUAL = 2
    AMINO_JSON = 127

    @property
    def wire_name(self) -> str:
        """The name that nodes' own clients write."""
        return "SIGN_MODE_TEXTUAL" if self is SignMode.TEXTUAL else "SIGN_MODE_LEGACY_AMINO_JSON"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fee:
    """What is paid for at most `gas` units; `payer` and `granter` are others who pay, if they are named."""

    amount: tuple[Coin, ...] = ()
    gas: int = 0
    payer: str = ""
    granter: str = ""

    def to_protobuf(self) -> bytes:
        """Return cosmos.tx.v1beta1.Fee."""
        return (
            protobuf.repeated_field(1, (coin.to_protobuf() for coin in self.amount))
            + protobuf.number_field(2, self.gas)
            + protobuf.text_field(3, self.payer)
            + protobuf.text_field(4, self.granter)
        )

    def to_amino(self) -> dict[str, object]:
        """Return the member `fee` of amino JSON."""
        members = {"amount": [coin.to_json() for coin in self.amount], "gas": str(self.gas)}
        others = {"granter": self.granter, "payer": self.payer}
        return {**members, **{name: value for name, value in others.items() if value}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """Who signs: a compressed key (33 bytes) with the name of its type, the address, and the account's two numbers."""

    address: str
    public_key: bytes
    public_key_type: str
    account_number: int
    sequence: int

    def key_to_protobuf(self) -> bytes:
        """Return the key inside google.protobuf.Any."""
        return protobuf.any_message(self.public_key_type, protobuf.bytes_field(1, self.public_key))


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """Everything but the signature; raises UsageError for what no chain takes, and for messages of another signer."""

    chain_id: str
    signer: Signer
    messages: tuple[Message, ...]
    fee: Fee
    mode: SignMode
    memo: str = ""
    timeout_height: int = 0

    def __post_init__(self) -> None:
        if not 1 <= len(self.messages) <= MAX_MESSAGES:
            raise UsageError(f"a transaction has 1 to {MAX_MESSAGES} messages")
        if len(self.memo.encode("utf-8")) > MAX_MEMO_BYTES:
            raise UsageError(f"a memo has at most {MAX_MEMO_BYTES} bytes", remedy="write a shorter one")
        others = {one.signer for one in self.messages} - {self.signer.address}
        if others or self.fee.payer not in {"", self.signer.address}:
            raise UsageError(
                f"the account on the device is {self.signer.address}, and others would have to sign, too",
                remedy="choose the account with --path, and the chain with --chain",
            )

    def body_bytes(self) -> bytes:
        """Return cosmos.tx.v1beta1.TxBody."""
        return (
            protobuf.repeated_field(1, (one.to_protobuf() for one in self.messages))
            + protobuf.text_field(2, self.memo)
            + protobuf.number_field(3, self.timeout_height)
        )

    def auth_info_bytes(self) -> bytes:
        """Return cosmos.tx.v1beta1.AuthInfo with its one signer."""
        mode = protobuf.message_field(1, protobuf.number_field(1, self.mode))
        signer = (
            protobuf.message_field(1, self.signer.key_to_protobuf())
            + protobuf.message_field(2, mode)
            + protobuf.number_field(3, self.signer.sequence)
        )
        return protobuf.message_field(1, signer) + protobuf.message_field(2, self.fee.to_protobuf())

    def to_bytes(self, signature: bytes) -> bytes:
        """Return cosmos.tx.v1beta1.TxRaw with a signature (64 bytes; none for a trial)."""
        parts = (self.body_bytes(), self.auth_info_bytes(), signature)
        return b"".join(protobuf.message_field(number, part) for number, part in enumerate(parts, start=1))

    def to_amino(self) -> bytes:
        """Return the document that is signed as amino JSON: sorted, without blanks, escaped as Go does."""
        document: dict[str, object] = {
            "account_number": str(self.signer.account_number),
            "chain_id": self.chain_id,
            "fee": self.fee.to_amino(),
            "memo": self.memo,
            "msgs": [one.to_amino() for one in self.messages],
            "sequence": str(self.signer.sequence),
        }
        if self.timeout_height:
            document["timeout_height"] = str(self.timeout_height)
        text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        for letter, escape in _ESCAPES.items():
            text = text.replace(letter, escape)
        return text.encode("utf-8")


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedTransaction:
    """A transaction with its signature (64 bytes: r, s)."""

    transaction: Transaction
    signature: bytes

    def to_bytes(self) -> bytes:
        """Return the bytes that nodes take."""
        return self.transaction.to_bytes(self.signature)

    @property
    def hash(self) -> str:
        """The name of the transaction everywhere: SHA-256 of its bytes, in capitals."""
        return sha256(self.to_bytes()).hex().upper()


def compact(der: bytes) -> bytes:
    """Return the 64 bytes r, s of a strict DER signature that has been verified (cosmos-app 1); raise UsageError for others."""
    scalars = []
    at = 2
    for _ in range(2):
        size = der[at + 1] if len(der) > at + 1 else 0
        scalars.append(int.from_bytes(der[at + 2 : at + 2 + size], "big"))
        at += 2 + size
    if at != len(der) or any(scalar >> 8 * _SCALAR_BYTES for scalar in scalars):
        raise UsageError("the signature is not DER")
    return b"".join(scalar.to_bytes(_SCALAR_BYTES, "big") for scalar in scalars)
