"""An issuer says what a key may sign for native apps: the certificates that they give to the OS (``os_pki.h``)."""

from __future__ import annotations

from tallystick.errors import UsageError
from tallystick.manager.hsm.signer import Signer
from tallystick.wire.pki import PkiAlgorithm, PkiCertificate


def certify_key(signer: Signer, certificate: PkiCertificate) -> PkiCertificate:
    """Return a certificate signed: by the issuer of the devices, or by a key that a certificate of more depth is for.

    Raises:
        UsageError: it says that another algorithm signs it than ECDSA over SHA-256.
        LocalProtocolError: a value does not fit.

    """
    if certificate.signature_algorithm != PkiAlgorithm.ECDSA_SHA256:
        raise UsageError("keys of a factory sign by ECDSA over SHA-256", remedy="name that algorithm")
    return certificate.signed(signer.sign(certificate.message))
