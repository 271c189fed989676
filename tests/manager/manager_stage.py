"""What the manager's tests share: what is on the shelves, and a client that plays a device into a socket."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from tallystick.manager.catalog.service import NewApp, devices_named, publish_app, sign_missing, stock
from tallystick.manager.db.engine import open_engine, sessions_of
from tallystick.manager.db.record import Audit
from tallystick.manager.firmware.script import ScriptKind, StoredRelease
from tallystick.manager.firmware.service import KnownFirmware, NewFirmware, know, publish
from tallystick.manager.flow import FlowError
from tallystick.manager.hsm.keyring import Keyring
from tallystick.manager.hsm.signer import Signer
from tallystick.wire.firmware import ARTEFACTS
from tallystick.wire.image import AppFlag, AppImage, CreateApp
from tallystick.wire.install import InstallParameters
from tallystick.wire.manager_message import Bulk, ClientReply, Error, Exchange, Response, Success, decode_server_message

PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)


def app_image(name: str = "Demo", version: str = "1.0.0", *, size: int = 1000) -> AppImage:
    """Return an app of some size with bytes that are not all the same."""
    code = (hashlib.sha256(f"{name} {version}".encode()).digest() * (size // 32 + 1))[:size]
    code += bytes(-len(code) % 64)
    parameters = InstallParameters(name=name, version=version).to_bytes()
    create = CreateApp(
        api_level=5, code_length=len(code), data_length=0, parameters_length=len(parameters), flags=AppFlag.MAIN
    )
    return AppImage(create=create, code=code, data=b"", parameters=parameters)


def release_files(version: str) -> dict[str, bytes]:
    """Return files that look like a release."""
    return {name: f"{name} {version}".encode() * 20 for name in ARTEFACTS.values()}


class NoScripts:
    """Makes a manager that offers apps only."""

    def commands(self, kind: ScriptKind, release: StoredRelease, *, software: Signer) -> Sequence[bytes]:
        """Raise FlowError."""
        del release, software
        raise FlowError(f"this manager has no script for the step {kind.value}")


@dataclass(frozen=True)
class Shelves:
    """What the database holds: ids of the Nano S+ and of its firmware by version, and one app."""

    device: int
    finals: dict[str, int]
    image: AppImage


def stock_shelves(session: Session, keyring: Keyring) -> Shelves:
    """Put in an app for every model, what a Nano S+ runs (1.1.1), and two releases of firmware for it."""
    stock(session)
    (device,) = devices_named(session, ("nanosp",))
    finals = {"1.1.1": know(session, device, KnownFirmware(version="1.1.1", mcu_version="4.03")).id}
    for version, mcu in (("1.2.0", "4.04"), ("1.3.0", "4.05")):
        new = NewFirmware(
            version=version, mcu_version=mcu, mcu_bootloader_version="3.12", files=release_files(version),
            notes=f"notes of {version}",
        )  # fmt: skip
        finals[version] = publish(session, device, new).id
    image = app_image()
    publish_app(session, NewApp(image=image, icon=PNG, description="for tests"), software=keyring.software)
    sign_missing(session, software=keyring.software)
    return Shelves(device=device.id, finals=finals, image=image)


def reply_to(text: str, device) -> str | Success | Error:
    """Return the reply of a client with this device to a message, or the message that ended it all.

    A bulk is run whole and answered once, as the older clients do.
    """
    message = decode_server_message(text)
    match message:
        case Exchange():
            data, status = device.exchange(message.apdu)
            response = Response.SUCCESS if status == 0x9000 else Response.ERROR
            return ClientReply(nonce=message.nonce, response=response, data=data).to_json()
        case Bulk():
            good = all(device.exchange(apdu)[1] == 0x9000 for apdu in message.apdus)
            response = Response.SUCCESS if good else Response.IO
            return ClientReply(nonce=message.nonce, response=response).to_json()
        case Success() | Error():
            return message
    raise AssertionError(message)


def play(socket, device) -> Success | Error:
    """Play a device into a test client's socket until the manager ends the conversation."""
    while True:
        reply = reply_to(socket.receive_text(), device)
        if not isinstance(reply, str):
            return reply
        socket.send_text(reply)


def audit_lines(database: str) -> list[tuple[str, str, str, str]]:
    """Return action, subject, outcome and detail of every line in the audit log, oldest first."""
    engine = open_engine(database)
    with sessions_of(engine)() as session:
        lines = [
            (one.action, one.subject, one.outcome, one.detail)
            for one in session.scalars(select(Audit).order_by(Audit.id))
        ]
    engine.dispose()
    return lines
