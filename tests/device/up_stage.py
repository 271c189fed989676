"""`tally up` as a user starts it, and a client of its two ports made of the standard library."""

import hashlib
import json
import re
import select
import signal
import socket
import struct
import subprocess
import sys
import urllib.request

import coincurve
from process_stage import PATIENCE_S, children, wait_for_end

from tallystick.wire.path import Bip32Path

TEST_SENTENCE = "test test test test test test test test test test test junk"
#: an account of that sentence (cosmos-app 1)
ADDRESS = b"cosmos15yk64u7zc9g9k2yr2wmzeva5qgwxps6yxj00e7"
NAME = bytes.fromhex("b001000000")
#: seconds that a device which broke a connection may take to end
_PARTING_S = 5.0
#: what the first start after a change of the code says: which test that is, is chance
_IMAGES = re.compile(r"building the device's images, [^\n]*\nbuilt\.\n")
_PATH = Bip32Path.parse("44'/118'/0'/0/0").to_words()
GET_ADDRESS = bytes.fromhex("550400001b06") + b"cosmos" + _PATH
DOCUMENT = json.dumps(
    {
        "account_number": "0",
        "chain_id": "cosmoshub-4",
        "fee": {"amount": [{"amount": "5000", "denom": "uatom"}], "gas": "200000"},
        "memo": "",
        "msgs": [
            {
                "type": "cosmos-sdk/MsgSend",
                "value": {
                    "amount": [{"amount": "1000000", "denom": "uatom"}],
                    "from_address": ADDRESS.decode(),
                    "to_address": "cosmos1fl48vsnmsdzcv85q5d2q4z5ajdha8yu34mf0eh",
                },
            }
        ],
        "sequence": "0",
    },
    separators=(",", ":"),
    sort_keys=True,
).encode()


def sign_requests(document=DOCUMENT):
    """Return the APDUs that ask for a signature over `document` (cosmos-app 2)."""
    first = _PATH + b"\x06cosmos"
    chunks = [document[at : at + 250] for at in range(0, len(document), 250)]
    marked = [(0, first), *((1, chunk) for chunk in chunks[:-1]), (2, chunks[-1])]
    return [bytes((0x55, 0x02, mark, 0, len(data))) + data for mark, data in marked]


def is_signature(der, key, document=DOCUMENT):
    """Judge a signature with libsecp256k1 directly."""
    return coincurve.PublicKey(key).verify(der, hashlib.sha256(document).digest(), hasher=None)


def command(*options):
    """Return the command line."""
    return [sys.executable, "-m", "tallystick", "up", *options]


def run(*options, **settings):
    """Run `tally up` to its end, which must come by itself, and return what became of it."""
    return subprocess.run(
        command(*options), check=False, capture_output=True, text=True, timeout=PATIENCE_S, **settings
    )


def fail(*options, **settings):
    """Run `tally up --json` that must fail; return exit code and error document."""
    ended = run("--json", "--apdu-port", "0", "--api-port", "0", *options, **settings)
    assert "Traceback" not in ended.stdout + ended.stderr
    return ended.returncode, json.loads(ended.stdout)


class Up:
    """One running `tally up --json` on free ports."""

    def __init__(self, *options, seed=TEST_SENTENCE, ports=(0, 0), manager=False, **settings):
        words = ["--json", "--apdu-port", str(ports[0]), "--api-port", str(ports[1])]
        words += [] if manager else ["--no-manager"]
        words += ["--seed", seed] if seed else []
        self.process = subprocess.Popen(
            command(*words, *options), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **settings
        )
        self.sockets = []
        if not select.select([self.process.stdout], [], [], PATIENCE_S)[0]:
            self.__exit__()
            raise AssertionError("it says nothing")
        self.line = self.process.stdout.readline()
        self.facts = json.loads(self.line)
        if "pid" not in self.facts:
            self.process.communicate(timeout=PATIENCE_S)
            raise AssertionError(self.facts)

    def __enter__(self):
        return self

    def __exit__(self, *_unused):
        family = self.family()  # a process that has ended has no children any more
        self.process.kill()
        for one in self.sockets:
            one.close()
        self.process.communicate(timeout=PATIENCE_S)
        for pid in family:
            wait_for_end(pid)

    def connect(self):
        """Return a new connection to the APDU port."""
        made = socket.create_connection(("127.0.0.1", self.facts["apdu_port"]), PATIENCE_S)
        self.sockets.append(made)
        return made

    def exchange(self, apdu, link=None):
        """Send an APDU (bytes or hexadecimal), over a connection of its own unless `link` is one; return the answer."""
        link = link or self.connect()
        raw = bytes.fromhex(apdu) if isinstance(apdu, str) else apdu
        link.sendall(struct.pack(">I", len(raw)) + raw)
        return receive(link)

    def rest(self, method, path, document=None):
        """Make a request of the REST API and return its JSON."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.facts['api_port']}{path}",
            method=method,
            data=None if document is None else json.dumps(document).encode(),
            headers={"content-type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
                return json.loads(answer.read() or b"{}")
        except ConnectionError as error:
            self._complain(error)
            raise

    def _complain(self, error):
        """Say why the device has ended, if it has: whoever reads of a broken connection wants to know that."""
        try:
            code = self.process.wait(_PARTING_S)
        except subprocess.TimeoutExpired:
            return
        said = "".join(stream.read() for stream in (self.process.stdout, self.process.stderr) if stream is not None)
        raise AssertionError(f"the device has ended with {code}: {said}") from error

    def status_when(self, condition):
        """Return the status once `condition` holds for it; every change of the device changes the screen."""
        status = self.rest("GET", "/status")
        while not condition(status):
            self.rest("GET", f"/screen?after={status['sequence']}")
            status = self.rest("GET", "/status")
        return status

    def family(self):
        """Return the processes it has started, and those that they have started."""
        return tree(self.process.pid)

    def end(self, number=signal.SIGTERM):
        """Send a signal, wait for the end, and return the exit code; everything it started ends too."""
        family = self.family()
        self.process.send_signal(number)
        code = self.process.wait(PATIENCE_S)
        for pid in family:
            wait_for_end(pid)
        return code

    def said(self):
        """Return what it said on stderr; only after its end, and once."""
        return self.process.stderr.read()

    def errors(self):
        """Return what it said, but that it built images."""
        return _IMAGES.sub("", self.said(), count=1)


def tree(pid):
    """Return all processes below `pid`."""
    below = []
    for child in children(pid):
        below += [child, *tree(child)]
    return below


def receive(link):
    """Return the next answer of a connection, status word included."""
    data = b""
    while len(data) < 4 or len(data) < 6 + int.from_bytes(data[:4], "big"):
        chunk = link.recv(1 << 16)
        if not chunk:
            raise AssertionError(f"disconnected after {data.hex()}")
        data += chunk
    return data[4:]
