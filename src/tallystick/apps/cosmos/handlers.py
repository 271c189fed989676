"""The three commands, from an APDU to its answer (cosmos-app 1)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from enum import IntEnum, unique
from types import MappingProxyType

from tallystick.app import CallStatus, Curve, Os, Reject, StatusWord, SyscallError
from tallystick.wire.path import Bip32Path

from . import policy, screens
from .chain import address, compress
from .parse import AddressRequest, Command, SignRequest
from .session import Session, State
from .sign import sign

#: major, minor, patch of the app this one matches; `manifest.json` says the same
VERSION = (2, 38, 13)
EXPERT_SETTING = "expert"
#: the one command of another class this app answers, whatever its data; without a length byte it is not that command
_DEVICE_INFO = b"\xe0\x01\x00\x00"


@unique
class Instruction(IntEnum):
    """INS of the commands."""

    GET_VERSION = 0x00
    SIGN = 0x02
    GET_ADDRESS = 0x04


@unique
class Part(IntEnum):
    """P1 of a signing: which chunk it is."""

    INIT = 0
    ADD = 1
    LAST = 2


async def handle(os: Os, session: Session, raw: bytes) -> bytes:
    """Answer one APDU: return what stands before 9000, or raise Reject.

    An error other than 6986 ends the signing in hand, so that a client that broke off can begin anew.
    """
    if raw.startswith(_DEVICE_INFO) and len(raw) > len(_DEVICE_INFO):
        return _device_info(os)
    try:
        command = Command.from_bytes(raw)
        return await _HANDLERS.get(command.instruction, _unknown)(os, session, command)
    except Reject as reject:
        if reject.status != StatusWord.COMMAND_NOT_ALLOWED:
            session.reset()
        raise


async def _unknown(os: Os, session: Session, command: Command) -> bytes:
    del os, session, command
    raise Reject(StatusWord.INS_NOT_SUPPORTED)


def _device_info(os: Os) -> bytes:
    """Return target id, LV system version, no flags, LV MCU version: the system's own E0 01 without its rest."""
    versions = [text.encode("ascii") for text in (os.device.os_version, os.device.mcu_version)]
    system, mcu = (bytes((len(version),)) + version for version in versions)
    return os.device.target_id.to_bytes(4, "big") + system + b"\x00" + mcu


async def _get_version(os: Os, session: Session, command: Command) -> bytes:
    del session, command
    return bytes((0, *VERSION, 0)) + os.device.target_id.to_bytes(4, "big")


async def _get_address(os: Os, session: Session, command: Command) -> bytes:
    session.require(State.IDLE)
    expert = await os.setting(EXPERT_SETTING)
    request = AddressRequest.from_bytes(command.data, expert=expert)
    session.remember(request)
    key = await _public_key(os, request.path)
    text = address(request.kind, request.hrp, key)
    if command.p1:
        shown = screens.address(text, request.path, with_path=policy.shows_path(request, expert=expert))
        session.review()
        try:
            approved = await os.review(shown)
        finally:
            session.reset()
        if not approved:
            raise Reject(StatusWord.COMMAND_NOT_ALLOWED)
    return compress(key) + text.encode("ascii")


async def _sign(os: Os, session: Session, command: Command) -> bytes:
    match command.p1:
        case Part.INIT:
            session.require(State.IDLE)
            expert = await os.setting(EXPERT_SETTING)
            session.begin(SignRequest.from_bytes(command.data, expert=expert))
        case Part.ADD:
            session.append(command.data)
        case Part.LAST:
            session.append(command.data)
            request, payload = session.finish()
            try:
                return await _review_and_sign(os, request, payload, hrp=session.hrp, payload_format=command.p2)
            finally:
                session.reset()
        case _:
            raise Reject(StatusWord.WRONG_P1P2)
    return b""


async def _review_and_sign(os: Os, request: SignRequest, payload: bytes, *, hrp: bytes, payload_format: int) -> bytes:
    expert = await os.setting(EXPERT_SETTING)
    if policy.needs_expert(request) and not expert:
        await os.ask(screens.expert_required())
        raise Reject(StatusWord.DATA_INVALID)
    key = await _public_key(os, request.path)
    viewer = policy.Viewer(
        expert=expert,
        touch=os.device.touch,
        page_width=os.device.page_width,
        own_address=address(request.kind, hrp, key),
    )
    plan = policy.plan(request, payload, payload_format=payload_format, viewer=viewer)
    approved = await os.review(screens.transaction(plan.items))
    return await sign(os, policy.decide(plan, approved=approved))


async def _public_key(os: Os, path: Bip32Path) -> bytes:
    """Return the uncompressed key at `path` (65 bytes); raise Reject 6986 when the device is locked, 6400 when it fails."""
    try:
        return await os.public_key(Curve.SECP256K1, path)
    except SyscallError as error:
        if error.status is CallStatus.ABORTED:
            raise
        locked = error.status is CallStatus.LOCKED
        raise Reject(StatusWord.COMMAND_NOT_ALLOWED if locked else StatusWord.KEY_DERIVATION_FAILED) from None


_HANDLERS: MappingProxyType[int, Callable[[Os, Session, Command], Awaitable[bytes]]] = MappingProxyType(
    {
        Instruction.GET_VERSION: _get_version,
        Instruction.SIGN: _sign,
        Instruction.GET_ADDRESS: _get_address,
    }
)
