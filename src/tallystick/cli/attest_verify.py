"""`tally attest verify`: an app's statement, with the whole chain to the owner or the issuer who vouches for the device."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from tallystick.cli.chain import chain_report, hex_bytes, read_document
from tallystick.cli.command import DeviceCommand
from tallystick.cli.public_key import named_key, offline_issuers
from tallystick.cli.render import Report
from tallystick.errors import UsageError
from tallystick.wire.attestation import MAX_ATTESTATION_BYTES, Endorsement
from tallystick.wire.certificate import PUBLIC_KEY_BYTES

if TYPE_CHECKING:
    from tallystick.host.evidence import Link

_HASH_BYTES: Final = 32
_MAX_MESSAGE: Final = 1 << 20


@click.command(cls=DeviceCommand)
@click.argument("endorsement", metavar="[ENDORSEMENT]", required=False, type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--scheme", type=click.IntRange(1, 2), required=True, help="1: key 1 signs hash and message; 2: a key of the app"
)
@click.option("--code-hash", type=hex_bytes(_HASH_BYTES), metavar="HEX", required=True, help="the app's full hash")
@click.option("--message", type=hex_bytes(), metavar="HEX", help="what was signed")
@click.option("--text", metavar="TEXT", help="what was signed, as UTF-8")
@click.option(
    "--message-file", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path), help="what was signed, as a file"
)
@click.option("--signature", type=hex_bytes(), metavar="HEX", required=True, help="the app's signature: DER")
@click.option(
    "--key", type=hex_bytes(PUBLIC_KEY_BYTES), metavar="HEX", help="the attestation key, where there is no file"
)
@click.option("--certificate", type=hex_bytes(), metavar="HEX", help="the owner's certificate of it, with --key")
@click.option(
    "--owner-key", metavar="KEY", default="", help="the owner who must vouch: public key in hex, or a key file"
)
@click.option(
    "--issuer-key", metavar="KEY", default="", help="the issuer who must vouch: public key in hex, or a key file"
)
def verify(endorsement: Path | None, **options: Any) -> Report:
    """Check that the app with this hash, on a device that somebody vouches for, had this message signed.

    ENDORSEMENT is what `tally owner setup --output` wrote; --key and --certificate do without it, and without naming the
    device. Name who is to vouch: --owner-key, --issuer-key, or both. Exit code 9 says that a link does not hold.
    """
    from tallystick.host.evidence import Scheme, Statement, statement_link

    if not (options["owner_key"] or options["issuer_key"]):
        raise UsageError(
            "a signature proves nothing until somebody vouches for the key", remedy="name --owner-key or --issuer-key"
        )
    statement = Statement(
        scheme=Scheme(options["scheme"]),
        code_hash=options["code_hash"],
        message=_message(**{name: options[name] for name in ("message", "text", "message_file")}),
        signature=options["signature"],
    )
    document = _document(endorsement, options)
    key = options["key"] if document is None else document.key.public_key
    certificate = (options["certificate"] or b"") if document is None else document.owner_certificate
    links = [*_vouching(options, key, certificate, document), statement_link(key, statement)]
    data = {
        "verdict": "holds" if all(link.holds for link in links) else "does_not_hold",
        "scheme": int(statement.scheme),
        "code_hash": statement.code_hash.hex(),
        "attestation_public_key": key.hex(),
        "device_public_key": None if document is None else document.device.public_key.hex(),
    }
    return chain_report("attest.verify", links, data=data)


def _message(*, message: bytes | None, text: str | None, message_file: Path | None) -> bytes:
    """Return the one message that was given."""
    given = [one for one in (message, text, message_file) if one is not None]
    if len(given) != 1:
        raise UsageError("give the message once: --message, --text or --message-file")
    if message is not None:
        return message
    if text is not None:
        return text.encode()
    data = read_document(given[0], limit=_MAX_MESSAGE)  # type: ignore[arg-type]  # the last of the three kinds
    if len(data) > _MAX_MESSAGE:
        raise UsageError(f"the message has more than {_MAX_MESSAGE} bytes")
    return data


def _document(endorsement: Path | None, options: dict[str, Any]) -> Endorsement | None:
    """Return what the file says, or None where options say it."""
    if (endorsement is None) == (options["key"] is None):
        raise UsageError("name the attestation key once: by the file ENDORSEMENT, or by --key")
    if endorsement is None:
        if options["issuer_key"]:
            raise UsageError(
                "the chain to the issuer is in the file ENDORSEMENT", remedy="name the file, or --owner-key"
            )
        return None
    if options["certificate"] is not None:
        raise UsageError("--certificate goes with --key")
    found = Endorsement.from_json(read_document(endorsement, limit=MAX_ATTESTATION_BYTES))
    if found.slot != options["scheme"]:
        raise UsageError(f"the file is about attestation key {found.slot}, scheme {options['scheme']} is not its own")
    return found


def _vouching(options: dict[str, Any], key: bytes, certificate: bytes, document: Endorsement | None) -> list[Link]:
    """Return the links from those who must vouch to the attestation key."""
    from tallystick.host.evidence import endorsement_links, owner_link

    links: list[Link] = []
    if options["issuer_key"] and document is not None:
        links += endorsement_links(document, offline_issuers(options["issuer_key"]))
    if options["owner_key"]:
        links.append(owner_link(key, certificate, named_key(options["owner_key"], "the owner's")))
    return links
