"""`tally owner setup`: an attestation key for the device, certified by an owner who is here, elsewhere, or its manager's."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tallystick.cli.chain import OUTPUT, chain_report, read_document, require_new, write_document
from tallystick.cli.follow import follow
from tallystick.cli.manager_target import ManagerCommand, connect_manager, known_issuers
from tallystick.cli.owner_certify import require_one_realm
from tallystick.cli.realm import allow_production_file
from tallystick.cli.render import Report
from tallystick.cli.target import Run, current_run
from tallystick.errors import UsageError
from tallystick.wire.attestation import MAX_ATTESTATION_BYTES, Endorsement
from tallystick.wire.certificate import MAX_SIGNATURE_BYTES

if TYPE_CHECKING:
    from tallystick.host.session import Session
    from tallystick.host.trust import Issuer

_WAYS = "choose one of --owner-key, --certificate and --by-manager"


@click.command(cls=ManagerCommand)
@click.option("--slot", type=click.IntRange(1, 2), help="which attestation key: 1 or 2, as apps use them")
@click.option(
    "--owner-key", metavar="WHERE", default="", help="certify it at once: a key file, pkcs11:…, or the word test"
)
@click.option(
    "--certificate", metavar="FILE", default="", help="store what an owner elsewhere certified: a file, or hex"
)
@click.option("--by-manager", "is_by_manager", is_flag=True, help="have the manager certify it; so does --manager")
@click.option(
    "--issuer-key", metavar="KEY", default="", help="the only issuer that counts: its public key in hex, or a key file"
)
@OUTPUT
@allow_production_file
def setup(**options: Any) -> Report:
    """Have the device make an attestation key, and give it its owner's certificate.

    With neither --owner-key nor a manager the key waits on the device, and --output writes the request for an owner
    elsewhere (tally owner certify). The device asks its person who it speaks to, and again before it replaces a key.
    """
    ways = [options["owner_key"], options["certificate"], options["is_by_manager"] or options["manager_url"]]
    if sum(map(bool, ways)) > 1:
        raise UsageError("the key is certified once", remedy=_WAYS)
    if (options["slot"] is None) == (not options["certificate"]):
        raise UsageError("name the key: --slot 1 or --slot 2; a certificate that is brought goes where its key waits")
    if options["certificate"] and options["output"] is not None:
        raise UsageError("--output has nothing to write that is not in the certificate's file")
    require_new(options["output"])
    run = current_run()
    session = run.connect()
    if options["certificate"]:
        return _store(run, session, options["certificate"])
    issuers = known_issuers(run, session, options["issuer_key"])
    made = _make(run, session, issuers, options)
    write_document(options["output"], made.to_document())
    return _report(session, made, issuers)


def _make(run: Run, session: Session, issuers: list[Issuer], options: dict[str, Any]) -> Endorsement:
    """Have a key made in the way that was chosen."""
    from tallystick.host.actions import attestation

    slot = options["slot"]
    if options["is_by_manager"] or options["manager_url"]:
        with contextlib.closing(connect_manager(run, session, options["manager_url"])) as client:
            return follow(run, attestation.set_up_by_manager(session, client, slot=slot, issuers=issuers))
    if not options["owner_key"]:
        return follow(run, attestation.make_key(session, slot=slot, issuers=issuers))
    from tallystick.manager.hsm.owner import OwnerKey

    with OwnerKey.open(options["owner_key"], allow_production_file=options["is_allowed"]) as owner:

        def certify(asked: Endorsement) -> tuple[bytes, bytes]:
            require_one_realm(owner, asked, issuers, options["issuer_key"])
            return owner.public_key, owner.certify(asked.key.public_key)

        return follow(run, attestation.set_up(session, certify, slot=slot, issuers=issuers))


def _report(session: Session, made: Endorsement, issuers: list[Issuer]) -> Report:
    """Tell what came of it; the owner's link is there when it is known who that is."""
    from tallystick.host.evidence import endorsement_links, owner_link

    links = [*endorsement_links(made, issuers)]
    if made.owner_public_key:
        links.append(owner_link(made.key.public_key, made.owner_certificate, made.owner_public_key))
    is_certified = bool(made.owner_certificate)
    data = {
        "device": session.url,
        "state": "certified" if is_certified else "waiting",
        "slot": made.slot,
        "attestation_public_key": made.key.public_key.hex(),
        "owner_certificate": made.owner_certificate.hex() or None,
        "endorsement": made.to_document(),
    }
    facts = [("Attestation key", f"number {made.slot}"), ("Public key", made.key.public_key.hex())]
    if is_certified:
        facts.append(("Certificate", made.owner_certificate.hex()))
    else:
        facts.append(
            ("State", "waits on the device for its certificate: tally owner certify, then setup --certificate")
        )
    return chain_report("owner.setup", links, data=data, facts=facts)


def _store(run: Run, session: Session, named: str) -> Report:
    """Bring a certificate, from a document or bare, to the key that waits for it."""
    from tallystick.host.actions.attestation import store_certificate

    certificate, endorsement = _certificate(named)
    proof = follow(run, store_certificate(session, certificate, endorsement=endorsement))
    data: dict[str, object] = {
        "device": session.url,
        "state": "certified",
        "slot": endorsement.slot if endorsement else None,
        "attestation_public_key": endorsement.key.public_key.hex() if endorsement else None,
        "owner_certificate": certificate.hex(),
        "endorsement": endorsement.to_document() if endorsement else None,
        "device_public_key": proof.device.public_key.hex(),
        "chain": [],
    }
    return Report(schema="owner.setup", data=data, lines=("The attestation key is certified.",))


def _certificate(named: str) -> tuple[bytes, Endorsement | None]:
    """Return what is to be stored, and the document that it came in."""
    try:
        bare = bytes.fromhex(named)
    except ValueError:
        bare = b""
    if bare:
        if len(bare) > MAX_SIGNATURE_BYTES:
            raise UsageError(f"a certificate has at most {MAX_SIGNATURE_BYTES} bytes")
        return bare, None
    found = Endorsement.from_json(read_document(Path(named), limit=MAX_ATTESTATION_BYTES))
    if not found.owner_certificate:
        raise UsageError("no owner has certified the key in this file", remedy="see: tally owner certify")
    return found.owner_certificate, found
