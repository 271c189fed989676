"""The certificate of a device that `tally up` starts: a fresh one is provisioned before it is announced (attestation 1).

The commands are those of every factory (`tallystick.wire.provisioning`). The issuer is the workshop's own, of the test realm,
or the one in a key file. Devices of a workshop come and go, so they are not put on record.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tallystick.errors import RemoteProtocolError, StateError, TransportError, UsageError

if TYPE_CHECKING:
    from tallystick.manager.hsm.keyring import Keyring
    from tallystick.manager.provisioning.record import ProvisionedDevice

#: member of the ready line and of the status
ISSUER = "issuer_public_key"
_TIMEOUT_S = 10.0
#: what is imported when a device is provisioned over TCP, and not before
_PARTS = (
    "tallystick.host.transport.tcp",
    "tallystick.cli.workshop_key",
    "tallystick.manager.hsm.key_file",
    "tallystick.manager.provisioning.certify",
)
_CLIENT_GONE = "the device hung up while it was provisioned"

#: takes an APDU's bytes, returns the answer's with its status word
Exchange = Callable[[bytes], bytes]


class _Unrecorded:
    """A record that keeps nothing."""

    def require_realm(self, realm: object) -> None:
        """Take any realm."""

    def reserve(self, device: ProvisionedDevice) -> None:
        """Take any device."""

    def confirm(self, serial: str) -> None:
        """Take it."""


class _Ear:
    """A client of a relay in this process, for answers that come at once."""

    def __init__(self) -> None:
        self.answer = b""

    def deliver(self, response: bytes) -> None:
        """Take the answer."""
        self.answer = response

    def pause(self) -> None:
        """Go on: one request at a time is not too many."""

    def resume(self) -> None:
        """Go on."""

    def close(self) -> None:
        """Stay: the next request says that nobody answers."""


def certified(facts: dict[str, Any], exchange: Exchange, *, issuer_key: str = "") -> dict[str, Any]:
    """Return the facts of a device that is ready, after it was provisioned if it had no certificate yet.

    One that cannot be reached stays without, and that is said. `issuer_key` names the key file of an issuer; without it the
    workshop's keys are used.

    Raises:
        UsageError: the device has the certificate of another issuer than the one named.
        TallyError: whatever keeps it from being provisioned.

    """
    if facts[ISSUER] is not None:
        if issuer_key and _keyring(issuer_key).issuer.public_key.hex() != facts[ISSUER]:
            raise UsageError(
                "the device in this state has the certificate of another issuer, for good",
                remedy="leave --issuer-key away, or choose another state directory",
            )
        return facts
    try:
        return {**facts, ISSUER: _provision(exchange, _keyring(issuer_key)).hex()}
    except (RemoteProtocolError, TransportError) as error:
        if issuer_key:
            raise
        # its Normal World carries nothing: the device is held all the same, for whoever looks at its screen
        sys.stderr.write(f"the device has no certificate: {error.message}\n")
        return facts


def load() -> None:
    """Load what provisioning takes, ahead of the moment when somebody waits for it."""
    for name in _PARTS:
        import_module(name)


def over_tcp(port: int) -> Exchange:
    """Return the way to a device that listens on this port of the loopback address."""
    from tallystick.host.transport.tcp import TcpTransport

    def exchange(apdu: bytes) -> bytes:
        transport = TcpTransport("127.0.0.1", port)
        try:
            transport.send(apdu)
            answer = transport.receive(_TIMEOUT_S)
        finally:
            transport.close()
        if answer is None:
            raise TransportError(_CLIENT_GONE, remedy="start it again")
        return answer

    return exchange


def over_relay(relay: Any) -> Exchange:
    """Return the way to a device whose Normal World is an object of this process (`tallystick.device.normal.relay`)."""

    def exchange(apdu: bytes) -> bytes:
        ear = _Ear()
        channel = relay.connect(ear)
        relay.submit(channel, apdu)
        relay.drop(channel)
        if not ear.answer:
            raise TransportError(_CLIENT_GONE, remedy="start it again")
        return ear.answer

    return exchange


def _provision(exchange: Exchange, keyring: Keyring) -> bytes:
    """Provision the device; return the issuer's public key (65 bytes)."""
    from tallystick.manager.provisioning.certify import Provisioner
    from tallystick.wire.apdu import ResponseApdu
    from tallystick.wire.provisioning import CHALLENGE_BYTES, StartedProvisioning, StartProvisioning

    def data(raw: bytes) -> bytes:
        answer = ResponseApdu.from_bytes(raw)
        if not answer.ok:
            raise StateError(f"the device does not take a certificate: {answer.status:04X}")
        return answer.data

    start = StartProvisioning(challenge=os.urandom(CHALLENGE_BYTES))
    started = StartedProvisioning.from_bytes(data(exchange(start.to_apdu().to_bytes())))
    provisioner = Provisioner(keyring=keyring, record=_Unrecorded(), realm=keyring.realm)
    data(exchange(provisioner.certify(start, started).to_apdu().to_bytes()))
    return keyring.issuer.public_key


def _keyring(issuer_key: str) -> Keyring:
    from dataclasses import replace

    from tallystick.cli.workshop_key import workshop_keyring

    keyring = workshop_keyring()
    if not issuer_key:
        return keyring
    from tallystick.manager.hsm.key_file import KeyFile
    from tallystick.manager.hsm.keyring import certify_signer
    from tallystick.manager.hsm.role import Role

    issuer = KeyFile.read(Path(issuer_key), role=Role.ISSUER)
    if issuer.realm is not keyring.realm:
        raise UsageError("a device of `tally up` belongs to the test realm", remedy="name an issuer of the test realm")
    return replace(keyring, issuer=issuer, signer_certificate=certify_signer(issuer, keyring.signer.public_key))
