"""Addresses and signatures of the Cosmos app, checked before they are believed (cosmos-app 1, 6).

The device's answer is not taken on trust: an address must be the one of the key that came with it, and a signature must be
one of that key over the digest computed here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tallystick.crypto.bech32 import encode_bytes
from tallystick.crypto.hash import hash160, keccak256, sha256
from tallystick.crypto.secp256k1 import decompress, verify_ecdsa_der
from tallystick.errors import StatusError, TrustError, UsageError
from tallystick.host.actions.app import opened
from tallystick.host.actions.step import Action, Flow, Progress, ask, finish
from tallystick.host.commands.cosmos import (
    APP_NAME,
    CHUNK_BYTES,
    MAX_PAYLOAD_BYTES,
    AddressAnswer,
    GetAddress,
    SignAdd,
    SignInit,
    SignLast,
    SignReset,
    TextFormat,
    check_hrp,
    check_path,
)
from tallystick.host.commands.dashboard import GetAppAndVersion, OpenApp
from tallystick.host.session import Session
from tallystick.wire.path import HARDENED, Bip32Path
from tallystick.wire.status import StatusWord

DEFAULT_HRP = "cosmos"
_COSMOS_COIN = 118 | HARDENED
#: what an emulator of single apps says instead of the name, when it was not told the name
_NAMELESS_APP = "app"
_ADDRESS_REMEDY = "do not use this address; check the device and the app on it"


@dataclass(frozen=True, slots=True, kw_only=True)
class CosmosSignature:
    """A verified signature: DER with low s, over `digest` (32 bytes), by `public_key` (33 bytes) of `address`."""

    signature: bytes
    public_key: bytes
    address: str
    digest: bytes


def address(
    session: Session, path: Bip32Path, *, hrp: str = DEFAULT_HRP, is_shown: bool = False
) -> Action[AddressAnswer]:
    """Return key and address of `path`, opening the app first; with `is_shown` the person compares it on the device.

    Raises TrustError when the address is not the key's, and what `Session.send` raises.
    """
    return finish(_address(session, GetAddress(path=path, hrp=hrp, is_shown=is_shown)))


def sign(
    session: Session,
    payload: bytes,
    *,
    path: Bip32Path,
    hrp: str | None = None,
    text_format: TextFormat = TextFormat.AMINO_JSON,
) -> Action[CosmosSignature]:
    """Have `payload` (1 to 16,384 bytes) reviewed and signed with the key of `path`, and verify the signature.

    Without `hrp` the account is a Cosmos one with the prefix ``cosmos``. Raises UsageError before anything is sent when the
    request cannot work, TrustError when the signature does not hold, and what `Session.send` raises.
    """
    check_path(path)
    if not 1 <= len(payload) <= MAX_PAYLOAD_BYTES:
        raise UsageError(f"a transaction has 1 to {MAX_PAYLOAD_BYTES} bytes, not {len(payload)}")
    if hrp is None and path[1] != _COSMOS_COIN:
        raise UsageError("this path needs an address prefix", remedy="name the chain's prefix with --hrp")
    if hrp is not None:
        check_hrp(hrp)
    return finish(_sign(session, payload, SignInit(path=path, hrp=hrp), text_format))


def address_of(public_key: bytes, *, path: Bip32Path, hrp: str) -> str:
    """Return the bech32 address of a compressed key (33 bytes): Cosmos kind for coin 118', Ethereum kind otherwise.

    Raises UsageError when the bytes are no point of the curve, or the prefix none of an address.
    """
    point = decompress(public_key)
    payload = hash160(public_key) if path[1] == _COSMOS_COIN else keccak256(point[1:])[-20:]
    return encode_bytes(hrp, payload)


def _address(session: Session, command: GetAddress) -> Flow[AddressAnswer]:
    yield from _ready(session)
    answer = _key(session, GetAddress(path=command.path, hrp=command.hrp))
    if command.is_shown:
        shown = yield from ask(session, command, subject=answer.address)
        if shown != answer:
            raise TrustError("the device showed another address than it had told before", remedy=_ADDRESS_REMEDY)
    return answer


def _key(session: Session, command: GetAddress) -> AddressAnswer:
    """Ask for key and address without a person; when the app is in the middle of a request, end that one first, once."""
    try:
        answer = session.send(command)
    except StatusError as error:
        if error.status != StatusWord.COMMAND_NOT_ALLOWED or not _reset(session):
            raise
        answer = session.send(command)
    try:
        expected = address_of(answer.public_key, path=command.path, hrp=command.hrp)
    except UsageError as error:
        raise TrustError(f"what the device gave is no public key: {error.message}") from None
    if answer.address != expected:
        raise TrustError("the address the device gave is not the one of the key it gave", remedy=_ADDRESS_REMEDY)
    return answer


def _reset(session: Session) -> bool:
    """End a request that a client left half told, and tell whether the app answered as it should."""
    try:
        session.send(SignReset())
    except StatusError as error:
        return error.status == StatusWord.WRONG_P1P2
    return False


def _sign(session: Session, payload: bytes, init: SignInit, text_format: TextFormat) -> Flow[CosmosSignature]:
    yield from _ready(session)
    owner = _key(session, GetAddress(path=init.path, hrp=init.hrp or DEFAULT_HRP))
    session.send(init)
    *parts, last = _chunks(payload)
    for number, chunk in enumerate(parts, start=1):
        yield Progress(step="sending", done=number * CHUNK_BYTES, total=len(payload))
        session.send(SignAdd(chunk=chunk))
    yield Progress(step="sending", done=len(payload), total=len(payload))
    signature = yield from ask(session, SignLast(chunk=last, text_format=text_format), subject=owner.address)
    digest = sha256(payload) if init.path[1] == _COSMOS_COIN else keccak256(payload)
    if not verify_ecdsa_der(owner.public_key, digest, signature):
        raise TrustError(
            "the signature is not one of this account's key over this transaction",
            remedy="do not send the transaction; check the device and the app on it",
        )
    return CosmosSignature(signature=signature, public_key=owner.public_key, address=owner.address, digest=digest)


def _ready(session: Session) -> Flow[None]:
    """Have the app open; an emulator of one nameless app is taken to run the right one."""
    current = session.send(GetAppAndVersion())
    if current.name not in {APP_NAME, _NAMELESS_APP}:
        yield from opened(session, OpenApp(name=APP_NAME))


def _chunks(payload: bytes) -> Iterator[bytes]:
    return (payload[offset : offset + CHUNK_BYTES] for offset in range(0, len(payload), CHUNK_BYTES))
