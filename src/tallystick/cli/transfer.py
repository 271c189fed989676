"""`tally transfer`: a private key that moves from device to device and is never in two places."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tallystick.cli.command import DeviceCommand, Lazy, LazyGroup
from tallystick.cli.follow import follow
from tallystick.cli.render import Report
from tallystick.cli.target import Run, current_run
from tallystick.errors import UsageError
from tallystick.host.actions import transfer as actions

if TYPE_CHECKING:
    from tallystick.host.session import Session

_TABLE = {
    "status": Lazy(target="tallystick.cli.transfer:status", summary="which key a device has, and whether it can move"),
    "create": Lazy(target="tallystick.cli.transfer:create", summary="have a key made"),
    "send": Lazy(target="tallystick.cli.transfer:send", summary="move the key of a device to another one"),
    "receive": Lazy(target="tallystick.cli.transfer:receive", summary="move the key of another device to this one"),
    "sign": Lazy(target="tallystick.cli.transfer:sign", summary="sign a hash; after the first time the key stays"),
}
_STATES = {"none": "no key", "sealed": "can move", "unsealed": "has signed, and stays on this device"}


@click.group(cls=LazyGroup, lazy=_TABLE)
def transfer() -> None:
    """Make, move and use the key of the Transfer app; it is opened when it is not."""


@click.command(cls=DeviceCommand)
def status() -> Report:
    """Tell which key the device has, and whether it can move."""
    run = current_run()
    session = run.connect()
    return _report("transfer.status", session, follow(run, actions.status(session)))


@click.command(cls=DeviceCommand)
def create() -> Report:
    """Have a key made on a device that has none."""
    run = current_run()
    session = run.connect()
    return _report("transfer.create", session, follow(run, actions.create(session)))


@click.command(cls=DeviceCommand)
@click.option("--to", "receiver", metavar="URL", required=True, help="the device that gets the key")
def send(receiver: str) -> Report:
    """Move the key of the device to the one at --to. Both ask; afterwards the key is there and no longer here.

    Both must be of one model with the same versions, and certified by the same owner.
    """
    run = current_run()
    return _move(run, run.connect(), receiver, is_sender=True)


@click.command(cls=DeviceCommand)
@click.option("--from", "sender", metavar="URL", required=True, help="the device that has the key")
def receive(sender: str) -> Report:
    """Move the key of the device at --from to this one: the same as `send`, seen from the other side."""
    run = current_run()
    return _move(run, run.connect(), sender, is_sender=False)


@click.command(cls=DeviceCommand)
@click.argument("digest", metavar="HASH")
def sign(digest: str) -> Report:
    """Sign HASH (32 bytes in hexadecimal) with the key. The first signature is asked for, and ends all moving."""
    run = current_run()
    try:
        raw = bytes.fromhex(digest)
    except ValueError:
        raise UsageError("HASH is not hexadecimal", remedy="give 64 hexadecimal digits") from None
    session = run.connect()
    signed = follow(run, actions.sign(session, raw))
    data = {
        "device": session.url,
        "signature": signed.signature.hex(),
        "public_key": signed.public_key.hex(),
        "digest": raw.hex(),
        "verified": True,
    }
    return Report(schema="transfer.sign", data=data, lines=(signed.signature.hex(),))


def _move(run: Run, own: Session, other_url: str, *, is_sender: bool) -> Report:
    """Do it, with the second device's session open for as long as it takes."""
    from tallystick.host.session import DEFAULT_TIMEOUT_S, Session

    timeout_s = DEFAULT_TIMEOUT_S if run.timeout_s is None else min(run.timeout_s, DEFAULT_TIMEOUT_S)
    transport = (run.open_transport or run.finder().open)(other_url)
    with Session(transport, timeout_s=timeout_s, person_timeout_s=run.timeout_s) as other:
        if other.url == own.url:
            raise UsageError("sender and receiver are one device", remedy="name another one with --device")
        sender, receiver = (own, other) if is_sender else (other, own)
        held = follow(run, actions.transfer(sender, receiver))
        key = held.public_key or b""
        data = {
            "sender": sender.url,
            "receiver": receiver.url,
            "public_key": key.hex(),
            "fingerprint": actions.fingerprint(key),
        }
    moved = f"The key {data['fingerprint']} is on {data['receiver']} now, and no longer on {data['sender']}."
    return Report(schema="transfer.send" if is_sender else "transfer.receive", data=data, lines=(moved,))


def _report(schema: str, session: Session, held: actions.Held) -> Report:
    key = held.public_key
    data = {
        "device": session.url,
        "key": held.state.value,
        "public_key": None if key is None else key.hex(),
        "fingerprint": None if key is None else actions.fingerprint(key),
    }
    facts = [("State", _STATES[held.state.value])]
    if key is not None:
        facts += [("Fingerprint", actions.fingerprint(key)), ("Public key", key.hex())]
    return Report(schema=schema, data=data, facts=facts)
