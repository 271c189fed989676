"""The signature (cosmos-app 1): DER, first byte 30, S at most half the order. It takes an approval, and nothing else will do."""

from __future__ import annotations

from tallystick.app import CallStatus, Curve, Os, Reject, StatusWord, SyscallError

from .policy import Approval

#: half the order of secp256k1, rounded down (SEC 2, 2.4.1)
HALF_ORDER = 0x7FFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFF_5D576E73_57A4501D_DFE92F46_681B20A0

_SEQUENCE, _INTEGER = 0x30, 0x02


async def sign(os: Os, approval: Approval) -> bytes:
    """Return the DER signature of what was approved; raise Reject 6986 when the device is locked, 6F01 when it fails."""
    try:
        signature = await os.sign(Curve.SECP256K1, approval.path, approval.digest)
    except SyscallError as error:
        if error.status is CallStatus.ABORTED:
            raise
        locked = error.status is CallStatus.LOCKED
        raise Reject(StatusWord.COMMAND_NOT_ALLOWED if locked else StatusWord.SIGNING_FAILED) from None
    if not has_low_s(signature):
        raise Reject(StatusWord.SIGNING_FAILED)
    return signature


def has_low_s(signature: bytes) -> bool:
    """Tell whether `signature` is exactly ``30 len 02 lenR R 02 lenS S`` with minimal integers and a low S.

    The chain refuses a high S and one client refuses another first byte, so no such signature leaves the app.
    """
    if signature[:1] != bytes((_SEQUENCE,)) or signature[1:2] != bytes((len(signature) - 2 & 0xFF,)):
        return False
    r, rest = _integer(signature[2:])
    s, rest = _integer(rest)
    return not rest and r > 0 and 0 < s <= HALF_ORDER


def _integer(data: bytes) -> tuple[int, bytes]:
    """Return the positive minimal integer at the start of `data` and what follows; 0 for anything else."""
    size = data[1] if len(data) > 1 else 0
    body = data[2 : 2 + size]
    if data[:1] != bytes((_INTEGER,)) or not body or len(body) != size or body[0] & 0x80:
        return 0, b""
    if len(body) > 1 and body[0] == 0 and not body[1] & 0x80:
        return 0, b""
    return int.from_bytes(body, "big"), data[2 + size :]
