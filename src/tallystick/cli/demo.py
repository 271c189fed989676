"""`tally demo`: a short tour with a device of its own, with somebody at its buttons."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from tallystick.cli.target import Run
from tallystick.cli.up import MODELS
from tallystick.errors import TransportError

if TYPE_CHECKING:
    from tallystick.host.session import Session
    from tallystick.wire.panel import Action, Frame

#: the seed of development networks everywhere: nobody's money
SEED = "test test test test test test test test test test test junk"
_STEPS = 8
_START_TIMEOUT_S = 30
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
@click.pass_obj
def demo(run: Run, /, model: str, pause: float) -> None:
    """Start a device, ask it for an address and a signature, and press its buttons. Nothing is left behind."""
    del run
    with _device(model) as facts:
        from tallystick.host.session import Session
        from tallystick.host.transport.tcp import TcpTransport

        with Session(TcpTransport("127.0.0.1", facts["apdu_port"])) as session:
            _tour(session, facts, pause)


@contextmanager
def _device(model: str) -> Iterator[dict[str, Any]]:
    """Run `tally up` for the time of the tour."""
    _step(1, f"starting a {model} …")
    command = [sys.executable, "-m", "tallystick", "up", "--json", "--model", model, "--seed", SEED]
    process = subprocess.Popen(  # noqa: S603 -- our own interpreter and module, no shell
        [*command, "--apdu-port", "0", "--api-port", "0"], stdout=subprocess.PIPE, text=True
    )
    try:
        line = process.stdout.readline() if process.stdout else ""
        if not line:
            raise TransportError("the device did not start", remedy="run `tally up` to see why")
        facts: dict[str, Any] = json.loads(line)
        if "serial" not in facts:
            raise TransportError(f"the device did not start: {facts.get('message')}", remedy=str(facts.get("remedy")))
        click.echo(f"      serial {facts['serial']}, page http://127.0.0.1:{facts['api_port']}/ while the tour lasts")
        yield facts
    finally:
        process.terminate()
        process.wait(_START_TIMEOUT_S)


def _tour(session: Session, facts: dict[str, Any], pause: float) -> None:
    from tallystick.host.actions import app, cosmos, device
    from tallystick.host.actions.step import result
    from tallystick.wire.path import Bip32Path
    from tallystick.wire.version import SecureElementInfo

    path = Bip32Path.parse("44'/118'/0'/0/0")
    with _Hand(facts["api_port"], pause):
        _step(2, "what are you?")
        report = result(device.info(session))
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
    client = ManagerClient(ManagerAddress(http=facts["manager_http"], ws=facts["manager_ws"]))
    try:
        _step(3, f"are you genuine?  (the manager at {client.address.http} asks)")
        checked = result(genuine.check(session, client, issuers=issuers))
        click.echo(f"      {'genuine' if checked.is_genuine else 'not genuine'}, certificate {checked.chain.serial}")
        _step(4, "install Cosmos  (the manager has it)")
        change = result(install.install(session, client, "Cosmos"))
        click.echo(f"      {change.name} {change.version} is {change.action}")
    finally:
        client.close()


def _step(number: int, text: str) -> None:
    click.echo(click.style(f"[{number}/{_STEPS}]", bold=True) + f" {text}")


class _Hand:
    """Somebody at the device: reads each screen aloud and goes on, by the device's own REST API."""

    def __init__(self, api_port: int, pause: float) -> None:
        import httpx

        self._client = httpx.Client(base_url=f"http://127.0.0.1:{api_port}", timeout=10)
        self._pause = pause
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_error: object) -> None:
        self._done.set()
        self._thread.join(10)
        self._client.close()

    def _work(self) -> None:
        import httpx

        from tallystick.ui.approval import approving_action
        from tallystick.wire.panel import Frame

        sequence = 0
        while not self._done.is_set():
            try:
                answer = self._client.get("/screen", params={"after": sequence, "timeout": 0.2})
            except httpx.HTTPError:
                return
            if answer.status_code != httpx.codes.OK:
                continue
            frame = Frame.from_json(answer.json())
            sequence = frame.sequence
            action = approving_action(frame)
            if action is not None:
                self._show(frame, action)
                self._done.wait(self._pause)
                self._act(action)

    @staticmethod
    def _show(frame: Frame, action: Action) -> None:
        texts = [text for text in frame.drawing.texts() if text.strip()]
        gesture = _button(action) or f"tap {action.x},{action.y}"
        if action.hold_s:
            gesture = f"hold {action.x},{action.y}"
        click.echo(f"      │ {' · '.join(texts):<62} │ {gesture}")

    def _act(self, action: Action) -> None:
        name = _button(action)
        if name:
            self._client.post(f"/button/{name}", json={"action": "press-and-release"})
        else:
            body = {"action": "press-and-release", "x": action.x, "y": action.y, "delay": action.hold_s * 1.1}
            self._client.post("/finger", json=body)


def _button(action: Action) -> str:
    """Return the button's name as the REST API has it, or nothing for a touch."""
    from tallystick.wire.events import BUTTON_NAMES

    return next((name for name, button in BUTTON_NAMES.items() if button is action.button), "")
