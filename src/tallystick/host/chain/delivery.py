"""From a plan to a block: signed on the device, handed over once, waited for.

A transaction is broadcast exactly once. When it is not known whether it arrived, or it is in no block in time, nothing is repeated:
the error names its hash and its number, and no second transaction with the same number can ever enter the chain.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final, Protocol

from tallystick.errors import RemoteProtocolError, TransportError
from tallystick.host.actions import cosmos
from tallystick.host.actions.step import Action, Flow, NeedsUser, Progress, finish
from tallystick.host.chain.fault import ChainError, ChainTimeout, NodeDown, Unconfirmed
from tallystick.host.chain.node import Node, Receipt
from tallystick.host.chain.plan import Plan
from tallystick.host.chain.refusal import is_in_hand, of_receipt, of_verdict
from tallystick.host.chain.transaction import SignedTransaction, SignMode, compact
from tallystick.host.commands.cosmos import TextFormat
from tallystick.host.session import Session
from tallystick.wire.path import Bip32Path

#: seconds to wait for a block, and between two looks
DEFAULT_WAIT_S: Final = 60.0
LOOK_EVERY_S: Final = 0.5
_FORMATS: Final = {SignMode.AMINO_JSON: TextFormat.AMINO_JSON, SignMode.TEXTUAL: TextFormat.TEXTUAL}


class Waiting(Protocol):
    """Time, as it is waited for: seconds from anywhere, and a pause of some."""

    def now(self) -> float:
        """Return seconds that never go back."""
        ...

    def pause(self, seconds: float) -> None:
        """Let seconds pass."""
        ...


class RealTime:
    """`Waiting` by the machine's clock."""

    def now(self) -> float:
        """Return seconds that never go back."""
        return time.monotonic()

    def pause(self, seconds: float) -> None:
        """Let seconds pass."""
        time.sleep(seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A transaction that was handed over: its hash, and its receipt unless nobody waited for it."""

    hash: str
    receipt: Receipt | None


def sign(session: Session, plan: Plan, *, path: Bip32Path) -> Action[SignedTransaction]:
    """Have a plan reviewed and signed on the device; raises as `host.actions.cosmos.sign` does."""
    return finish(_sign(session, plan, path))


def deliver(
    node: Node, signed: SignedTransaction, *, wait_s: float = DEFAULT_WAIT_S, waiting: Waiting | None = None
) -> Action[Delivery]:
    """Hand a transaction over, once, and wait until it is in a block, at most `wait_s` seconds; 0 does not wait.

    Raises ChainRefusal when the node will not have it, FailedInBlock when it failed in its block, Unconfirmed when nobody knows,
    and NodeDown when nothing can have arrived.
    """
    return finish(_deliver(node, signed, wait_s=wait_s, waiting=waiting or RealTime()))


def lookup(node: Node, transaction: str, *, wait_s: float = 0.0, waiting: Waiting | None = None) -> Receipt | None:
    """Return the receipt of a transaction, None when it is in no block within `wait_s` seconds; raise as `Node.find` does."""
    clock = waiting or RealTime()
    end = clock.now() + wait_s
    while (found := node.find(transaction)) is None and clock.now() < end:
        clock.pause(LOOK_EVERY_S)
    return found


def _sign(session: Session, plan: Plan, path: Bip32Path) -> Flow[SignedTransaction]:
    transaction = plan.transaction
    action = cosmos.sign(session, plan.payload, path=path, hrp=plan.network.hrp, text_format=_FORMATS[transaction.mode])
    for step in action:
        if isinstance(step, Progress | NeedsUser):
            yield step
            continue
        found = step.value
        if found.public_key != transaction.signer.public_key:
            raise RemoteProtocolError("the device signed with another key than the account's", remedy="try again")
        return SignedTransaction(transaction=transaction, signature=compact(found.signature))
    raise RemoteProtocolError("the device gave no signature")


def _deliver(node: Node, signed: SignedTransaction, *, wait_s: float, waiting: Waiting) -> Flow[Delivery]:
    yield Progress(step="broadcasting")
    doubt = ""
    try:
        verdict = node.broadcast(signed.to_bytes())
    except (NodeDown, ChainTimeout) as error:
        if not error.may_have_arrived:
            error.remedy = f"nothing was sent; {error.remedy}"
            raise
        doubt = error.message
    except (ChainError, RemoteProtocolError) as error:
        # an answer that makes no sense says nothing about what the node did
        doubt = error.message
    else:
        if verdict.code and not is_in_hand(verdict):
            raise of_verdict(verdict)
    if not wait_s and not doubt:
        return Delivery(hash=signed.hash, receipt=None)
    yield Progress(step="waiting for a block")
    receipt = _receipt(node, signed.hash, end=waiting.now() + wait_s, waiting=waiting)
    if receipt is None:
        raise _unconfirmed(signed, doubt=doubt, wait_s=wait_s)
    if receipt.verdict.code:
        raise of_receipt(receipt, transaction=signed.hash)
    return Delivery(hash=signed.hash, receipt=receipt)


def _receipt(node: Node, transaction: str, *, end: float, waiting: Waiting) -> Receipt | None:
    """Look until there is a receipt; a node that is away for a while does not end the waiting."""
    while True:
        try:
            found = node.find(transaction)
        except (TransportError, RemoteProtocolError):
            found = None
        if found is not None or waiting.now() >= end:
            return found
        waiting.pause(LOOK_EVERY_S)


def _unconfirmed(signed: SignedTransaction, *, doubt: str, wait_s: float) -> Unconfirmed:
    sequence = signed.transaction.signer.sequence
    what = f"it is not known whether it arrived ({doubt})" if doubt else "the node took it"
    return Unconfirmed(
        f"transaction {signed.hash}: {what}, and within {wait_s:g} s it was in no block",
        transaction=signed.hash,
        sequence=sequence,
        remedy=(
            f"it was sent once; look it up, with the same --chain and --node: tally cosmos status {signed.hash}; "
            f"to try again without paying twice, run the same command with --sequence {sequence}"
        ),
    )
