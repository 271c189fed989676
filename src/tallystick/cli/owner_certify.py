"""`tally owner certify`: the owner's part where the device is elsewhere (attestation 3, the two runs)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tallystick.cli.chain import OUTPUT, chain_report, read_document, require_new, write_document
from tallystick.cli.command import DeviceCommand
from tallystick.cli.public_key import key_of, named_realm, offline_issuers
from tallystick.cli.realm import allow_production_file
from tallystick.cli.render import Report
from tallystick.errors import TrustError, UsageError
from tallystick.wire.attestation import MAX_ATTESTATION_BYTES, Endorsement

if TYPE_CHECKING:
    from tallystick.host.trust import Issuer
    from tallystick.manager.hsm.owner import OwnerKey

#: issuers of devices for development, by name
_TEST_ISSUERS = frozenset({"workshop", "tally up"})


@click.command(cls=DeviceCommand)
@click.argument("request", metavar="REQUEST")
@click.option("--owner-key", metavar="WHERE", required=True, help="a key file, pkcs11:…, or the word test")
@click.option(
    "--issuer-key", metavar="KEY", default="", help="the only issuer that counts: its public key in hex, or a key file"
)
@click.option(
    "--unchecked", "is_unchecked", is_flag=True, help="REQUEST is a bare public key: know yourself whose it is"
)
@OUTPUT
@allow_production_file
def certify(
    request: str, owner_key: str, issuer_key: str, is_unchecked: bool, output: Path | None, is_allowed: bool
) -> Report:
    """Check that the key in REQUEST was made on a device of a known issuer, and sign its certificate.

    REQUEST is what `tally owner setup --output` wrote. What --output writes here goes back to the device:
    tally owner setup --certificate FILE.
    """
    from tallystick.host.evidence import endorsement_links, owner_link, require_all
    from tallystick.manager.hsm.owner import OwnerKey

    require_new(output)
    if is_unchecked:
        if output is not None:
            raise UsageError("a bare key has no document", remedy="leave --output away")
        return _certify_bare(request, owner_key, is_allowed=is_allowed)
    asked = Endorsement.from_json(read_document(Path(request), limit=MAX_ATTESTATION_BYTES))
    issuers = offline_issuers(issuer_key)
    links = endorsement_links(asked, issuers)
    require_all(links)
    with OwnerKey.open(owner_key, allow_production_file=is_allowed) as owner:
        require_one_realm(owner, asked, issuers, issuer_key)
        certified = replace(
            asked, owner_public_key=owner.public_key, owner_certificate=owner.certify(asked.key.public_key)
        )
    write_document(output, certified.to_document())
    data = {
        "attestation_public_key": certified.key.public_key.hex(),
        "owner_public_key": certified.owner_public_key.hex(),
        "owner_certificate": certified.owner_certificate.hex(),
        "endorsement": certified.to_document(),
    }
    last = owner_link(certified.key.public_key, certified.owner_certificate, certified.owner_public_key)
    facts = [("Certificate", certified.owner_certificate.hex())]
    return chain_report("owner.certify", (*links, last), data=data, facts=facts)


def require_one_realm(owner: OwnerKey, asked: Endorsement, issuers: list[Issuer], issuer_key: str) -> None:
    """Raise TrustError when owner and issuer are known to belong to different realms."""
    from tallystick.host.trust import issuer_of

    issuer = issuer_of(asked.device, issuers)
    is_test = issuer is not None and issuer.name in _TEST_ISSUERS
    realm = "test" if is_test else named_realm(issuer_key) if issuer_key else None
    if realm is not None and realm != owner.realm.value:
        raise TrustError(
            f"the owner's key belongs to the {owner.realm.value} realm, the device to the {realm} realm",
            remedy="never put two realms together",
        )


def _certify_bare(request: str, owner_key: str, *, is_allowed: bool) -> Report:
    """Certify a key of which nothing is known."""
    from tallystick.manager.hsm.owner import OwnerKey

    public = key_of(request)
    if public is None:
        raise UsageError("with --unchecked REQUEST is a public key of 65 bytes in hexadecimal")
    with OwnerKey.open(owner_key, allow_production_file=is_allowed) as owner:
        certificate, owner_public = owner.certify(public).hex(), owner.public_key.hex()
    data: dict[str, object] = {
        "attestation_public_key": public.hex(),
        "owner_public_key": owner_public,
        "owner_certificate": certificate,
        "endorsement": None,
        "chain": [],
    }
    lines = ("Nothing was checked: the certificate says that you know whose key this is.",)
    return Report(schema="owner.certify", data=data, lines=lines, facts=[("Certificate", certificate)])
