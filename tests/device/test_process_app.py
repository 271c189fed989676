"""Apps in real processes: as good as inline when they behave, and no harm to the device when they do not."""

import contextlib
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from process_stage import HEAD, Client, demo, handler, is_running, no_stray_process, proc, stages, wait_for_end

from tallystick import apps
from tallystick.app.inline import InlineHost
from tallystick.app.process import OFFERED
from tallystick.device.sandbox.error_pipe import LIMIT
from tallystick.device.sandbox.program import Programs
from tallystick.wire.bundle import Bundle
from tallystick.wire.panel import Role
from tallystick.wire.path import Bip32Path

GET_ADDRESS = bytes.fromhex("550400001b06") + b"cosmos" + Bip32Path.parse("44'/118'/0'/0/0").to_words()
#: any APDU that is the app's business
APDU = "80010000"
CRASHED = b"\x6f\x00"


@pytest.fixture(autouse=True)
def _no_stray_process():
    """Whatever a test does to its apps, no child of ours is left, dead or alive."""
    with no_stray_process():
        yield


@pytest.fixture
def stage():
    """Return a maker of stages that are closed at the end."""
    with stages() as make:
        yield make


async def test_cosmos_answers_as_it_does_inline(stage):
    """The same bundle gives the same bytes in a process of its own and inside the device."""
    device = stage(apps.bundle("cosmos"))
    inline = stage(apps.bundle("cosmos"), open_app=False)
    inline.board.system.supervisor._host = InlineHost()
    inline.open("Cosmos")
    for apdu in (bytes.fromhex("5500000000"), GET_ADDRESS, bytes.fromhex("5599000000"), b"\x55"):
        assert await device.client.exchange(apdu) == await inline.client.exchange(apdu)
    assert (await device.client.exchange(GET_ADDRESS))[33:-2] == b"cosmos15yk64u7zc9g9k2yr2wmzeva5qgwxps6yxj00e7"
    assert not inline.host.launched


async def test_a_review_in_a_process_waits_for_the_person(stage):
    """An app that asks is suspended until the screen is answered, and then gets the answer."""
    device = stage(handler("ok = await self.os.review(Review(items=(Item('T', ('v',)),)))\nreturn bytes((ok,))"))
    device.client.send(APDU)
    await device.until(lambda: device.board.frame.scene == "review")
    assert device.client.answers == []
    for _ in range(10):
        if device.board.frame.action(Role.APPROVE) is not None:
            break
        device.do(Role.NEXT)
    device.do(Role.APPROVE)
    await device.until(lambda: device.client.answers)
    assert device.client.answers == [b"\x01\x90\x00"]


#: what an app can do to its own process, by name: the statements of its handler
MISDEEDS = {
    "raises": "raise ValueError(5)",
    "exits": "sys.exit(0)",
    "ends at once": "os._exit(3)",
    "kills itself": "os.kill(os.getpid(), 11)",
    "exhausts its stack": "f = lambda f: f(f)\nf(f)",
    "takes all memory": "hold = [bytearray(1 << 20) for _ in iter(int, 1)]",
    "takes all memory at once": "hold = bytearray(1 << 31)",
    "closes everything": "close_all()\nos._exit(0)",
    "hangs up and stays": "close_all()\nwhile True: time.sleep(60)",
    "says nonsense": "peer = link()\npeer.send(b'\\xff')\nwhile True: time.sleep(60)",
    "says nothing loudly": "peer = link()\npeer.send(b'')\nwhile True: time.sleep(60)",
    "says too much": "peer = link()\npeer.send(bytes(MAX_MESSAGE + 1))\nwhile True: time.sleep(60)",
    "cuts its words": "peer = link()\npeer.send(b'\\x20\\x01\\x05\\x00')\nwhile True: time.sleep(60)",
    "asks for what only the OS may ask": "peer = link()\npeer.send(b'\\x10\\x06\\x00\\x01P')\ntime.sleep(60)",
    "speaks while it is spoken for": (
        "peer = link()\n"
        "ask = Ask(Review(items=(Item('T', ('v',)),))).to_bytes()\n"
        "peer.send(ask)\npeer.send(ask)\nwhile True: time.sleep(60)"
    ),
    "floods": ("peer = link()\nwhile True: peer.send(Random(1).to_bytes())"),
    "calls without end": "while True: await self.os.random(1)",
    "yields what is no call": "await __import__('types').coroutine(lambda: (yield 5))()",
    "starts a process": "os.execv('/bin/true', ['/bin/true'])",
}
#: what an app can do behind the lock to reach past its SDK: its link by number, and the end of all descriptors
LINK = """\
def link():
    return socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET, 0, fileno=int(sys.argv[-2]))
def close_all():
    for number in range(64):
        try: os.close(number)
        except OSError: pass
"""


def misbehaving(body):
    """Return a bundle whose handler does `body`."""
    lines = "".join(f"        {line}\n" for line in body.splitlines())
    return demo(f"{LINK}class Demo(App):\n    async def handle(self, raw):\n{lines}start = start_with(Demo)\n")


@pytest.mark.parametrize("misdeed", MISDEEDS)
async def test_an_app_that_misbehaves_ends_alone(stage, misdeed):
    """Its APDU is answered 6F00, the person is told, the dashboard is back, the next app runs, and no process is left."""
    device = stage(misbehaving(MISDEEDS[misdeed]), apps.bundle("cosmos"))
    await device.ready()
    pid = device.pid
    assert await device.client.exchange(APDU) == CRASHED
    await device.gone()
    assert proc(pid, "stat") is None
    assert any("stopped working" in line for line in device.screen)
    assert (await device.client.exchange("b001000000")).startswith(b"\x01\x05BOLOS")
    device.open("Cosmos")
    assert (await device.client.exchange(GET_ADDRESS)).endswith(b"\x90\x00")


@pytest.mark.parametrize(
    "source",
    [
        "import nothing_of_this_name\n",
        "raise SystemExit(0)\n",
        "1 / 0\n",
        "start = 5\n",
        "def start(device): return 5\n",
        "def start(device): raise ValueError\n",
        "def begin(device): pass\n",
        "async def start(device): pass\n",
        "start = start_with(App",
    ],
    ids=lambda source: source.strip()[:30],
)
async def test_an_app_that_does_not_start_is_gone_again(stage, source):
    """Broken imports, entries and programs leave the dashboard; an APDU meant for it is answered, not lost."""
    device = stage(demo(source))
    answer = await device.client.exchange(APDU)
    assert len(answer) == 2
    await device.gone()
    assert (await device.client.exchange("b001000000")).startswith(b"\x01\x05BOLOS")


async def test_a_program_that_returns_ends_without_complaint(stage):
    """An app may end by itself: the dashboard returns and nobody is told that something broke."""
    device = stage(demo("async def start(device): pass\n"))
    await device.gone()
    assert not any("stopped working" in line for line in device.screen)


async def test_a_loop_without_end_is_found_by_the_watchdog(stage):
    """An app that computes for ten seconds of the device's clock is ended, and not a moment earlier."""
    device = stage(handler("while True: pass"))
    await device.ready()
    device.client.send(APDU)
    pid = device.pid
    device.turn(9.9)
    assert (device.app, device.client.answers) == ("Demo", [])
    assert is_running(pid)
    device.turn(0.2)
    assert (device.app, device.client.answers) == (None, [CRASHED])
    assert proc(pid, "stat") is None


async def test_an_app_that_never_starts_is_found_by_the_watchdog(stage):
    """The clock runs from the launch on: an app that hangs while it is imported is ended too."""
    device = stage(demo("while True: pass\n"))
    device.client.send(APDU)
    device.turn(10.1)
    assert (device.app, device.client.answers) == (None, [CRASHED])


async def test_a_review_is_no_hang(stage):
    """An app that waits for the person is not computing: it may wait for hours."""
    device = stage(handler("await self.os.review(Review(items=(Item('T', ('v',)),)))"))
    device.client.send(APDU)
    await device.until(lambda: device.board.frame.scene == "review")
    device.turn(60)
    assert device.app == "Demo"


#: what no app may do, and what an app that does it is told to have done
BREAKOUTS = {
    "forks": "os.fork()",
    "starts a program": "os.execv('/bin/true', ['/bin/true'])",
    "looks at a file": "os.stat('/etc/passwd')",
    "lists a folder": "os.listdir('/')",
    "makes a socket": "socket.socket()",
    "signals its parent": "os.kill(os.getppid(), 0)",
    "makes a thread": "import _thread\n_thread.start_new_thread(time.sleep, (1,))",
    "copies its link": "os.dup(int(sys.argv[-2]))",
    "makes a pipe": "os.pipe()",
}


@pytest.mark.parametrize("breakout", BREAKOUTS)
async def test_an_app_that_tries_to_get_out_dies_of_it(stage, caplog, breakout):
    """The first call that is not an app's ends the process, the APDU is answered 6F00, and the log says why."""
    device = stage(misbehaving(BREAKOUTS[breakout]))
    await device.ready()
    with caplog.at_level("WARNING"):
        assert await device.client.exchange(APDU) == CRASHED
        await device.gone()
    assert "made a system call that no app may make" in caplog.text


@pytest.mark.parametrize("module", OFFERED)
async def test_what_is_offered_can_be_imported(stage, module):
    """A module of the list is there for the app that names it, wherever in its source it does."""
    device = stage(misbehaving(f"import {module}\nreturn {module}.__name__.encode()"))
    assert await device.client.exchange(APDU) == module.encode() + b"\x90\x00"


async def test_what_the_documentation_promises_can_be_imported(stage):
    """Beside the offered ones there are the modules that the SDK needs itself, and numbers, text and dates work."""
    names = (
        "dataclasses, enum, functools, hashlib, hmac, io, itertools, json, re, struct, typing, collections, operator"
    )
    body = f"""\
        import {names}, datetime, decimal
        datetime.datetime(2026, 1, 1).strftime("%Y-%m-%d")
        hashlib.sha512(b""), hashlib.blake2b(b""), hmac.new(b"k", b"m", "sha256")
        return str(decimal.Decimal("1.10") + 1).encode() + json.dumps({{"a": 1}}).encode()"""
    device = stage(misbehaving(textwrap.dedent(body)))
    assert await device.client.exchange(APDU) == b'2.10{"a": 1}\x90\x00'


async def test_what_is_not_offered_cannot_be_imported(stage):
    """Modules that are not loaded and not on the list do not exist for an app, and it lives to hear of it."""
    body = "try:\n    import wave\nexcept ImportError:\n    return b'no'"
    device = stage(misbehaving(body))
    assert await device.client.exchange(APDU) == b"no\x90\x00"


async def test_an_app_that_is_not_locked_is_not_heard(stage, monkeypatch):
    """A process that the kernel calls unlocked ends before its first word is read, whatever it says about itself."""
    body = textwrap.dedent(
        """
        import sys
        from tallystick.device.sandbox import entry
        sys.exit(entry.prepare(sys.argv[3], sys.argv[4:])())
        """
    )
    device = stage(apps.bundle("cosmos"), open_app=False)
    device.host.programs = Programs(prefix=(sys.executable, "-I", "-c", body))
    device.open("Cosmos")
    device.client.send(GET_ADDRESS)
    await device.gone()
    assert device.client.answers == [CRASHED]


async def test_what_an_app_says_on_standard_error_is_passed_on_within_bounds(stage, capfd):
    """Ten megabytes of complaints cost neither the app its life nor the log its room."""
    device = stage(handler("for _ in range(10000): sys.stderr.write('x' * 1000)"), open_app=False)
    device.host.stderr = 2
    device.open("Demo")
    assert await device.client.exchange(APDU) == bytes.fromhex("800100009000")
    device.board.power_off()
    said = capfd.readouterr().err
    assert said.count("x") >= LIMIT - 100
    assert len(said) < LIMIT + 1000
    assert "dropped" in said


async def test_a_process_has_nothing_but_its_link(stage):
    """No environment, no descriptor beside null devices and the link, no way to more rights, no core."""
    device = stage(handler("return b'alive'"))
    await device.ready()
    assert await device.client.exchange(APDU) == b"alive\x90\x00"
    pid = device.pid
    try:
        assert proc(pid, "environ") == b""
        links = {int(fd.name): str(fd.readlink()) for fd in Path(f"/proc/{pid}/fd").iterdir()}
    except PermissionError:
        assert os.getuid()  # even its parent may not look inside, unless it is the superuser
    else:
        assert {number: links[number] for number in (0, 1, 2)} == dict.fromkeys((0, 1, 2), "/dev/null")
        assert [link.partition(":")[0] for number, link in sorted(links.items()) if number > 2] == ["socket"]
    assert b"NoNewPrivs:\t1" in proc(pid, "status")
    assert b"Seccomp:\t2" in proc(pid, "status")
    limits = {line[:26].strip(): line[26:].split()[:2] for line in proc(pid, "limits").decode().splitlines()}
    assert limits["Max core file size"] == ["0", "0"]
    assert limits["Max processes"] == ["0", "0"]
    assert limits["Max open files"] == ["0", "0"]
    assert limits["Max file size"] == ["0", "0"]
    assert limits["Max address space"] == [str(512 << 20)] * 2


async def test_secrets_are_not_told_to_the_process(stage):
    """Neither arguments nor environment of an app hold a word of the phrase."""
    device = stage(handler("return b''"))
    await device.ready()
    told = proc(device.pid, "cmdline")
    assert b"tallystick.app.process" in told
    with contextlib.suppress(PermissionError):  # where nobody but the superuser may ask, nobody is told either
        told += proc(device.pid, "environ")
    assert b"junk" not in told


async def test_a_dead_client_frees_a_busy_app_for_the_next(stage):
    """When the client of a review goes, the screen returns and the next client is served by the same process."""
    device = stage(handler("if raw[1] == 1: await self.os.review(Review(items=(Item('T', ('v',)),)))"))
    await device.ready()
    pid = device.pid
    first, second = Client(device), Client(device)
    first.send(APDU)
    await device.until(lambda: device.board.frame.scene == "review")
    second.send("80020000")
    first.leave()
    await device.until(lambda: second.answers)
    assert second.answers == [bytes.fromhex("800200009000")]
    assert (first.answers, device.pid, device.board.frame.scene) == ([], pid, "menu")


async def test_pulling_the_plug_ends_the_app_and_the_device_comes_back(stage):
    """A replug in the middle of a computation leaves no process and no stuck request."""
    device = stage(handler("while True: time.sleep(60)"), apps.bundle("cosmos"))
    await device.ready()
    device.client.send(APDU)
    pid = device.pid
    device.board.replug()
    assert device.client.closed
    assert proc(pid, "stat") is None
    fresh = Client(device)
    assert (await fresh.exchange("b001000000")).startswith(b"\x01\x05BOLOS")
    device.open("Cosmos")
    assert (await fresh.exchange(GET_ADDRESS)).endswith(b"\x90\x00")


async def test_ten_apps_in_a_row_leave_nothing(stage):
    """Opening in place of the open app ends the one before, however far it had come."""
    device = stage(apps.bundle("cosmos"), handler("return raw"), open_app=False)
    for number in range(10):
        device.open(("Cosmos", "Demo")[number % 2])
    assert [app._process.returncode is None for app in device.host.launched] == [False] * 9 + [True]
    assert await device.client.exchange(APDU) == bytes.fromhex("800100009000")


async def test_an_app_that_cannot_be_started_is_told_as_ended(stage, monkeypatch):
    """When the machine has no process to spare, the dashboard is back at once and the device lives."""
    device = stage(handler("return raw"), open_app=False)

    def refuse(*_args, **_kwargs):
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    device.open("Demo")
    assert device.app is None
    assert any("stopped working" in line for line in device.screen)
    assert (await device.client.exchange("b001000000")).startswith(b"\x01\x05BOLOS")


def test_an_app_dies_with_its_parent(tmp_path):
    """SIGKILL of the device, which it cannot answer, takes a hanging app with it."""
    script = tmp_path / "device.py"
    script.write_text(
        textwrap.dedent(
            f"""
            import asyncio, sys
            sys.path.insert(0, {str(Path(__file__).parent)!r})
            from process_stage import Stage, demo, proc
            async def main():
                stage = Stage(demo("while True: pass\\n"))
                while b"Seccomp:\\t2" not in proc(stage.pid, "status"):
                    await asyncio.sleep(0)
                print(stage.pid, flush=True)
                await asyncio.Event().wait()
            asyncio.run(main())
            """
        )
    )
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE) as parent:
        pid = int(parent.stdout.readline())
        assert is_running(pid)
        parent.send_signal(signal.SIGKILL)
    wait_for_end(pid)


def test_the_head_of_the_apps_here_is_what_they_say():
    """The sources of these apps compile as they stand: what fails in a test is what the test is about."""
    for body in MISDEEDS.values():
        Bundle.from_bytes(misbehaving(body).raw)
        compile(misbehaving(body).modules["app.py"], "app.py", "exec")
    assert HEAD in misbehaving("return raw").modules["app.py"]
