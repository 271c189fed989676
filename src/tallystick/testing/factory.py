"""The factory of devices under test: its keys are in this file, for everybody to know.

Its devices are genuine to whoever asks this issuer, and to nobody else. Each device in a test's process is provisioned by
the very commands a real factory sends (`tallystick.wire.provisioning`), before anybody else speaks to it. The keys belong to
the test realm for good.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from tallystick.crypto.hash import sha256
from tallystick.crypto.scp import KeySigner
from tallystick.errors import TrustError
from tallystick.wire.apdu import ResponseApdu
from tallystick.wire.certificate import HostCertificate, device_message, signer_message
from tallystick.wire.provisioning import (
    CHALLENGE_BYTES,
    FinishProvisioning,
    StartedProvisioning,
    StartProvisioning,
    certificate_header,
)

#: names the issuer in ``E0 50``
SIGNER_SERIAL = bytes.fromhex("00000001")

#: takes an APDU's bytes, returns the answer's with its status word
Exchange = Callable[[bytes], bytes]


@cache
def known_key(role: str) -> KeySigner:
    """Return the key of a role: ``issuer``, ``software``, ``signer``, or any other name."""
    return KeySigner(sha256(f"tallystick test realm: {role}".encode()))


@cache
def manager_chain() -> tuple[HostCertificate, ...]:
    """Return the certificates with which a manager of this factory introduces itself: the issuer's of the signer's key."""
    key = known_key("signer").public_key
    return (HostCertificate(public_key=key, signature=known_key("issuer").sign(signer_message(key))),)


def certify(started: StartedProvisioning) -> FinishProvisioning:
    """Return the certificate of a device, and the keys it is to trust."""
    header = certificate_header(started.serial)
    return FinishProvisioning(
        header=header,
        issuer_signature=known_key("issuer").sign(device_message(header=header, public_key=started.device_public_key)),
        signer_serial=SIGNER_SERIAL,
        issuer_public_key=known_key("issuer").public_key,
        software_public_key=known_key("software").public_key,
    )


def provision(exchange: Exchange) -> None:
    """Make a fresh device one of this factory's; raise TrustError when it does not take it."""
    challenge = StartProvisioning(challenge=bytes(CHALLENGE_BYTES))
    started = StartedProvisioning.from_bytes(_data(exchange(challenge.to_apdu().to_bytes())))
    _data(exchange(certify(started).to_apdu().to_bytes()))


def _data(raw: bytes) -> bytes:
    answer = ResponseApdu.from_bytes(raw)
    if not answer.ok:
        raise TrustError(f"the device does not let itself be provisioned: {answer.status:04X}")
    return answer.data
