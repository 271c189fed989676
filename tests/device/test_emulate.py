"""`tally emulate` as a suite for Speculos starts it: its flags, its ports, its end, and what the peer does wrong (speculos 4.6)."""

import json
import os
import select
import socket
import struct
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from native_stage import EXAMPLE
from process_stage import PATIENCE_S, children, free_port, no_stray_process

VERSION = bytes.fromhex("e001000000")
COUNT = bytes.fromhex("e002000000")
QUIT = bytes.fromhex("b0a7000000")
OK = b"\x90\x00"


class Emulated:
    """One run of `tally emulate` with the example app, and what it said when it was ready."""

    def __init__(self, *flags, cwd, app=EXAMPLE):
        command = [sys.executable, "-m", "tallystick", "emulate", "--json", "--apdu-port", "0", *flags, str(app)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=cwd)
        ready, _, _ = select.select([self.process.stdout], [], [], PATIENCE_S)
        line = self.process.stdout.readline() if ready else b""
        assert line, self.process.stderr.read() if self.process.poll() is not None else "not ready"
        self.ready = json.loads(line)

    def connect(self):
        """Return a new connection of a client."""
        link = socket.create_connection(("127.0.0.1", self.ready["apdu_port"]), timeout=PATIENCE_S)
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return link

    def exchange(self, apdu):
        """Send one APDU by a connection of its own."""
        with self.connect() as link:
            send(link, apdu)
            return receive(link)

    def rest(self, method, path, document):
        """Send one request to the REST API; return the answer's document."""
        url = f"http://127.0.0.1:{self.ready['api_port']}{path}"
        request = urllib.request.Request(
            url, json.dumps(document).encode(), {"Content-Type": "application/json"}, method=method
        )
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
            return json.loads(answer.read())

    def wait(self):
        """Wait until it has ended; return its exit status."""
        return self.process.wait(PATIENCE_S)

    def end(self):
        """End it, whatever it is doing."""
        if self.process.poll() is None:
            self.process.terminate()
            self.wait()
        for pipe in (self.process.stdout, self.process.stderr):
            pipe.close()


def send(link, apdu):
    """Send one APDU in Speculos' framing."""
    link.sendall(struct.pack(">I", len(apdu)) + apdu)


def receive(link):
    """Read one answer: its length leaves the status word out."""
    stream = link.makefile("rb")
    size = struct.unpack(">I", stream.read(4))[0]
    return stream.read(size + 2)


@pytest.fixture(autouse=True)
def _no_stray_process(monkeypatch):
    """No child of ours is left, dead or alive, and none looks for shared libraries, which the example does not need."""
    monkeypatch.delenv("TALLYSTICK_SPECULOS", raising=False)
    with no_stray_process():
        yield


@pytest.fixture
def emulate(tmp_path):
    """Return a function that starts `tally emulate` in a folder of its own; all end with the test."""
    made = []

    def start(*flags, **options):
        made.append(Emulated(*flags, cwd=tmp_path, **options))
        return made[-1]

    yield start
    for one in made:
        one.end()


def refused(*arguments):
    """Run `tally emulate` that must fail; return exit status and error document."""
    command = [sys.executable, "-m", "tallystick", "emulate", "--json", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert "Traceback" not in done.stdout + done.stderr
    return done.returncode, json.loads(done.stdout)


def test_app_is_open_at_once(emulate):
    """The first APDU of the first client is answered by the app, and the ready line says which it is."""
    device = emulate("--api-port", "0")
    assert (device.ready["model"], device.ready["app"], device.ready["api_port"]) == ("nanox", "Hello", None)
    assert device.exchange(VERSION) == bytes.fromhex("010000") + OK
    assert device.exchange(bytes.fromhex("b001000000"))[:7] == b"\x01\x05Hello"


@pytest.mark.parametrize("way", ["tcp", "rest"])
def test_quitting_the_app_ends_it(emulate, way):
    """The command that ends the app is answered, then the whole thing ends with status 0, without a wait."""
    device = emulate("--api-port", str(free_port()))
    if way == "tcp":
        assert device.exchange(QUIT) == OK
    else:
        assert device.rest("POST", "/apdu", {"data": QUIT.hex()}) == {"data": "9000"}
    assert device.wait() == 0


def test_with_stay_the_dashboard_returns(emulate):
    """With --stay the device goes back to its dashboard, and answers there."""
    device = emulate("--api-port", "0", "--stay")
    assert device.exchange(QUIT) == OK
    assert device.exchange(bytes.fromhex("b001000000"))[2:7] == b"BOLOS"


def test_app_that_does_harm_ends_it_with_a_report(emulate):
    """A fault is answered 6F00, told with its place in the app, and gives status 1."""
    device = emulate("--api-port", "0")
    assert device.exchange(bytes.fromhex("e00f000000")) == bytes.fromhex("6f00")
    assert device.wait() == 1
    assert b"read fault at app+0x" in device.process.stderr.read()


def test_two_clients_get_their_own_answers(emulate):
    """Clients at one time, requests sent one behind the other, and REST beside them: everybody gets what he asked for."""
    device = emulate("--api-port", str(free_port()))
    with device.connect() as one, device.connect() as two:
        for number in range(3):
            send(one, bytes.fromhex("e003000001") + bytes([number]))
            send(two, bytes.fromhex("e003010001") + bytes([number]))
        assert device.rest("POST", "/apdu", {"data": "e0030200017f"}) == {"data": "e0030200017f9000"}
        for link, mark in ((one, 0), (two, 1)):
            stream = link.makefile("rb")
            for number in range(3):
                assert stream.read(4) == struct.pack(">I", 6)
                assert stream.read(8) == bytes((0xE0, 3, mark, 0, 1, number)) + OK


def test_client_that_sent_half_a_header_holds_up_nobody(emulate):
    """A client that stops in the middle of a length keeps its connection, and others are served."""
    device = emulate("--api-port", "0")
    with device.connect() as slow:
        slow.sendall(b"\0\0")
        assert device.exchange(VERSION) == bytes.fromhex("010000") + OK
        slow.sendall(b"\0\x05" + VERSION)
        assert receive(slow) == bytes.fromhex("010000") + OK


def test_ports_are_those_of_this_machine_alone(emulate):
    """Both ports listen on the loopback address and nowhere else."""
    device = emulate("--api-port", str(free_port()))
    listening = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    wanted = {f"{device.ready[name]:04X}" for name in ("apdu_port", "api_port")}
    found = {row[1] for row in listening if row[3] == "0A" and row[1].split(":")[1] in wanted}
    assert found == {f"0100007F:{port}" for port in wanted}


def test_no_api_port_is_no_panel(emulate):
    """As with Speculos, --api-port 0 is no REST API."""
    device = emulate("--api-port", "0")
    assert device.ready["api_port"] is None
    assert len(children(device.process.pid)) == 1  # the app


def test_flash_of_the_app_is_saved_and_loaded(emulate, tmp_path):
    """--save-nvram writes what the app keeps, --load-nvram begins with it; the file is the data area, byte for byte."""
    device = emulate("--api-port", "0", "--save-nvram")
    assert device.exchange(COUNT) == bytes.fromhex("01000000") + OK
    assert device.exchange(QUIT) == OK
    assert device.wait() == 0
    assert (tmp_path / "main_nvram.bin").read_bytes()[:4] == bytes.fromhex("01000000")
    device = emulate("--api-port", "0", "--load-nvram")
    assert device.exchange(COUNT) == bytes.fromhex("02000000") + OK
    device = emulate("--api-port", "0")
    assert device.exchange(COUNT) == bytes.fromhex("01000000") + OK


def test_rules_press_the_buttons(emulate):
    """--automation takes the rules of Speculos, as JSON on the command line."""
    right = [["button", 2, True], ["button", 2, False]]
    both = [["button", 1, True], ["button", 2, True], ["button", 1, False], ["button", 2, False]]
    titles = {"regexp": "(Greet|Review|Please)", "actions": right}
    rules = {"version": 1, "rules": [titles, {"text": "APPROVE", "actions": both}]}
    device = emulate("--api-port", str(free_port()), "--automation", json.dumps(rules))
    assert device.exchange(bytes.fromhex("e004000003426f62")) == OK


@pytest.mark.parametrize("flags", [("-u", "U2F"), ("--usb", "u2f"), ("-T", "U2F"), ("--transport", "U2F", "-u", "HID")])
def test_with_u2f_reports_go_where_apdus_went(emulate, flags):
    """A report is taken, for an app that has no use for it; an APDU ends its connection, and not the emulator."""
    device = emulate("--api-port", "0", *flags)
    with device.connect() as link, device.connect() as other:
        send(link, bytes(64))
        send(link, VERSION)
        assert link.recv(1) == b""
        send(other, bytes(64))
        assert device.process.poll() is None


def test_same_seed_and_numbers_give_the_same_device(emulate):
    """--deterministic-rng makes two runs equal, down to the serial number."""
    flags = ("--api-port", "0", "--deterministic-rng", "7", "--seed", " ".join(["test"] * 11 + ["junk"]))
    assert emulate(*flags).ready["serial"] == emulate(*flags).ready["serial"]


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--display", "qt"), "--display headless"),
        (("--vnc-port", "5900"), "the page"),
        (("-T", "NFC"), "reports of 64 bytes"),
        (("--usb", "nfc"), "reports of 64 bytes"),
        (("-u", "u2f", "--approve", "--api-port", "0"), "--api-port"),
        (("--seed", "hex:00"), "words"),
        (("--pki-root", "04" * 65), "secp256k1"),
        (("--model", "stax"), "leave --model away"),
        (("-a", "25"), "leave -a away"),
        (("--load-nvram",), "main_nvram.bin"),
        (("-l", "Other:" + str(EXAMPLE)), "Hello"),
        (("--button-port", "1"), "/button/left"),
    ],
)
def test_what_there_is_not_is_said_with_what_to_do(flags, said, tmp_path, monkeypatch):
    """Options for what this device does not have are refused with status 2 and a remedy, before anything is started."""
    monkeypatch.chdir(tmp_path)
    status, error = refused(*flags, str(EXAMPLE))
    assert status == 2
    assert said in json.dumps(error)


@pytest.mark.parametrize("content", [b"", b"\x7fELF", b"no app at all"])
def test_file_that_is_no_app_is_refused(content, tmp_path):
    """What is no ELF file of an app is told by its name."""
    path = tmp_path / "none.elf"
    path.write_bytes(content)
    status, error = refused(str(path))
    assert status == 2
    assert "none.elf" in json.dumps(error)


#: a suite that starts the program its arguments name, and asks it who it is
_SUITE = """\
import socket, subprocess, sys, time
port = int(sys.argv[1])
flags = ["--model", "nanox", "--display", "headless", "--apdu-port", str(port), "--api-port", "0"]
process = subprocess.Popen([*sys.argv[3:], *flags, sys.argv[2]])
deadline = time.monotonic() + 60
while True:
    try:
        link = socket.create_connection(("127.0.0.1", port))
        break
    except ConnectionRefusedError:
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.05)
link.sendall(bytes.fromhex({asked!r}))
answer = link.recv(100)
process.terminate()
process.wait()
sys.exit(7 if answer.endswith(bytes.fromhex("0100009000")) else 1)
"""


@pytest.mark.parametrize("start", ["module", "program", "program of old suites", "program that is installed"])
def test_stand_in_starts_this_for_whoever_starts_speculos(tmp_path, start):
    """Behind --stand-in `python -m speculos` and `speculos` are `tally emulate`, and the exit status comes back."""
    suite = tmp_path / "suite.py"
    suite.write_text(_SUITE.format(asked=(struct.pack(">I", 5) + VERSION).hex()), encoding="utf-8")
    peer = tmp_path / "peer" / "speculos"
    peer.mkdir(parents=True)
    (peer / "__init__.py").touch()
    (peer / "main.py").write_text("def main(): raise SystemExit('the peer')\n", encoding="utf-8")
    program = tmp_path / "program.py"
    program.write_text("from speculos.main import main\nraise SystemExit(main())\n", encoding="utf-8")
    started = {
        "module": [sys.executable, "-m", "speculos"],
        "program": ["speculos"],
        "program of old suites": ["speculos.py"],
        "program that is installed": [sys.executable, str(program)],
    }[start]
    environment = {**os.environ, "PATH": os.defpath}
    if start == "program that is installed":
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(peer.parent), os.environ.get("PYTHONPATH")]))
    words = [sys.executable, str(suite), str(free_port()), str(EXAMPLE), *started]
    command = [sys.executable, "-m", "tallystick", "emulate", "--stand-in", "--", *words]
    assert subprocess.run(command, timeout=PATIENCE_S, check=False, env=environment).returncode == 7


def test_stand_in_without_a_command_is_refused():
    """--stand-in alone says how it is used."""
    status, error = refused("--stand-in")
    assert status == 2
    assert "pytest" in json.dumps(error)
