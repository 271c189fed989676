"""Fuzz targets of attestation: the two documents that hosts, owners and verifiers hand to each other.

As in `targets_wire`: a target returns when the bytes are accepted or refused with the declared error; what is accepted is
verified to its end, where every link may break and nothing may fail.
"""

import contextlib
import json
from collections.abc import Callable

from tallystick.errors import RemoteProtocolError
from tallystick.host.evidence import (
    Scheme,
    Statement,
    endorsement_links,
    handshake_links,
    owner_link,
    statement_link,
)
from tallystick.host.trust import VENDOR_ISSUER
from tallystick.wire.attestation import Endorsement, HandshakeProof

_refusal = contextlib.suppress(RemoteProtocolError)


def endorsement(data: bytes) -> None:
    """Read an endorsement and verify all that it claims."""
    with _refusal:
        made = Endorsement.from_json(data)
        assert Endorsement.from_json(json.dumps(made.to_document()).encode()) == made
        key = made.key.public_key
        endorsement_links(made, [VENDOR_ISSUER])
        owner_link(key, made.owner_certificate, made.owner_public_key)
        said = Statement(scheme=Scheme(made.slot), code_hash=bytes(32), message=b"", signature=made.owner_certificate)
        statement_link(key, said)


def handshake(data: bytes) -> None:
    """Read a proof of a device and verify it, with a challenge, too."""
    with _refusal:
        proof = HandshakeProof.from_json(data)
        assert HandshakeProof.from_json(json.dumps(proof.to_document()).encode()) == proof
        handshake_links(proof, [VENDOR_ISSUER], challenge=bytes(8))


#: by the name of the folder that holds the seeds
targets: dict[str, Callable[[bytes], None]] = {"endorsement": endorsement, "handshake": handshake}
