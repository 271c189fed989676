"""What a chain's no means, and what to do about it: codes of the Cosmos SDK, and words where only those are told."""

from __future__ import annotations

import re
from typing import Final

from tallystick.host.chain.fault import ChainRefusal, FailedInBlock, NoAccount, NotEnough, SequenceUsed, printable
from tallystick.host.chain.node import Receipt, Verdict

_SDK: Final = "sdk"
_UNAUTHORIZED, _INSUFFICIENT_FUNDS, _OUT_OF_GAS, _INSUFFICIENT_FEE = 4, 5, 11, 13
_IN_MEMPOOL, _WRONG_SEQUENCE = 19, 32
_FUNDS: Final = re.compile(r"insufficient funds|is smaller than|insufficient balance", re.IGNORECASE)
_FUNDS_REMEDY: Final = "see what is there: tally cosmos balance; fees are spent, too"
_GAS_REMEDY: Final = "give more with --gas; without it the node is asked how much is needed"
_FEE_REMEDY: Final = "leave --fees away and the node is asked, or give more"
_SEQUENCE_REMEDY: Final = (
    "another transaction of this account came before it: see whether it was this one, then run the command again"
)

_PLAIN: Final[tuple[type[ChainRefusal], str]] = (ChainRefusal, "nothing was sent on, and nothing is spent")
_BY_CODE: Final[dict[int, tuple[type[ChainRefusal], str]]] = {
    _UNAUTHORIZED: (ChainRefusal, "the signature is not for this chain and account: look at --chain and --path"),
    _INSUFFICIENT_FUNDS: (NotEnough, _FUNDS_REMEDY),
    _OUT_OF_GAS: (ChainRefusal, _GAS_REMEDY),
    _INSUFFICIENT_FEE: (ChainRefusal, _FEE_REMEDY),
    _WRONG_SEQUENCE: (SequenceUsed, _SEQUENCE_REMEDY),
}


def is_in_hand(verdict: Verdict) -> bool:
    """Tell whether the node has this very transaction already, from an earlier time."""
    return verdict.codespace in {_SDK, ""} and verdict.code == _IN_MEMPOOL


def no_account(address: str) -> NoAccount:
    """Return the error of an address that was never used."""
    return NoAccount(
        f"the chain does not know {address}",
        remedy="an account begins with the first money it gets: send it some, and look at --chain and --path",
    )


def of_verdict(verdict: Verdict) -> ChainRefusal:
    """Return the error for a node that will not take a transaction."""
    text = f"the chain will not take the transaction: {printable(verdict.words) or 'no words'} (code {verdict.code})"
    kind, remedy = _BY_CODE.get(verdict.code, _PLAIN) if verdict.codespace == _SDK else _PLAIN
    return kind(text, remedy=remedy)


def of_simulation(words: str) -> ChainRefusal:
    """Return the error for a transaction that would fail, by the node's words alone."""
    shown = printable(words) or "no words"
    text = f"the transaction would fail: {shown}"
    if _FUNDS.search(shown):
        return NotEnough(text, remedy=_FUNDS_REMEDY)
    if "account sequence mismatch" in shown:
        return SequenceUsed(text, remedy=_SEQUENCE_REMEDY)
    return ChainRefusal(text, remedy="nothing was signed or sent")


def of_receipt(receipt: Receipt, *, transaction: str) -> FailedInBlock:
    """Return the error for a transaction that is in a block and failed there."""
    words = printable(receipt.verdict.words) or "no words"
    return FailedInBlock(
        f"{transaction} is in block {receipt.height} and failed: {words} (code {receipt.verdict.code})",
        remedy=_GAS_REMEDY if receipt.verdict.code == _OUT_OF_GAS else "its fee is paid, and nothing else happened",
    )
