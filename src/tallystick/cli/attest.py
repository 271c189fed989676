"""`tally attest`: what a third party checks, with public keys alone and no device."""

from __future__ import annotations

from pathlib import Path

import click

from tallystick.cli.chain import chain_report, hex_bytes, read_document
from tallystick.cli.command import DeviceCommand, Lazy, LazyGroup
from tallystick.cli.public_key import offline_issuers
from tallystick.cli.render import Report
from tallystick.wire.attestation import MAX_ATTESTATION_BYTES
from tallystick.wire.certificate import NONCE_BYTES

_TABLE = {
    "verify": Lazy(
        target="tallystick.cli.attest_verify:verify", summary="that an app on a genuine device signed a message"
    ),
    "device": Lazy(target="tallystick.cli.attest:check_device", summary="that a device proved who it is"),
}


@click.group(cls=LazyGroup, lazy=_TABLE)
def attest() -> None:
    """Verify what devices and their apps proved. Nothing here needs a device."""


@click.command("device", cls=DeviceCommand)
@click.argument("proof_file", metavar="PROOF", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--issuer-key", metavar="KEY", required=True, help="the issuer's public key in hex, or a key file")
@click.option(
    "--challenge",
    metavar="HEX",
    type=hex_bytes(NONCE_BYTES),
    help="the 8 bytes that the device was to sign; without them it may be an old proof",
)
def check_device(proof_file: Path, issuer_key: str, challenge: bytes | None) -> Report:
    """Check what `tally device attest --output PROOF` wrote. Exit code 9 says that it does not hold."""
    from tallystick.host.evidence import handshake_links
    from tallystick.wire.attestation import HandshakeProof

    proof = HandshakeProof.from_json(read_document(proof_file, limit=MAX_ATTESTATION_BYTES))
    links = handshake_links(proof, offline_issuers(issuer_key), challenge=challenge)
    data = {
        "verdict": "holds" if all(link.holds for link in links) else "does_not_hold",
        "device_public_key": proof.device.public_key.hex(),
        "is_fresh": None if challenge is None else links[-1].holds,
    }
    return chain_report("attest.device", links, data=data)
