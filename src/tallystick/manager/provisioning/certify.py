"""What a device said is checked, and the issuer signs its certificate (attestation 1).

The certificate's header is ``10`` and six bytes of the serial number; the message that is signed is ``02 header devicePub``.
The device proves first that it holds the private key and answers now: a public key copied from elsewhere gets nothing.
"""

from __future__ import annotations

from tallystick.crypto.secp256k1 import verify_ecdsa_der
from tallystick.errors import RemoteProtocolError, TrustError, UsageError
from tallystick.manager.hsm.keyring import Keyring
from tallystick.manager.hsm.role import Realm
from tallystick.manager.hsm.signer import digest_of
from tallystick.manager.provisioning.record import ProvisionedDevice, ProvisioningRecord
from tallystick.wire.certificate import device_message
from tallystick.wire.provisioning import (
    FinishProvisioning,
    StartedProvisioning,
    StartProvisioning,
    certificate_header,
)


class Provisioner:
    """Certifies devices with the keys of `keyring`, and records each before it is signed for.

    `realm` is the one that the caller means. Raises TrustError when the keys, or what is recorded, belong to the other.
    """

    def __init__(self, *, keyring: Keyring, record: ProvisioningRecord, realm: Realm) -> None:
        require_meant(keyring, realm)
        record.require_realm(realm)
        self._keyring = keyring
        self._record = record

    def certify(self, start: StartProvisioning, started: StartedProvisioning) -> FinishProvisioning:
        """Check a device's answer to `start`, record the device, and return what finishes its provisioning.

        Asked again for the same device it signs again: the answer may not have arrived. Raises TrustError when the proof
        does not hold, UsageError when the serial number or the key is recorded for another device.
        """
        header = check(start, started)
        device = ProvisionedDevice(
            serial=started.serial,
            device_public_key=started.device_public_key,
            issuer_public_key=self._keyring.issuer.public_key,
        )
        self._record.reserve(device)
        message = device_message(header=header, public_key=started.device_public_key)
        return FinishProvisioning(
            header=header,
            issuer_signature=self._keyring.issuer.sign(message),
            signer_serial=self._keyring.signer_serial,
            issuer_public_key=self._keyring.issuer.public_key,
            software_public_key=self._keyring.software.public_key,
        )

    def confirm(self, serial: str) -> None:
        """Record that the device took its certificate."""
        self._record.confirm(serial)


def require_meant(keyring: Keyring, realm: Realm) -> None:
    """Raise TrustError unless the keys belong to the realm that the caller means."""
    if keyring.realm is not realm:
        raise TrustError(
            f"the keys belong to the {keyring.realm.value} realm, not to {realm.value}",
            remedy=f"add --realm {keyring.realm.value} if that is what you mean",
        )


def check(start: StartProvisioning, started: StartedProvisioning) -> bytes:
    """Return the certificate's header for a device; raise TrustError unless its proof and its serial number are good."""
    message = StartedProvisioning.proof_message(
        challenge=start.challenge, serial=started.serial, device_public_key=started.device_public_key
    )
    try:
        is_good = verify_ecdsa_der(started.device_public_key, digest_of(message), started.proof, allow_high_s=True)
        header = certificate_header(started.serial)
    except UsageError:
        raise TrustError("the device's public key is not a point of secp256k1") from None
    except RemoteProtocolError as error:
        raise TrustError(f"the device has no serial number to certify: {error.message}") from None
    if not is_good:
        raise TrustError("the device did not prove that it holds the key it showed", remedy="do not use this device")
    return header
