"""`tally demo`: a short tour with a device of its own, with somebody at its buttons."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import closing
from typing import TYPE_CHECKING, Any

import click

from tallystick.cli.demo_device import device
from tallystick.cli.demo_hand import Hand
from tallystick.cli.target import Run
from tallystick.cli.up import MODELS
from tallystick.errors import TransportError

if TYPE_CHECKING:
    from tallystick.host.session import Session

_STEPS = 8
_DOCUMENT: dict[str, Any] = {
    "account_number": "12",
    "chain_id": "cosmoshub-4",
    "fee": {"amount": [{"amount": "5000", "denom": "uatom"}], "gas": "200000"},
    "memo": "two halves of one stick",
    "msgs": [
        {
            "type": "cosmos-sdk/MsgSend",
            "value": {
                "amount": [{"amount": "1500000", "denom": "uatom"}],
                "from_address": "cosmos15yk64u7zc9g9k2yr2wmzeva5qgwxps6yxj00e7",
                "to_address": "cosmos1erxf3sa9q2j4vgseu7jq4a258ckmk7cy076t8z",
            },
        }
    ],
    "sequence": "3",
}


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--model", type=click.Choice(MODELS), default="nanosp", show_default=True, help="which device it is")
@click.option("--pause", type=click.FloatRange(0, 10), default=0.0, metavar="SECONDS", help="wait before each gesture")
@click.option(
    "--tour",
    type=click.Choice(["wallet", "transfer", "native", "all"]),
    default="all",
    show_default=True,
    help="an address and a signature; a key that moves between two devices; apps in C, on a nanox; or all of it",
)
@click.pass_obj
def demo(run: Run, /, model: str, pause: float, tour: str) -> None:
    """Start a device, ask it for an address and a signature, and press its buttons; then move a key between two, and run apps in C.

    Nothing is left behind.
    """
    del run
    if tour in {"wallet", "all"}:
        _wallet(model, pause)
    if tour in {"transfer", "all"}:
        from tallystick.cli.demo_transfer import transfer_tour

        transfer_tour(model, pause)
    if tour in {"native", "all"}:
        _native(pause, is_asked_for=tour == "native")


def _native(pause: float, *, is_asked_for: bool) -> None:
    """Give the tour with apps in C; where they cannot run, say so, and fail only when it was asked for by name."""
    from tallystick.cli.demo_native import can_run_native, native_tour

    if is_asked_for or can_run_native():
        native_tour(pause)
    else:
        click.echo("      apps in C need an emulated processor: pip install 'tallystick[native]' adds the third tour")


def _wallet(model: str, pause: float) -> None:
    _step(1, f"starting a {model} …")
    with device(model) as facts:
        from tallystick.host.session import Session
        from tallystick.host.transport.tcp import TcpTransport

        click.echo(f"      serial {facts['serial']}, page http://127.0.0.1:{facts['api_port']}/ while the tour lasts")
        with Session(TcpTransport("127.0.0.1", facts["apdu_port"])) as session:
            _tour(session, facts, pause)


def _tour(session: Session, facts: dict[str, Any], pause: float) -> None:
    from tallystick.host.actions import app, cosmos
    from tallystick.host.actions import device as actions
    from tallystick.host.actions.step import result
    from tallystick.wire.path import Bip32Path
    from tallystick.wire.version import SecureElementInfo

    path = Bip32Path.parse("44'/118'/0'/0/0")
    with Hand(facts["api_port"], pause):
        _step(2, "what are you?")
        report = result(actions.info(session))
        if isinstance(report.version, SecureElementInfo):
            click.echo(f"      {report.name}, OS {report.version.version}, MCU {report.version.mcu_version}")
        _by_the_manager(session, facts)
        _step(5, "which apps are installed?  (the device asks first)")
        for entry in result(app.list_apps(session)):
            click.echo(f"      {entry.name}, {entry.blocks} blocks, hash {entry.full_hash.hex()[:16]}…")
        _step(6, f"the address at {path}  (opens the Cosmos app, and shows the address)")
        answer = result(cosmos.address(session, path, is_shown=True))
        click.echo(f"      {answer.address}")
        _step(7, "sign: send 1.5 ATOM")
        payload = json.dumps(_DOCUMENT, separators=(",", ":"), sort_keys=True).encode()
        signed = result(cosmos.sign(session, payload, path=path))
        click.echo(f"      signature {signed.signature.hex()[:48]}…")
    _step(8, "check the signature with the public key")
    from tallystick.crypto.secp256k1 import verify_ecdsa_der

    if not verify_ecdsa_der(signed.public_key, signed.digest, signed.signature):
        raise TransportError("the signature does not hold")
    click.echo(f"      it is one of {signed.address} over this transaction. Done.")


def _by_the_manager(session: Session, facts: Mapping[str, Any]) -> None:
    """Have the manager beside the device check it and install the app; where there is none, load the app without."""
    from tallystick import apps
    from tallystick.host.actions import genuine, install
    from tallystick.host.actions.sideload import sideload
    from tallystick.host.actions.step import result
    from tallystick.host.manager_address import ManagerAddress
    from tallystick.host.manager_client import ManagerClient
    from tallystick.host.trust import Issuer

    issuers = [Issuer(name="workshop", public_key=bytes.fromhex(facts["issuer_public_key"]))]
    if facts["manager_http"] is None:
        _step(3, "are you genuine?  (checked here, for there is no manager)")
        checked = result(genuine.check_offline(session, issuers=issuers))
        click.echo(f"      {'genuine' if checked.is_genuine else 'not genuine'}, certificate {checked.chain.serial}")
        _step(4, "install Cosmos  (as an app of one's own)")
        click.echo(f"      {result(sideload(session, apps.bundle('cosmos').image()))} is installed")
        return
    with closing(ManagerClient(ManagerAddress(http=facts["manager_http"], ws=facts["manager_ws"]))) as client:
        _step(3, f"are you genuine?  (the manager at {client.address.http} asks)")
        checked = result(genuine.check(session, client, issuers=issuers))
        click.echo(f"      {'genuine' if checked.is_genuine else 'not genuine'}, certificate {checked.chain.serial}")
        _step(4, "install Cosmos  (the manager has it)")
        change = result(install.install(session, client, "Cosmos"))
        click.echo(f"      {change.name} {change.version} is {change.action}")


def _step(number: int, text: str) -> None:
    click.echo(click.style(f"[{number}/{_STEPS}]", bold=True) + f" {text}")
