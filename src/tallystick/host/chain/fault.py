"""What may go wrong between a transaction and a chain.

::

    TransportError
    ├── ChainError            the node cannot be used, or gives an answer that is none
    │   └── NodeDown          it cannot be reached; `may_have_arrived` tells whether it may have got the question
    ├── ChainTimeout          it does not answer in time; with `may_have_arrived` too
    └── Unconfirmed           a transaction was sent, and is in no block yet: nobody knows whether it will be
    TallyError
    └── ChainRefusal          the chain says no: words of their own for what can be remedied
"""

from __future__ import annotations

from tallystick.errors import TallyError, TransportError, TransportTimeout

#: letters of a node's own words that are passed on
_MAX_WORDS = 300


class ChainError(TransportError):
    """The node cannot be used, or gives an answer that makes no sense."""

    code = "chain_error"


class NodeDown(ChainError):
    """The node cannot be reached."""

    def __init__(self, message: str, *, may_have_arrived: bool, remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.may_have_arrived = may_have_arrived


class ChainTimeout(TransportTimeout):
    """The node does not answer in time."""

    def __init__(self, message: str, *, may_have_arrived: bool, remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.may_have_arrived = may_have_arrived


class Unconfirmed(TransportTimeout):
    """The transaction with the hash `transaction` was sent once, with the account's number `sequence`, and no block with it has been seen."""

    code = "unconfirmed"

    def __init__(self, message: str, *, transaction: str, sequence: int, remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.transaction = transaction
        self.sequence = sequence


class ChainRefusal(TallyError):
    """The chain says no."""

    code = "refused_by_chain"


class WrongChain(ChainRefusal):
    """The node belongs to another chain."""

    code = "wrong_chain"


class NoAccount(ChainRefusal):
    """The chain has never heard of the address."""

    code = "no_account"


class NotEnough(ChainRefusal):
    """The account has less than it would spend."""

    code = "not_enough"


class SequenceUsed(ChainRefusal):
    """The account's transaction of this number is another one, or in the chain already."""

    code = "sequence_used"


class FailedInBlock(ChainRefusal):
    """The transaction is in a block, its fee is paid, and it did nothing."""

    code = "failed_in_block"


def printable(text: str) -> str:
    """Return a node's words as they may be shown: no control characters, and no more than 300 letters."""
    shown = "".join(letter if letter.isprintable() else " " for letter in text[: _MAX_WORDS + 1]).strip()
    return shown[:_MAX_WORDS] + ("…" if len(text) > _MAX_WORDS else "")
