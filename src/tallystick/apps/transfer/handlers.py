"""The commands, from an APDU to its answer (attestation 6).

Whatever is refused, by whomever, ends the exchange in hand: a client that broke off or tried something begins anew, and
the person is asked again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from enum import IntEnum, unique
from types import MappingProxyType

from tallystick.app import CallStatus, CommandApdu, Os, Reject, StatusWord, SyscallError
from tallystick.errors import RemoteProtocolError

from . import export, key, peer, receipt, screens
from .exchange import Exchange
from .key import Held, Seal

CLASS = 0xE0
#: `manifest.json` says the same
VERSION = "1.0.0"
DIGEST_BYTES = 32
#: how the error of a system call is answered: an attestation key that is not there (4103) is 6903
_EXCEPTION = 0x6800
_EXCEPTION_MASK = 0x07FF

Handler = Callable[[Os, Exchange, bytes], Awaitable[bytes]]


@unique
class Instruction(IntEnum):
    """INS of the commands; export and import have their steps in P1."""

    PUBLIC_KEY = 0x00
    SIGN = 0x02
    ATTESTATION = 0x04
    EXPORT = 0x06
    IMPORT = 0x08
    CREATE = 0x0A
    STATUS = 0x0C


async def handle(os: Os, exchange: Exchange, raw: bytes) -> bytes:
    """Answer one APDU: return what stands before 9000, or raise Reject."""
    try:
        return await _handler(raw)(os, exchange, CommandApdu.from_bytes(raw).data)
    except (Reject, RemoteProtocolError):
        exchange.wipe()
        raise
    except SyscallError as error:
        exchange.wipe()
        if error.word and error.status is not CallStatus.LOCKED:
            raise Reject(_EXCEPTION | error.word & _EXCEPTION_MASK) from None
        raise


def _handler(raw: bytes) -> Handler:
    """Return the command's handler; raise Reject 6982 for an empty APDU, 6E00 for another class, 6D00 and 6B00."""
    if not raw:
        raise Reject(StatusWord.SECURITY_STATUS_NOT_SATISFIED)
    if raw[0] != CLASS:
        raise Reject(StatusWord.CLA_NOT_SUPPORTED)
    header = CommandApdu.from_bytes(raw)
    steps = _STEPS.get(header.ins)
    if steps is not None:
        if header.p1 not in steps:
            raise Reject(StatusWord.WRONG_P1P2)
        return steps[header.p1]
    handler = _COMMANDS.get(header.ins)
    if handler is None:
        raise Reject(StatusWord.INS_NOT_SUPPORTED)
    return handler


async def _public_key(os: Os, exchange: Exchange, data: bytes) -> bytes:
    del exchange, data
    return await os.public_of((await _available(os)).private)


async def _sign(os: Os, exchange: Exchange, data: bytes) -> bytes:
    """Sign 32 bytes as they are; the first time ends all export, and that is written before the signature is made."""
    del exchange
    held = await _available(os)
    if len(data) != DIGEST_BYTES:
        raise Reject(StatusWord.INCORRECT_DATA)
    if held.is_movable:
        if not await os.review(screens.first_signature(data, await os.public_of(held.private))):
            raise Reject(StatusWord.CONDITIONS_NOT_SATISFIED)
        held = Held(private=held.private, seal=Seal.UNSEALED, is_available=True)
        await key.store(os, held)
    return await os.sign_with(held.private, data)


async def _attestation(os: Os, exchange: Exchange, data: bytes) -> bytes:
    del exchange, data
    return await peer.attestation(os)


async def _create(os: Os, exchange: Exchange, data: bytes) -> bytes:
    del exchange, data
    if (await key.load(os)).is_available:
        raise Reject(StatusWord.CONDITIONS_NOT_SATISFIED)
    await key.store(os, Held(private=await key.fresh(os), seal=Seal.SEALED, is_available=True))
    return b""


async def _status(os: Os, exchange: Exchange, data: bytes) -> bytes:
    del exchange, data
    held = await key.load(os)
    return bytes((held.is_available, held.is_movable))


async def _available(os: Os) -> Held:
    held = await key.load(os)
    if not held.is_available:
        raise Reject(StatusWord.CONDITIONS_NOT_SATISFIED)
    return held


_COMMANDS: MappingProxyType[int, Handler] = MappingProxyType(
    {
        Instruction.PUBLIC_KEY: _public_key,
        Instruction.SIGN: _sign,
        Instruction.ATTESTATION: _attestation,
        Instruction.CREATE: _create,
        Instruction.STATUS: _status,
    }
)
_STEPS: MappingProxyType[int, MappingProxyType[int, Handler]] = MappingProxyType(
    {
        Instruction.EXPORT: MappingProxyType({1: export.say_hello, 2: export.meet, 3: export.let_go}),
        Instruction.IMPORT: MappingProxyType(
            {1: receipt.say_hello, 2: receipt.meet, 3: receipt.open_channel, 4: receipt.keep}
        ),
    }
)
