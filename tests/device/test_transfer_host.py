"""`tally transfer` and the action behind it, between two whole devices, on good ways and bad ones."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result
from transfer_pair import NONE, SEALED, UNSEALED, certified, status

from tallystick.cli.main import tally
from tallystick.cli.target import Run
from tallystick.crypto.hash import sha256
from tallystick.crypto.secp256k1 import verify_ecdsa_der
from tallystick.errors import TallyError, UsageError, UserRefused
from tallystick.host.actions import transfer
from tallystick.host.actions.step import NeedsUser, Progress, result
from tallystick.host.commands.transfer import KeyState
from tallystick.host.gesture import Gesture
from tallystick.host.session import Session
from tallystick.host.transport.base import Transport
from tallystick.testing.device import VirtualDevice
from tallystick.testing.fault import Fault, FaultTransport

DIGEST = sha256(b"a transaction")


class Named:
    """A way to a device, with an address of its own."""

    def __init__(self, inner: Transport, url: str) -> None:
        self._inner = inner
        self.url = url

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)


class Pair:
    """Two devices, the host's ways to them, and a person who does what is asked."""

    def __init__(self, **arguments: object) -> None:
        self.sender, self.receiver = certified(1), certified(2, **arguments)
        self.gestures: list[Gesture] = []
        self.steps: list[str] = []
        self.refused: Gesture | None = None

    def session(self, device: VirtualDevice, name: str, plan: dict[int, Fault] | None = None) -> Session:
        """Return a session, with faults by the number of the request."""
        way = Named(FaultTransport(device.transport(), plan=plan or {}), f"{name}:")
        return Session(way, clock=device.clock.now_s, pause=device.turn)

    def watch(self, step: Progress | NeedsUser) -> None:
        """Act for the person at the device that waits."""
        if isinstance(step, Progress):
            self.steps.append(step.step)
            return
        self.gestures.append(step.gesture)
        device = self.receiver if step.gesture is Gesture.ALLOW_IMPORT else self.sender
        if step.gesture is self.refused:
            device.user.reject()
        else:
            device.user.approve()

    def make_key(self) -> bytes:
        """Have a key made on the sender."""
        held = result(transfer.create(self.session(self.sender, "sender")))
        assert held.state is KeyState.SEALED
        assert held.public_key is not None
        return held.public_key

    def move(self, *, at_sender: dict[int, Fault] | None = None, at_receiver: dict[int, Fault] | None = None) -> bytes:
        """Move the key; return it as the receiver has it."""
        sessions = self.session(self.sender, "sender", at_sender), self.session(self.receiver, "receiver", at_receiver)
        held = result(transfer.transfer(*sessions), on_step=self.watch)
        assert held.public_key is not None
        return held.public_key

    @property
    def states(self) -> tuple[bytes, bytes]:
        """Return what both have."""
        return status(self.sender), status(self.receiver)


def test_a_key_is_moved_with_a_word_from_both_persons() -> None:
    """Both are asked, each says what about, and the key arrives."""
    pair = Pair()
    key = pair.make_key()
    assert pair.move() == key
    assert pair.gestures == [Gesture.ALLOW_IMPORT, Gesture.ALLOW_EXPORT]
    assert pair.steps == ["introducing", "receiver", "sender", "moving", "moved"]
    assert pair.states == (NONE, SEALED)


@pytest.mark.parametrize("gesture", [Gesture.ALLOW_IMPORT, Gesture.ALLOW_EXPORT])
def test_either_person_can_refuse(gesture: Gesture) -> None:
    """A no at either device moves nothing."""
    pair = Pair()
    pair.make_key()
    pair.refused = gesture
    with pytest.raises(UserRefused):
        pair.move()
    assert pair.states == (SEALED, NONE)


def test_what_cannot_be_moved_is_said_before_anybody_is_asked() -> None:
    """No key, a key at the other end, a key that signed: each has its words."""
    pair = Pair()
    with pytest.raises(UsageError, match="no key on sender:"):
        pair.move()
    pair.make_key()
    result(transfer.create(pair.session(pair.receiver, "receiver")))
    with pytest.raises(UsageError, match="a key on receiver: already"):
        pair.move()
    with pytest.raises(UsageError, match="already"):
        pair.make_key()
    signed = result(transfer.sign(pair.session(pair.sender, "sender"), DIGEST), on_step=pair.watch)
    assert verify_ecdsa_der(signed.public_key, DIGEST, signed.signature)
    with pytest.raises(UsageError, match="stays there for ever"):
        pair.move()
    assert set(pair.gestures) == {Gesture.BREAK_SEAL}
    assert pair.states == (UNSEALED, SEALED)


def test_another_model_is_refused_with_a_remedy_and_the_key_stays() -> None:
    """Its app has another hash, so it is another app: the sender keeps the key and the host says what to do."""
    pair = Pair(model="nanox")
    pair.make_key()
    with pytest.raises(TallyError, match="not one of this owner") as refusal:
        pair.move()
    assert "one model" in refusal.value.remedy
    assert pair.states == (SEALED, NONE)


def moves(side: str, number: int, fault: Fault) -> tuple[Pair, TallyError | None, bool]:
    """Move a key with one fault; return the devices, how it ended, and whether the fault came to pass."""
    pair = Pair()
    key = pair.make_key()
    plan = {number: fault}
    sessions = {
        name: pair.session(getattr(pair, name), name, plan if name == side else None) for name in ("sender", "receiver")
    }
    error: TallyError | None = None
    try:
        held = result(transfer.transfer(sessions["sender"], sessions["receiver"]), on_step=pair.watch)
        assert held.public_key == key
    except TallyError as caught:
        error = caught
    return pair, error, bool(sessions[side]._transport.faults)


@pytest.mark.parametrize("fault", list(Fault))
@pytest.mark.parametrize("side", ["sender", "receiver"])
def test_whatever_goes_wrong_on_the_way_what_is_said_is_true(side: str, fault: Fault) -> None:
    """A fault at each request of either way: moved, still there, or lost, and told as it is; never in two places."""
    ends = set()
    for number in range(20):
        pair, error, happened = moves(side, number, fault)
        states = pair.states
        if error is None:
            assert states == (NONE, SEALED)
        elif isinstance(error, transfer.KeyLost):
            assert states[0] == NONE
            assert states[1] == NONE or "look at both" in error.remedy
        else:
            assert states == (SEALED, NONE), f"{number}: {error}"
        ends.add(type(error))
        pair.sender.close()
        pair.receiver.close()
        if not happened:
            assert error is None
            assert len(ends) > 1 or fault is Fault.DUPLICATE
            return
    pytest.fail("the transfer never comes to an end")


def test_a_blob_that_the_way_changed_is_told_as_lost() -> None:
    """What arrives is another key: nobody takes it for the one that left."""
    pair = Pair()
    pair.make_key()

    class Bent(Named):
        def send(self, apdu: bytes) -> None:
            if apdu[:3] == b"\xe0\x08\x04":
                apdu = apdu[:10] + bytes((apdu[10] ^ 1,)) + apdu[11:]
            self._inner.send(apdu)

    receiver = Session(Bent(pair.receiver.transport(), "receiver:"), pause=pair.receiver.turn)
    with pytest.raises(transfer.KeyLost, match="another key"):
        result(transfer.transfer(pair.session(pair.sender, "sender"), receiver), on_step=pair.watch)
    assert pair.states == (NONE, SEALED)


@pytest.fixture
def invoke() -> Callable[..., Result]:
    """Run `tally` with two devices to be found, at both of which everything is approved."""
    devices = {"one:": certified(1, approve=True), "two:": certified(2, approve=True)}

    def run(*words: str) -> Result:
        def open_transport(address: str | None) -> Named:
            url = address or "one:"
            return Named(devices[url].transport(), url)

        return CliRunner().invoke(tally, list(words), obj=Run(environ={}, open_transport=open_transport))

    return run


def test_the_commands_make_move_and_use_a_key(invoke: Callable[..., Result]) -> None:
    """Create, status, send, receive and sign, with the JSON that scripts rely on."""
    made = json.loads(invoke("transfer", "create", "--json").stdout)
    key, fingerprint = made["public_key"], made["fingerprint"]
    assert made == {
        "schema": "tally.transfer.create/1",
        "device": "one:",
        "key": "sealed",
        "public_key": key,
        "fingerprint": key[2:18],
    }
    sent = invoke("transfer", "send", "--to", "two:")
    assert sent.exit_code == 0, sent.stderr
    assert sent.stdout == f"The key {fingerprint} is on two: now, and no longer on one:.\n"
    empty = json.loads(invoke("transfer", "status", "--json").stdout)
    assert (empty["key"], empty["public_key"], empty["fingerprint"]) == ("none", None, None)
    back = json.loads(invoke("transfer", "receive", "--from", "two:", "--json").stdout)
    assert back == {
        "schema": "tally.transfer.receive/1",
        "sender": "two:",
        "receiver": "one:",
        "public_key": key,
        "fingerprint": fingerprint,
    }
    signed = json.loads(invoke("transfer", "sign", DIGEST.hex(), "--json").stdout)
    assert (signed["schema"], signed["public_key"], signed["verified"]) == ("tally.transfer.sign/1", key, True)
    assert "stays on this device" in invoke("transfer", "status").stdout


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("send", "--to", "two:"), 2, "no key on one:"),
        (("send", "--to", "one:"), 2, "one device"),
        (("send",), 2, "--to"),
        (("sign", "xx"), 2, "not hexadecimal"),
        (("sign", "00"), 2, "32 bytes"),
    ],
)
def test_commands_that_cannot_work_say_why(
    invoke: Callable[..., Result], words: tuple[str, ...], code: int, said: str
) -> None:
    """Usage errors have their exit code and words."""
    answer = invoke("transfer", *words)
    assert answer.exit_code == code
    assert said in answer.stderr


def test_a_device_without_attestation_key_says_who_has_to_act() -> None:
    """6903 is no number to the person: the owner certifies a key."""
    pair = Pair()
    pair.make_key()
    bare = VirtualDevice(deterministic_rng=5, apps=["transfer"], open="transfer")
    with pytest.raises(TallyError, match="no attestation key") as refusal:
        result(transfer.transfer(pair.session(pair.sender, "sender"), pair.session(bare, "bare")))
    assert "certify" in refusal.value.remedy
