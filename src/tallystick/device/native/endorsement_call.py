"""System calls of native apps about attestation keys, under the SDK's own numbers and names (attestation 4).

Three eras pass and return in three ways (`_style`), all with the same keys behind them: only results reach the app.

====================== ============================================ ====================================================
API level              lengths                                      errors
====================== ============================================ ====================================================
up to 22, all of S     returned; key and certificate: written (u8)  thrown; key and certificate of level 1 on: returned
23 to 25               key, certificate, metadata: written (u8),    returned
                       signatures: written (u32)
26 on                  u32, holding the room at first               returned, for too little room as well
====================== ============================================ ====================================================
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, auto, unique
from typing import Final

from tallystick.device.native.cpu import Access
from tallystick.device.native.machine import Asking, Handler, Machine, Throw
from tallystick.wire.syscall import (
    MAX_ENDORSED,
    CallStatus,
    EndorsementAppSecret,
    EndorsementCall,
    EndorsementCertificate,
    EndorsementCodeHash,
    EndorsementDeriveAndSign,
    EndorsementMetadata,
    EndorsementPublicKey,
    EndorsementSign,
    EndorsementSignWithoutCodeHash,
)

__all__ = ["HANDLERS"]

#: the API levels where errors are returned, and where lengths hold the room at first
_RETURNS_ERRORS: Final = 23
_HAS_ROOM: Final = 26
#: the SDK's words where attestation 4 has none
_INVALID_PARAMETER: Final = 0x02
_SECURITY: Final = 0x03
_DER_BYTES: Final = 72
_ROOM: Final[Mapping[type[EndorsementCall], int]] = {
    EndorsementCodeHash: 32,
    EndorsementPublicKey: 65,
    EndorsementCertificate: _DER_BYTES,
    EndorsementMetadata: 8,
    EndorsementAppSecret: 64,
    EndorsementSign: _DER_BYTES,
    EndorsementSignWithoutCodeHash: _DER_BYTES,
    EndorsementDeriveAndSign: _DER_BYTES,
}


@unique
class _Style(Enum):
    """How a call says how long its result is: see the table above."""

    RETURNED = auto()
    BYTE = auto()
    WORD = auto()
    ROOM = auto()


def _fixed(machine: Machine, request: EndorsementCall, arguments: tuple[int, ...]) -> Asking:
    """(buffer) up to level 25, (buffer, room) from 26 on: a result whose length everybody knows."""
    target, *room = arguments
    if room and room[0] < _ROOM[type(request)]:
        return _INVALID_PARAMETER
    style = _Style.WORD if machine.generation.level >= _RETURNS_ERRORS else _Style.RETURNED
    # nobody is told a length in the new style: it has nowhere to go
    return (yield from _ask(machine, request, target, length_at=0, style=style))


def _code_hash(machine: Machine, arguments: tuple[int, ...]) -> Asking:
    return (yield from _fixed(machine, EndorsementCodeHash(), arguments))


def _app_secret(machine: Machine, arguments: tuple[int, ...]) -> Asking:
    return (yield from _fixed(machine, EndorsementAppSecret(), arguments))


def _slot(kind: type[EndorsementPublicKey | EndorsementCertificate | EndorsementMetadata]) -> Handler:
    """Return the handler of (slot, buffer[, length])."""

    def handler(machine: Machine, arguments: tuple[int, ...]) -> Asking:
        slot, target, *length_at = arguments
        style = _style(machine, _Style.BYTE) if length_at else _Style.RETURNED
        return (yield from _ask(machine, kind(slot & 0xFF), target, length_at=sum(length_at), style=style))

    return handler


def _message(kind: type[EndorsementSign | EndorsementSignWithoutCodeHash | EndorsementDeriveAndSign]) -> Handler:
    """Return the handler of (message, its length, buffer[, length]); the message may overlap the buffer."""

    def handler(machine: Machine, arguments: tuple[int, ...]) -> Asking:
        source, size, target, *length_at = arguments
        style = _style(machine, _Style.WORD) if length_at else _Style.RETURNED
        if size > MAX_ENDORSED:
            return _failed(_INVALID_PARAMETER, style)
        message = machine.memory.read(source, size)
        return (yield from _ask(machine, kind(message), target, length_at=sum(length_at), style=style))

    return handler


def _style(machine: Machine, middle: _Style) -> _Style:
    return _Style.ROOM if machine.generation.level >= _HAS_ROOM else middle


def _ask(machine: Machine, request: EndorsementCall, target: int, *, length_at: int, style: _Style) -> Asking:
    """Ask the OS, and hand out what it says; nothing is written where it refuses."""
    room = _ROOM[type(request)]
    if style is _Style.ROOM and machine.memory.words(length_at, 1)[0] < room:
        return _INVALID_PARAMETER
    if target:
        machine.memory.place(target, room, Access.WRITE)
    outcome = yield request
    if outcome.status is not CallStatus.OK:
        word = _SECURITY if outcome.status is CallStatus.NOT_PERMITTED else _INVALID_PARAMETER
        return _failed(request.ERRORS.get(outcome.status, word), style)
    if target:
        machine.memory.write(target, outcome.value)
    size = len(outcome.value)
    if style is _Style.RETURNED:
        return size
    if length_at:
        machine.memory.write(length_at, size.to_bytes(1 if style is _Style.BYTE else 4, "little"))
    return 0


def _failed(word: int, style: _Style) -> int:
    if style is _Style.RETURNED:
        raise Throw(word)
    return word


#: by the oldest name of each, as the tables have them for every era
HANDLERS: Final[Mapping[str, Handler]] = {
    kind.NAMES[-1]: handler
    for kind, handler in (
        (EndorsementCodeHash, _code_hash),
        (EndorsementPublicKey, _slot(EndorsementPublicKey)),
        (EndorsementCertificate, _slot(EndorsementCertificate)),
        (EndorsementMetadata, _slot(EndorsementMetadata)),
        (EndorsementAppSecret, _app_secret),
        (EndorsementSign, _message(EndorsementSign)),
        (EndorsementSignWithoutCodeHash, _message(EndorsementSignWithoutCodeHash)),
        (EndorsementDeriveAndSign, _message(EndorsementDeriveAndSign)),
    )
}
