"""`tally cosmos`: addresses and signatures of the Cosmos app; the commands about chains are in the modules beside it."""

from __future__ import annotations

from typing import BinaryIO

import click

from tallystick.cli.command import DeviceCommand, Lazy, LazyGroup
from tallystick.cli.follow import follow
from tallystick.cli.render import Report
from tallystick.cli.target import current_run
from tallystick.host.actions import cosmos as actions
from tallystick.host.commands.cosmos import MAX_PAYLOAD_BYTES, TextFormat
from tallystick.wire.path import Bip32Path

_TABLE = {
    "address": Lazy(target="tallystick.cli.cosmos:address", summary="the address of an account"),
    "sign": Lazy(target="tallystick.cli.cosmos:sign", summary="have a transaction reviewed and signed"),
    "balance": Lazy(target="tallystick.cli.cosmos_ask:balance", summary="what an account has on its chain"),
    "send": Lazy(target="tallystick.cli.cosmos_send:send", summary="send money to an address"),
    "delegate": Lazy(target="tallystick.cli.cosmos_send:delegate", summary="stake money with a validator"),
    "undelegate": Lazy(target="tallystick.cli.cosmos_send:undelegate", summary="take it back from there"),
    "withdraw": Lazy(target="tallystick.cli.cosmos_send:withdraw", summary="fetch a validator's rewards"),
    "vote": Lazy(target="tallystick.cli.cosmos_send:vote", summary="vote on a proposal"),
    "sign-file": Lazy(target="tallystick.cli.cosmos_file:sign_file", summary="sign what gaiad --generate-only wrote"),
    "status": Lazy(target="tallystick.cli.cosmos_ask:status", summary="what became of a transaction"),
}
_DEFAULT_PATH = "44'/118'/0'/0/0"


@click.group(cls=LazyGroup, lazy=_TABLE)
def cosmos() -> None:
    """Get addresses and signatures from the Cosmos app, and send what it signed; the app is opened when it is not."""


@click.command(cls=DeviceCommand)
@click.option("--path", default=_DEFAULT_PATH, show_default=True, help="five levels; ', h and H harden")
@click.option("--hrp", default=actions.DEFAULT_HRP, show_default=True, help="the chain's address prefix")
@click.option("--show", "is_shown", is_flag=True, help="show it on the device too, to be compared")
def address(path: str, hrp: str, is_shown: bool) -> Report:
    """Print the address of the account at PATH. It is checked against the public key."""
    run = current_run()
    levels = Bip32Path.parse(path)
    session = run.connect()
    answer = follow(run, actions.address(session, levels, hrp=hrp, is_shown=is_shown))
    data = {
        "device": session.url,
        "address": answer.address,
        "public_key": answer.public_key.hex(),
        "path": str(levels),
        "hrp": hrp,
        "shown": is_shown,
    }
    return Report(schema="cosmos.address", data=data, lines=(answer.address,))


@click.command(cls=DeviceCommand)
@click.argument("file", type=click.File("rb"))
@click.option("--path", default=_DEFAULT_PATH, show_default=True, help="five levels; ', h and H harden")
@click.option("--hrp", help="the chain's address prefix; needed for paths of coin 60'")
@click.option("--textual", "is_textual", is_flag=True, help="FILE is SIGN_MODE_TEXTUAL (CBOR), not amino JSON")
def sign(file: BinaryIO, path: str, hrp: str | None, is_textual: bool) -> Report:
    """Have the transaction in FILE (- for stdin) reviewed on the device and signed.

    FILE holds the exact bytes to sign; one line feed at its end is not taken for a part of amino JSON. The signature is verified
    before it is printed, as hexadecimal DER, with the public key.
    """
    run = current_run()
    levels = Bip32Path.parse(path)
    # one byte more than the app takes is enough to see that it is too much, two with the line feed
    payload = file.read(MAX_PAYLOAD_BYTES + 2)
    if not is_textual:
        payload = payload.removesuffix(b"\n").removesuffix(b"\r")
    text_format = TextFormat.TEXTUAL if is_textual else TextFormat.AMINO_JSON
    session = run.connect()
    signed = follow(run, actions.sign(session, payload, path=levels, hrp=hrp, text_format=text_format))
    data = {
        "device": session.url,
        "signature": signed.signature.hex(),
        "public_key": signed.public_key.hex(),
        "address": signed.address,
        "digest": signed.digest.hex(),
        "path": str(levels),
        "format": text_format.name.lower(),
        "verified": True,
    }
    facts = (
        ("Signature", signed.signature.hex()),
        ("Public key", signed.public_key.hex()),
        ("Address", signed.address),
        ("Digest", signed.digest.hex()),
    )
    return Report(schema="cosmos.sign", data=data, facts=facts)
