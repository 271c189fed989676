"""`tally device attest`: who the device is, link by link, for people and for a third party that is not here."""

from __future__ import annotations

from pathlib import Path

import click

from tallystick.cli.chain import OUTPUT, chain_report, hex_bytes, require_new, write_document
from tallystick.cli.command import DeviceCommand
from tallystick.cli.follow import follow
from tallystick.cli.manager_target import known_issuers
from tallystick.cli.render import Report
from tallystick.cli.target import current_run
from tallystick.wire.certificate import NONCE_BYTES


@click.command(cls=DeviceCommand)
@click.option(
    "--issuer-key", metavar="KEY", default="", help="the only issuer that counts: its public key in hex, or a key file"
)
@click.option(
    "--challenge",
    metavar="HEX",
    type=hex_bytes(NONCE_BYTES),
    help="8 random bytes of whoever is to believe it: proves that it is not older",
)
@OUTPUT
def attest(issuer_key: str, challenge: bytes | None, output: Path | None) -> Report:
    """Have the device prove who it is, and show the chain from its issuer to this session.

    The device asks its person first, and only then shows its certificate. No manager is asked. What --output writes,
    anybody can check with: tally attest device. Exit code 9 says that no known issuer certified the device.
    """
    from tallystick.host.actions.attestation import attest as action
    from tallystick.host.evidence import handshake_links
    from tallystick.host.trust import DeviceChain, issuer_of

    require_new(output)
    run = current_run()
    session = run.connect()
    issuers = known_issuers(run, session, issuer_key)
    proof = follow(run, action(session, challenge=challenge))
    issuer = issuer_of(proof.device, issuers)
    chain = DeviceChain(device=proof.device, signer_serial=proof.signer_serial, issuer=issuer)
    write_document(output, proof.to_document())
    data = {
        "device": session.url,
        "issuer": issuer.name if issuer else None,
        "issuer_public_key": issuer.public_key.hex() if issuer else None,
        "device_public_key": proof.device.public_key.hex(),
        "serial": chain.serial,
        "proof": proof.to_document(),
    }
    facts = [("Device", session.url), ("Serial", chain.serial or "-")]
    return chain_report("device.attest", handshake_links(proof, issuers, challenge=challenge), data=data, facts=facts)
