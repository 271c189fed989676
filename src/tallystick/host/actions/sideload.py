"""Apps of one's own, loaded by a key of this moment and no manager (wire-protocol E.2).

The person is asked twice: whether the unknown key may speak to the device, and whether this very app, by its hash, is wanted.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tallystick.errors import RemoteProtocolError, UsageError
from tallystick.host.actions.genuine import channel
from tallystick.host.actions.step import GRACE_S, Action, Flow, NeedsUser, Progress, finish
from tallystick.host.actions.target import dashboard_target
from tallystick.host.commands.relayed import Relayed
from tallystick.host.gesture import Gesture
from tallystick.host.session import Session
from tallystick.wire.image import AppImage
from tallystick.wire.install import InstallParameters
from tallystick.wire.loader import DeleteApp, load_script
from tallystick.wire.model import by_target_id


def sideload(session: Session, image: AppImage, *, replace: bool = True, built_for: int | None = None) -> Action[str]:
    """Load an app and return its name; with `replace` one of the same name is removed first.

    `built_for` is the target id that native code says it was built for: no other model is given it.
    Raises StatusError or UserRefused as the device refuses, UsageError for an app of another model.
    """
    name = InstallParameters.from_bytes(image.parameters).name
    script = tuple(load_script(image, replaces=name if replace else None))
    asked = {0, len(script) - 1} if replace else {len(script) - 1}
    return finish(_load(session, script, name=name, asked=asked, built_for=built_for))


def unload(session: Session, name: str) -> Action[str]:
    """Remove an app by its exact name and return it; one that is not there is removed already."""
    return finish(_send(session, (DeleteApp(name=name).to_bytes(),), name=name, asked={0}, step="removing"))


def _load(
    session: Session, script: Sequence[bytes], *, name: str, asked: Iterable[int], built_for: int | None
) -> Flow[str]:
    if built_for is not None:
        there = (yield from dashboard_target(session)).target_id
        ours, theirs = (_model_name(target_id) for target_id in (built_for, there))
        if ours != theirs:
            raise UsageError(
                f"{name} was built for {ours}, the device is {theirs}",
                remedy=f"build it for {theirs}, or name another device with --device",
            )
    return (yield from _send(session, script, name=name, asked=asked))


def _model_name(target_id: int) -> str:
    """Return the model of a target id, which models have several of, or the id itself."""
    model = by_target_id(target_id)
    return f"target {target_id:#010x}" if model is None else model.name


def _send(
    session: Session, script: Sequence[bytes], *, name: str, asked: Iterable[int], step: str = "installing"
) -> Flow[str]:
    opened = yield from channel(session)
    people = set(asked)
    total, done = sum(len(plain) for plain in script), 0
    for index, plain in enumerate(script):
        gesture = Gesture.ALLOW_INSTALL if index in people else None
        pending = session.start(Relayed.of(opened.channel.command(plain), gesture=gesture))
        if gesture is not None and not pending.poll(GRACE_S):
            yield NeedsUser(gesture=gesture, subject=name)
        if opened.channel.unwrap(pending.result()):
            raise RemoteProtocolError("the device answers its loader with data where there is none")
        done += len(plain)
        yield Progress(step=step, done=done, total=total)
    return name
