"""The third tour of `tally demo`: code in C, compiled for ARM, as an app of one's own; and one that proves what it says."""

from __future__ import annotations

import secrets
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from tallystick.cli.demo_device import device
from tallystick.cli.demo_hand import Hand
from tallystick.errors import TransportError, UsageError

if TYPE_CHECKING:
    from tallystick.cli.app_file import AppFile
    from tallystick.host.session import Session
    from tallystick.wire.attestation import Endorsement

_STEPS: Final = 7
#: whom the examples of the package are built for
_MODEL: Final = "nanox"
_PATH: Final = "44'/1'/0'/0/0"
_MESSAGE: Final = b"I owe you one tally."
_CLA: Final = 0xE0
#: commands of the signer and of the oracle, as the head of their sources says
_ADDRESS, _SIGN = 0x02, 0x03
_ASK: Final = 0x05
_KEY_BYTES: Final = 65
_CHALLENGE_BYTES: Final = 16
_NUMBER_BYTES: Final = 4


def can_run_native() -> bool:
    """Tell whether the emulated processor is installed, without which native apps do not run."""
    return find_spec("unicorn") is not None


def require_native() -> None:
    """Raise UsageError with the remedy when the emulated processor is not installed."""
    if not can_run_native():
        raise UsageError("native apps need an emulated processor", remedy="pip install 'tallystick[native]'")


def native_tour(pause: float) -> None:
    """Start a device, give it two apps in C, have one sign and the other prove what it says; `pause` is in seconds."""
    require_native()
    _step(1, f"starting a {_MODEL} …")
    with device(_MODEL, "--no-manager") as facts:
        from tallystick.host.session import Session
        from tallystick.host.transport.tcp import TcpTransport

        click.echo(f"      serial {facts['serial']}, page http://127.0.0.1:{facts['api_port']}/ while the tour lasts")
        transport = TcpTransport("127.0.0.1", facts["apdu_port"])
        with Session(transport) as session, Hand(facts["api_port"], pause):
            _load(session, 2, "signer", "an app in C, compiled for ARM")
            _signer(session)
            _oracle(session, facts)


def _load(session: Session, number: int, name: str, what: str) -> AppFile:
    """Install an example of the package as an app of one's own, open it, and return it."""
    import tallystick
    from tallystick.cli.app_file import read_app_file
    from tallystick.host.actions import app
    from tallystick.host.actions.sideload import sideload
    from tallystick.host.actions.step import result

    found = read_app_file(Path(tallystick.__file__).parent / "device" / "native" / "example" / f"{name}.elf")
    size = found.image.create.code_length
    _step(number, f"install {found.name}, {what}, and open it  (the device asks, for it is an app of your own)")
    result(sideload(session, found.image, built_for=found.target_id))
    result(app.open_app(session, found.name))
    click.echo(f"      {found.name} runs: {size} bytes of machine code, alone in a locked process")
    return found


def _signer(session: Session) -> None:
    from tallystick.crypto.hash import sha256
    from tallystick.crypto.secp256k1 import verify_ecdsa_der
    from tallystick.wire.path import Bip32Path

    path = Bip32Path.parse(_PATH).to_bytes()
    _step(3, f"its address at {_PATH}  (the app asks, the OS draws)")
    answer = _ask(session, _ADDRESS, path, p1=1)
    key, address = answer[:_KEY_BYTES], answer[_KEY_BYTES + 1 :].decode("ascii", "replace")
    click.echo(f"      {address}")
    _step(4, "have it sign a message, and check the signature with its public key")
    signature = _ask(session, _SIGN, path + _MESSAGE)
    if not verify_ecdsa_der(key, sha256(_MESSAGE), signature):
        raise TransportError("the signature does not hold")
    click.echo(f"      signature {signature.hex()[:48]}… holds")


def _oracle(session: Session, facts: dict[str, Any]) -> None:
    from tallystick.cli.demo_owner import certify
    from tallystick.host.actions import app
    from tallystick.host.actions.step import result

    _step(5, "an owner certifies the device's attestation key  (the test realm's owner, whom everybody knows)")
    result(app.quit_app(session))
    endorsement = certify(session, facts)
    click.echo(f"      attestation key {endorsement.key.public_key.hex()[:24]}…")
    oracle = _load(session, 6, "oracle", "which proves what it says")
    _step(7, "ask it, and check every link from those who vouch for the device to what the app said")
    challenge = secrets.token_bytes(_CHALLENGE_BYTES)
    _check(oracle, endorsement, facts, challenge, _ask(session, _ASK, challenge))


def _check(oracle: AppFile, endorsement: Endorsement, facts: dict[str, Any], challenge: bytes, said: bytes) -> None:
    """Say each link of the chain; the app's hash is computed here from its file, and none is taken from the device."""
    from tallystick.cli.demo_owner import issuers, owner_key
    from tallystick.device.os.identity import VERSIONS
    from tallystick.host.evidence import (
        Scheme,
        Statement,
        endorsement_links,
        owner_link,
        require_all,
        statement_link,
    )
    from tallystick.wire.model import MODELS

    number, signature = said[:_NUMBER_BYTES], said[_NUMBER_BYTES:]
    code_hash = oracle.image.full_hash(MODELS[_MODEL].target_id, VERSIONS[_MODEL].os)
    message = b"TALLY\0" + number + challenge
    key = endorsement.key.public_key
    statement = Statement(scheme=Scheme.CODE_HASH, code_hash=code_hash, message=message, signature=signature)
    links = [
        *endorsement_links(endorsement, issuers(facts)),
        owner_link(key, endorsement.owner_certificate, owner_key()),
        statement_link(key, statement),
    ]
    for link in links:
        words = link.kind.value.replace("_", " ")
        click.echo(f"      {words:<18} by {link.signer:<18} {'holds' if link.holds else 'DOES NOT HOLD'}")
    require_all(links)
    count = int.from_bytes(number, "big")
    click.echo(f"      so the app with hash {code_hash.hex()[:16]}… did say: question {count}. Done.")


def _ask(session: Session, ins: int, data: bytes, *, p1: int = 0) -> bytes:
    """Send a command to the app that is open, and return the data of its answer; raise StatusError for another than 9000."""
    from tallystick.host.session import status_error
    from tallystick.wire.apdu import CommandApdu
    from tallystick.wire.status import Layer

    answer = session.exchange(CommandApdu(_CLA, ins, p1, 0, data).to_bytes())
    if not answer.ok:
        raise status_error(answer, layer=Layer.OS, asks_person=True)
    return answer.data


def _step(number: int, text: str) -> None:
    click.echo(click.style(f"[{number}/{_STEPS}]", bold=True) + f" {text}")
