"""What is wrong with a payload, in the words the client is given (cosmos-app 3 and 5).

A fault is answered as its ASCII text followed by status word 6984. The texts are part of the protocol: clients show them.
"""

from __future__ import annotations

from enum import Enum, unique

from tallystick.wire.status import Reject, StatusWord


@unique
class Fault(Enum):
    """One reason to refuse a payload; the value is the text of the answer (cosmos-app 3, in the order of the checks)."""

    OUT_OF_RANGE = "Value out of range"
    EMPTY = "Initialized empty context"
    CHARACTERS = "Unexpected characters"
    INCOMPLETE = "JSON string is not complete"
    TOO_MANY_TOKENS = "JSON. Too many tokens"
    ZERO_TOKENS = "JSON. Zero tokens"
    WHITESPACE = "JSON Contains whitespace in the corpus"
    DUPLICATED = "Unexpected duplicated field"
    NOT_SORTED = "JSON Dictionaries are not sorted"
    MISSING_CHAIN_ID = "JSON Missing chain_id"
    MISSING_SEQUENCE = "JSON Missing sequence"
    MISSING_FEE = "JSON Missing fee"
    MISSING_MSGS = "JSON Missing msgs"
    MISSING_ACCOUNT_NUMBER = "JSON Missing account number"
    MISSING_MEMO = "JSON Missing memo"
    CHAIN = "Unexpected chain"
    FIELD = "Unexpected field"
    UNRECOGNIZED = "Unrecognized error code"
    #: the official app's word for a member that yields nothing where one item is due; cosmos-app does not list it
    NO_RESULTS = "item query returned no results"

    CBOR_TYPE = "unexpected type"
    CBOR_ORDER = "CBOR was not in canonical order"
    CBOR_END = "Unexpected CBOR EOF"
    CBOR_OTHER = "unexpected CBOR error"


def refusal(fault: Fault) -> Reject:
    """Return the answer to a payload with `fault`: its text before 6984 (cosmos-app 2)."""
    return Reject(StatusWord.DATA_INVALID, fault.value.encode("ascii"))
