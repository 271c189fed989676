"""What must be shown before what is signed: a plan, and the approval without which no signer runs (cosmos-app 2 to 5)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, unique

from tallystick.errors import LocalProtocolError
from tallystick.wire.path import Bip32Path
from tallystick.wire.screen import Item
from tallystick.wire.status import Reject, StatusWord

from . import amino, summary, textual
from .chain import COIN_ETHEREUM, ChainKind, digest
from .fault import Fault, refusal
from .json_token import TOKEN_LIMIT_NANO, TOKEN_LIMIT_TOUCH
from .parse import AddressRequest, SignRequest

#: characters of one review that the OS can take; only a payload made of unprintable text comes near
SHOWN_LIMIT = 60_000

_SEAL = object()


@unique
class PayloadFormat(IntEnum):
    """P2 of the last chunk."""

    AMINO = 0
    TEXTUAL = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """Who looks, and through what: expert mode, touch screen or not, characters on a page, the signer's own address."""

    expert: bool
    touch: bool
    page_width: int
    own_address: str

    @property
    def token_limit(self) -> int:
        """Room of the token table on this kind of screen."""
        return TOKEN_LIMIT_TOUCH if self.touch else TOKEN_LIMIT_NANO


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What will be signed if the person approves of `items`: a digest of 32 bytes, with the key at `path`."""

    path: Bip32Path
    digest: bytes
    items: tuple[Item, ...]


class Approval:
    """Proof that a person saw a plan and said yes; `decide` alone makes one."""

    __slots__ = ("digest", "path")

    def __init__(self, plan: Plan, *, seal: object) -> None:
        """Bind the approval to what was shown; raise LocalProtocolError for anybody but `decide`."""
        if seal is not _SEAL:
            raise LocalProtocolError("an approval comes from a person's decision alone")
        self.path = plan.path
        self.digest = plan.digest


def needs_expert(request: SignRequest) -> bool:
    """Tell whether this key signs in expert mode only: those of coin 60'."""
    return request.path[1] == COIN_ETHEREUM


def shows_path(request: AddressRequest, *, expert: bool) -> bool:
    """Tell whether the path belongs to the review of an address."""
    return expert or request.kind is ChainKind.ETHEREUM


def plan(request: SignRequest, payload: bytes, *, payload_format: int, viewer: Viewer) -> Plan:
    """Return what to show for `payload` (up to 16384 bytes) in `payload_format` (P2 of the last chunk).

    Raises Reject (6984 with text) for everything that cannot be shown.
    """
    if payload_format == PayloadFormat.AMINO:
        document = amino.read(payload, token_limit=viewer.token_limit)
        items = summary.items(document, expert=viewer.expert, own_address=viewer.own_address)
    elif payload_format == PayloadFormat.TEXTUAL:
        items = textual.items(textual.read(payload), page_width=viewer.page_width)
    else:
        raise refusal(Fault.OUT_OF_RANGE)
    if sum(len(item.title) + sum(map(len, item.values)) for item in items) > SHOWN_LIMIT:
        raise refusal(Fault.UNRECOGNIZED)
    return Plan(path=request.path, digest=digest(request.kind, payload), items=items)


def decide(shown: Plan, *, approved: bool) -> Approval:
    """Return the approval of `shown`; raise Reject (6986) when the person said no."""
    if not approved:
        raise Reject(StatusWord.COMMAND_NOT_ALLOWED)
    return Approval(shown, seal=_SEAL)
