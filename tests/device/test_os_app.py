"""Apps under the OS: what they may derive, what every system call answers, and what becomes of those that misbehave."""

from __future__ import annotations

import logging
from collections.abc import Callable

import coincurve
import pytest
from os_stage import app, ask, open_name
from signing_request import GET_ADDRESS, begin_signing, judge, signing_apdus

from tallystick.errors import UsageError
from tallystick.testing.device import VirtualDevice
from tallystick.wire.dashboard import Ins
from tallystick.wire.syscall import CallStatus

H = 0x8000_0000
# raw: CLA, number of the curve, count, levels; answers status u8 (0 ok) and the value
DERIVE = """
curve = [Curve.SECP256K1, Curve.SECP256R1, Curve.ED25519][raw[1]]
path = [int.from_bytes(raw[at:at + 4], "big") for at in range(4, len(raw), 4)]
try:
    key = await self.os.public_key(curve, path)
    signature = await self.os.sign(curve, path, bytes(32))
except SyscallError as error:
    return bytes([error.status])
return bytes([0, len(key)]) + key + signature
"""
CURVES = {"secp256k1": 0, "secp256r1": 1, "ed25519": 2}


def derive(device: VirtualDevice, curve: str, *path: int) -> bytes:
    """Ask the open app for a key and a signature; return its status and what it got."""
    levels = b"".join(level.to_bytes(4, "big") for level in path)
    return device.exchange(bytes([0x80, CURVES[curve], 0, 0]) + levels).data


def outcome(device_factory: Callable[..., VirtualDevice], expression: str, **manifest: object) -> bytes:
    """Return the status of one system call made by an app, and repr of its value."""
    handle = f"""
try:
    value = await {expression}
except SyscallError as error:
    return bytes([error.status])
return b"\\x00" + repr(value).encode()
"""
    return device_factory(apps=[app(handle, **manifest)], open="Probe").exchange("80000000").data


PATHS = [
    ("44'/118'", (44 | H, 118 | H), True),
    ("44'/118'", (44 | H, 118 | H, H, 0, 0), True),
    ("44'/118'", (44 | H, 118 | H, *range(8)), True),
    ("44'/118'", (44 | H, 118), False),
    ("44'/118'", (44, 118 | H), False),
    ("44'/118'", (44 | H,), False),
    ("44'/118'", (), False),
    ("44'/118'", (44 | H, 60 | H), False),
    ("44'/118'", (0, 44 | H, 118 | H), False),
    ("m", (), True),
    ("m", (7,), True),
]


@pytest.mark.parametrize(("prefix", "path", "allowed"), PATHS)
def test_paths_of_the_manifest_are_prefixes(
    device_factory: Callable[..., VirtualDevice], prefix: str, path: tuple[int, ...], allowed: bool
) -> None:
    """An app derives at and below its prefixes, and nowhere else."""
    device = device_factory(apps=[app(DERIVE, curves=["secp256k1"], paths=[prefix])], open="Probe")
    answer = derive(device, "secp256k1", *path)
    assert answer[0] == (CallStatus.OK if allowed else CallStatus.NOT_PERMITTED)
    assert (len(answer) > 1) is allowed


@pytest.mark.parametrize("named", sorted(CURVES))
@pytest.mark.parametrize("used", sorted(CURVES))
def test_curves_of_the_manifest_are_the_only_ones(
    device_factory: Callable[..., VirtualDevice], named: str, used: str
) -> None:
    """An app that names one curve gets keys on that one, of the right form, and on no other."""
    device = device_factory(apps=[app(DERIVE, curves=[named], paths=["44'/118'"])], open="Probe")
    answer = derive(device, used, 44 | H, 118 | H, H)
    if named != used:
        assert answer == bytes([CallStatus.NOT_PERMITTED])
    else:
        assert answer[0] == 0
        assert answer[1] == (32 if used == "ed25519" else 65)


def test_manifest_without_paths_permits_no_derivation(device_factory: Callable[..., VirtualDevice]) -> None:
    """Curves alone open nothing."""
    device = device_factory(apps=[app(DERIVE, curves=["secp256k1"])], open="Probe")
    assert derive(device, "secp256k1", 44 | H) == bytes([CallStatus.NOT_PERMITTED])


def test_path_that_does_not_exist_on_its_curve_is_a_bad_argument(device_factory: Callable[..., VirtualDevice]) -> None:
    """Ed25519 has hardened levels alone (SLIP-10); more than ten levels there are nowhere."""
    device = device_factory(apps=[app(DERIVE, curves=["ed25519", "secp256k1"], paths=["44'"])], open="Probe")
    assert derive(device, "ed25519", 44 | H, 0) == bytes([CallStatus.BAD_ARGUMENT])
    assert derive(device, "secp256k1", 44 | H, *range(10)) == bytes([CallStatus.BAD_ARGUMENT])


def test_signature_is_by_the_key_that_was_given(device_factory: Callable[..., VirtualDevice]) -> None:
    """An independent library verifies the signature with the public key."""
    device = device_factory(apps=[app(DERIVE, curves=["secp256k1"], paths=["44'"])], open="Probe")
    answer = derive(device, "secp256k1", 44 | H)
    key, signature = answer[2:67], answer[67:]
    assert coincurve.PublicKey(key).verify(signature, bytes(32), hasher=None)


# (call, its status, what is in its value)
CALLS = [
    ("self.os.sign(Curve.SECP256K1, (2147483692,), bytes(31))", CallStatus.BAD_ARGUMENT, ""),
    ("self.os.sign(Curve.SECP256R1, (2147483692,), bytes(33))", CallStatus.BAD_ARGUMENT, ""),
    ("self.os.sign(Curve.ED25519, (2147483692,), bytes(1000))", CallStatus.OK, "b"),
    ("self.os.random(1)", CallStatus.OK, "b"),
    ("self.os.random(1024)", CallStatus.OK, "b"),
    ("self.os.random(1025)", CallStatus.BAD_ARGUMENT, ""),
    ("self.os.random(0)", CallStatus.BAD_ARGUMENT, ""),
    ("self.os.random(-1)", CallStatus.BAD_ARGUMENT, ""),
    ("self.os.setting('expert')", CallStatus.OK, "False"),
    ("self.os.setting('other')", CallStatus.NOT_PERMITTED, ""),
    ("self.os.set_setting('other', True)", CallStatus.NOT_PERMITTED, ""),
    ("self.os.set_setting('expert', True)", CallStatus.OK, "None"),
    ("self.os.read('none')", CallStatus.OK, "None"),
    ("self.os.read('')", CallStatus.BAD_ARGUMENT, ""),
    ("self.os.read('x' * 33)", CallStatus.BAD_ARGUMENT, ""),
    ("self.os.read('../vault')", CallStatus.OK, "None"),
    ("self.os.write('x' * 32, bytes(16384))", CallStatus.OK, "None"),
    ("self.os.write('x', bytes(16385))", CallStatus.BAD_ARGUMENT, ""),
    ("self.os.write('\\n', b'')", CallStatus.BAD_ARGUMENT, ""),
    ("self.os.write('x', None)", CallStatus.OK, "None"),
    ("self.os.log('hello')", CallStatus.OK, "None"),
    ("self.os.ask(PinEntry(title='PIN'))", CallStatus.BAD_ARGUMENT, ""),
    ("self.os.ask(WordList(title='Words', words=('a',)))", CallStatus.BAD_ARGUMENT, ""),
    ("self.os.ask(WordEntry(title='Word', candidates=('abc',)))", CallStatus.BAD_ARGUMENT, ""),
    ("self.os.ask(Choice(lines=(), options=()))", CallStatus.BAD_ARGUMENT, ""),
    ("self.os.ask(Notice(lines=('x' * 70000,)))", CallStatus.BAD_ARGUMENT, ""),
    ("self.os.ask(Review(items=7))", CallStatus.BAD_ARGUMENT, ""),
    ("self.os.ask('rubbish')", CallStatus.BAD_ARGUMENT, ""),
    ("self.os.ask(Progress(text='busy', percent=50))", CallStatus.OK, "None"),
    ("self.os.idle(Menu(title='x', entries=(Entry('x'),) * 300))", CallStatus.BAD_ARGUMENT, ""),
    ("self.os.idle('rubbish')", CallStatus.BAD_ARGUMENT, ""),
]


@pytest.mark.parametrize(("expression", "expected", "value"), CALLS)
def test_system_call_ends_as_the_table_says(
    device_factory: Callable[..., VirtualDevice], expression: str, expected: CallStatus, value: str
) -> None:
    """Each system call has its status, whatever an app gives it."""
    answer = outcome(
        device_factory,
        expression,
        curves=["secp256k1", "secp256r1", "ed25519"],
        paths=["44'"],
        settings=[{"name": "expert", "label": "Expert"}],
    )
    assert CallStatus(answer[0]) is expected
    assert value in answer[1:].decode()


def test_storage_of_an_app_has_an_end(device_factory: Callable[..., VirtualDevice]) -> None:
    """Beyond 256 KiB, empty records counted too, an app gets NO_SPACE; it can still replace and remove what it has."""
    handle = """
count = 0
try:
    while count < 100000:
        await self.os.write(f"r{count}", bytes(raw[1] * 64))
        count += 1
except SyscallError as error:
    await self.os.write("r0", bytes(raw[1] * 64))
    await self.os.write("r1", None)
    await self.os.write("new", bytes(raw[1] * 64))
    return bytes([error.status]) + count.to_bytes(4, "big")
"""
    device = device_factory(apps=[app(handle)], open="Probe")
    answer = device.exchange("80ff0000").data
    assert answer[0] == CallStatus.NO_SPACE
    assert int.from_bytes(answer[1:], "big") == 256 * 1024 // (255 * 64 + 64)
    device.install(app(handle))
    device.open("Probe")
    assert int.from_bytes(device.exchange("80000000").data[1:], "big") == 4096


def test_records_of_one_app_are_not_those_of_another(device_factory: Callable[..., VirtualDevice]) -> None:
    """Two apps that name a record alike have a record each."""
    handle = "if raw[1]:\n    await self.os.write('r', raw[4:])\nreturn await self.os.read('r') or b''"
    device = device_factory(apps=[app(handle, name=name) for name in ("One", "Two")], open="One")
    assert device.exchange(b"\x80\x01\x00\x00mine").data == b"mine"
    device.open("Two")
    assert device.exchange("80000000").data == b""


def test_log_of_an_app_is_one_printable_line_and_not_many(
    device_factory: Callable[..., VirtualDevice], caplog: pytest.LogCaptureFixture
) -> None:
    """Control characters are replaced, long texts cut, and more than fifty lines a second dropped."""
    caplog.set_level(logging.INFO)
    device = device_factory(
        apps=[app("for n in range(80):\n    await self.os.log('\\x1b[2J\\n' + 'x' * 999)\nreturn b''")]
    )
    device.open("Probe")
    assert device.exchange("80000000").ok
    lines = [record.getMessage() for record in caplog.records if "Probe" in record.getMessage()]
    assert len(lines) == 50
    assert all(line.isprintable() and len(line) < 300 for line in lines)


CRASHES = {
    "at import": "raise ValueError('x')",
    "at import by exit": "raise SystemExit(3)",
    "without entry": "nothing = 1",
    "not Python": "def (",
    "at start": "def start(info):\n    raise KeyError('x')",
    "no program": "def start(info):\n    return 5",
    "at once": "async def start(info):\n    raise RuntimeError('x')",
    "ended": "async def start(info):\n    return",
}


@pytest.mark.parametrize("source", CRASHES.values(), ids=CRASHES.keys())
def test_app_that_does_not_start_leaves_the_dashboard(
    device_factory: Callable[..., VirtualDevice], source: str
) -> None:
    """Opening such an app ends on the dashboard, with a notice, and the device serves on."""
    device = device_factory(apps=[app(source=source), "cosmos"])
    pending = ask(device, Ins.OPEN_APP, data=b"Probe")
    device.user.approve()
    assert pending.response.ok
    assert open_name(device) == "BOLOS"
    if device.frame.scene == "notice":
        assert "stopped working" in device.screen
        device.user.dismiss()
    assert device.status["app"] is None
    device.open("Cosmos")
    assert device.exchange(GET_ADDRESS).ok


MISDEEDS = {
    "crash": "return 1 // 0",
    "exit": "from tallystick.wire.syscall import Exit\nfrom types import coroutine\n"
    "@coroutine\ndef leave():\n    yield Exit()\nawait leave()",
    "flood": "while True:\n    await self.os.random(1)",
    "flood of progress": "while True:\n    await self.os.ask(Progress(text='busy'))",
    "rubbish": "from types import coroutine\n@coroutine\ndef say():\n    yield 'rubbish'\nawait say()",
    "answer of 64 KiB": "return bytes(65534)",
    "answer that is no bytes": "return 'text'",
    "status that is none": "await self.os.exchange(Response(b'', 0x10000))",
    "low status": "await self.os.exchange(Response(b'', 0x3000))",
    "answer of no type": "await self.os.exchange(Response(7, 0x9000))",
}


@pytest.mark.parametrize("handle", MISDEEDS.values(), ids=MISDEEDS.keys())
def test_app_that_misbehaves_is_ended_and_owes_6f00(device_factory: Callable[..., VirtualDevice], handle: str) -> None:
    """The APDU it was working on is answered 6F00, the dashboard returns, and another app opens."""
    device = device_factory(apps=[app(handle), "cosmos"], open="Probe")
    answer = device.exchange("8000000000")
    assert (answer.status, answer.data) == (0x6F00, b"")
    assert open_name(device) == "BOLOS"
    if device.frame.scene == "notice":
        device.user.dismiss()
    device.open("Cosmos")
    assert device.exchange(GET_ADDRESS).ok


def test_app_that_exits_leaves_without_a_notice(device_factory: Callable[..., VirtualDevice]) -> None:
    """An app that ends itself did nothing wrong."""
    device = device_factory(apps=[app(MISDEEDS["exit"])], open="Probe")
    assert device.exchange("8000000000").status == 0x6F00
    assert device.frame.scene == "menu"


def test_exception_of_an_app_tells_nothing_but_its_type(
    device_factory: Callable[..., VirtualDevice], caplog: pytest.LogCaptureFixture
) -> None:
    """What an app raises may hold data; the log has its class alone."""
    caplog.set_level(logging.DEBUG)
    device = device_factory(apps=[app("raise ValueError('the secret of the app')")], open="Probe")
    assert device.exchange("8000000000").status == 0x6F00
    assert "ValueError" in caplog.text
    assert "the secret" not in caplog.text


def test_answer_to_nothing_is_dropped(device_factory: Callable[..., VirtualDevice]) -> None:
    """An app that answers although it owes nothing does not answer the next APDU with it."""
    source = """
from tallystick.wire.syscall import Exchange, Response
from types import coroutine
@coroutine
def say(response):
    outcome = yield Exchange(response)
    return outcome.value
async def run():
    event = await say(Response(b"nobody asked", 0x9000))
    while True:
        event = await say(Response(getattr(event, "raw", b"twice"), 0x9000))
def start(info):
    return run()
"""
    device = device_factory(apps=[app(source=source)])
    device.open("Probe")
    for number in range(3):
        assert device.exchange(bytes([0x80, number, 0, 0])).data == bytes([0x80, number, 0, 0])


MENU = """
from tallystick.app import App, start_with
from tallystick.wire.screen import *
class Probe(App):
    chosen = b""
    async def menu(self):
        return Menu(title="Probe", entries=(Entry("One"), Entry("Two"), Entry("Quit")))
    async def selected(self, index):
        self.chosen += bytes([index])
        if index == 1:
            await self.os.ask(Notice(lines=("Two",)))
    async def handle(self, raw):
        return self.chosen
    def reset(self):
        self.chosen += b"r"
start = start_with(Probe)
"""


def test_menu_of_an_app_reaches_it_and_its_last_entry_quits(device_factory: Callable[..., VirtualDevice]) -> None:
    """Choices come as events with their index; Quit is the OS's."""
    device = device_factory(apps=[app(source=MENU)], open="Probe")
    device.user.choose("One")
    device.user.choose("Two")
    device.user.dismiss()
    assert device.exchange("80000000").data == b"\x00\x01"
    device.user.choose("Quit")
    assert open_name(device) == "BOLOS"


def test_apdu_waits_while_the_app_asks_for_itself(device_factory: Callable[..., VirtualDevice]) -> None:
    """An app in the middle of its own menu answers once that is over; other clients wait in turn."""
    device = device_factory(apps=[app(source=MENU)], open="Probe")
    device.user.choose("Two")
    one, two = device.client().send("80000000"), device.client().send("B001000000")
    assert not one.done
    assert not two.done
    device.user.dismiss()
    assert one.response.data.endswith(b"\x01")
    assert two.response.ok


def test_many_clients_that_leave_are_told_once(device_factory: Callable[..., VirtualDevice]) -> None:
    """While an app asks for itself, leaving clients do not pile up in its queue."""
    device = device_factory(apps=[app(source=MENU)], open="Probe")
    device.exchange("80000000")
    device.user.choose("Two")
    for _ in range(50):
        client = device.client()
        client.send("80000000")
        client.close()
    run = device.board.system.supervisor._run
    assert run is not None
    assert len(run.events) <= 1
    device.user.dismiss()
    assert device.exchange("80000000").ok


@pytest.mark.models("all")
@pytest.mark.device(open="Cosmos")
def test_client_that_dies_in_a_review_frees_the_device(device: VirtualDevice) -> None:
    """The screen returns to the app's menu, and the next client's transaction is reviewed and signed."""
    screen = device.screen
    dying = device.client()
    *parts, last = signing_apdus()
    for part in parts:
        assert dying.exchange(part).ok
    dying.send(last)
    assert device.frame.scene == "review"
    device.user.next()
    dying.close()
    assert device.screen == screen
    pending = begin_signing(device)
    device.user.approve()
    judge(pending.response.data)


@pytest.mark.device(open="Cosmos")
def test_client_that_dies_between_parts_leaves_the_app_ready(device: VirtualDevice) -> None:
    """Half a request of a client that left does not stand in the way of one that was there all the time."""
    other, dying = device.client(), device.client()
    assert open_name(other) == "Cosmos"
    assert dying.exchange(signing_apdus()[0]).ok
    assert other.exchange(signing_apdus()[0]).status == 0x6986
    assert open_name(other) == "Cosmos"
    dying.close()
    for part in signing_apdus()[:-1]:
        assert other.exchange(part).ok


@pytest.mark.device(open="Cosmos")
def test_client_that_leaves_does_not_disturb_another_in_the_middle(device: VirtualDevice) -> None:
    """A client that only asked for an address and went away costs another one nothing."""
    visitor, signer = device.client(), device.client()
    assert visitor.exchange(GET_ADDRESS).ok
    *parts, last = signing_apdus()
    for part in parts:
        assert signer.exchange(part).ok
        visitor.close()
    pending = signer.send(last)
    visitor.close()
    device.user.approve()
    judge(pending.response.data)


@pytest.mark.device(open="Cosmos")
def test_client_that_leaves_while_another_is_served_is_cleaned_up_after(device: VirtualDevice) -> None:
    """What a client had begun is forgotten once the request of another that came between is answered."""
    starter, asker = device.client(), device.client()
    assert starter.exchange(signing_apdus()[0]).ok
    assert asker.send(GET_ADDRESS).response.status == 0x6986
    starter.close()
    assert asker.send(GET_ADDRESS).response.ok


def test_opening_another_app_ends_the_first(device_factory: Callable[..., VirtualDevice]) -> None:
    """Only one app runs at a time."""
    device = device_factory(apps=[app(name="One"), app(name="Two")], open="One")
    device.open("Two")
    assert open_name(device) == "Two"
    with pytest.raises(UsageError):
        device.open("Three")


ORPHAN = """
from tallystick.app import App, start_with
from tallystick.wire.screen import *
from tallystick.wire.status import Reject, StatusWord
class Probe(App):
    begun = 0
    async def handle(self, raw):
        if raw[1] == 1:
            self.begun += 1
            return b""
        if raw[1] == 2:
            approved = await self.os.review(Review(items=(Item("A", ("b",)),)))
            if not raw[2]:
                raise Reject(StatusWord.COMMAND_NOT_ALLOWED)
        return bytes([self.begun])
    def reset(self):
        self.begun = 0
start = start_with(Probe)
"""


@pytest.mark.parametrize(("accepted", "left"), [(0, 0), (1, 1)])
def test_client_that_leaves_during_anothers_review_is_cleaned_up_after_it(
    device_factory: Callable[..., VirtualDevice], accepted: int, left: int
) -> None:
    """The review is not disturbed; what was begun is forgotten after it, unless the app took the other's request up."""
    device = device_factory(apps=[app(source=ORPHAN)], open="Probe")
    starter, reviewer = device.client(), device.client()
    assert starter.exchange("80010000").ok
    pending = reviewer.send(bytes([0x80, 2, accepted, 0]))
    starter.close()
    assert device.frame.scene == "review"
    device.user.approve()
    assert pending.response.status == (0x9000 if accepted else 0x6986)
    assert reviewer.exchange("80000000").data == bytes([left])
