"""Native code that does harm on the isolated board: a report, the dashboard, and neither the OS nor another app is touched."""

import re
import struct
import subprocess
import sys
import threading

import pytest
from isolated_stage import worlds
from native_stage import EXAMPLE
from process_stage import PATIENCE_S
from tests.unit.device.native.native_program import FLASH, RAM, call, elf
from up_stage import GET_ADDRESS, Up

from tallystick.wire.install import InstallParameters
from tallystick.wire.syscall import Paint

RECEIVE, SEND, NVM_WRITE, REQUEST, VERSION = 0x03000089, 0x04000088, 0x03000003, 0x04F00001, 0x0200006B
NOTES = [("ledger.target_id", "0x33000004"), ("ledger.api_level", "26")]
COUNT = "e002000000"
PAINTING = Paint(x=0, y=0, w=128, h=64, bits=1, data=bytes(1024), labels=()).to_bytes()
#: where the app's parts lie
TABLE, PICTURE, CODE_BYTES, DATA_BYTES = 0x600, 0x610, 0xC00, 0x400


def halves(*words):
    """Return instructions."""
    return struct.pack(f"<{len(words)}H", *words)


def endless(step):
    """Return code that does something for ever."""
    return step + halves(0xE000 | -(len(step) + 4) // 2 & 0x7FF)


#: what it does, and what is told of it (a pattern): None where the app is told of an error and goes on
HARMS = {
    "loops": (halves(0xE7FE), "computed without end|did not come back"),
    # push {lr}; bl to the push
    "recurses": (halves(0xB500, 0xF7FF, 0xFFFD), r"write fault at app\+0x"),
    # mov r1, pc; str r0, [r1]
    "writes flash": (halves(0x4679, 0x6008), r"write fault at app\+0x"),
    # mov r1, r9; adds r1, #1; bx r1
    "runs RAM": (halves(0x4649, 0x3101, 0x4708), "execute fault at "),
    # movs r1, #0x30; lsls r1, #24; ldr r0, [r1]
    "reads nowhere": (halves(0x2130, 0x0609, 0x6808), r"read fault at app\+0x"),
    # movs r1, #1; bx r1
    "jumps to nowhere": (halves(0x2101, 0x4708), "execute fault at 0x00000000"),
    "calls an odd supervisor": (halves(0xDF09), "fault at "),
    "stops for a debugger": (halves(0xBE00), "fault at "),
    "floods the screen": (endless(call(REQUEST, FLASH + PICTURE, len(PAINTING), RAM + 0x400, 64)), "flooded"),
    "wears out its flash": (endless(call(NVM_WRITE, FLASH + CODE_BYTES, RAM, 4)), "flooded the system with calls"),
    "writes flash that is not its own": (
        b"".join(call(NVM_WRITE, FLASH + at, RAM, size) for at, size in ((0, 4), (CODE_BYTES, DATA_BYTES + 1))),
        None,
    ),
    "passes wild pointers": (
        b"".join(call(VERSION, pointer, 64) for pointer in (0, 0x30000000, 0xFFFFFFFF, FLASH, RAM - 1)),
        None,
    ),
    "uses wrong numbers": (b"".join(call(number) for number in (0xFFFFFFFF, 0, 0x12345678, 0x0400DEAD)), None),
}


def harmful():
    """Return an app that does what the second byte of an APDU says, answers 9000, and waits for the next."""
    code = call(RECEIVE, RAM, 300, 0)
    for number, (harm, _told) in enumerate(HARMS.values()):
        # mov r2, r9; ldrb r2, [r2, #2]; cmp r2, #number; bne behind the harm; harms begin at whole words
        padded = harm.ljust(-(-len(harm) // 4) * 4, b"\0")
        code += halves(0x464A, 0x7892, 0x2A00 | number, 0xD100 | (len(padded) - 2) // 2) + padded
    code += call(SEND, 0x20, FLASH + TABLE, 2, 0)
    code += halves(0xE000 | -(len(code) + 4) // 2 & 0x7FF)
    assert len(code) <= TABLE
    code = (code.ljust(TABLE, b"\0") + b"\x90\x00").ljust(PICTURE, b"\0") + PAINTING
    parameters = InstallParameters(name="Harm", version="1.0").to_bytes()
    return elf(code.ljust(CODE_BYTES, b"\0"), data=bytes(DATA_BYTES), parameters=parameters, notes=NOTES)


class Log:
    """What a device says on stderr, as it comes."""

    def __init__(self, stream):
        self._lines = []
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._read, args=(stream,))
        self._thread.start()

    def _read(self, stream):
        for line in stream:
            with self._changed:
                self._lines.append(line)
                self._changed.notify_all()

    def wait_for(self, pattern, *, since):
        """Wait for a line with `pattern`, the first `since` lines apart."""
        with self._changed:
            found = self._changed.wait_for(
                lambda: any(re.search(pattern, line) for line in self._lines[since:]), PATIENCE_S
            )
            assert found, self._lines

    @property
    def count(self):
        """How many lines there are."""
        with self._changed:
            return len(self._lines)

    def join(self):
        """Wait until all was read: the device has ended."""
        self._thread.join(PATIENCE_S)


@pytest.fixture(scope="module")
def device(home, tmp_path_factory):
    """Return a device with three apps, one of them harmful, and what it logs; its counter stands at `device.counted`."""
    file = tmp_path_factory.mktemp("harm") / "harm.elf"
    file.write_bytes(harmful())
    options = ("--board", "isolated", "--model", "nanox", "--ephemeral", "--app", "cosmos", "--approve", "--verbose")
    with Up(*options, env=home) as up:
        up.log = Log(up.process.stderr)
        for app in (EXAMPLE, file):
            address = f"tcp:127.0.0.1:{up.facts['apdu_port']}"
            subprocess.run(
                [sys.executable, "-m", "tallystick", "app", "install", str(app), "--user", "--device", address],
                check=True, capture_output=True, timeout=PATIENCE_S, env=home,
            )  # fmt: skip
        up.counted = 0
        yield up
        up.process.kill()
        up.log.join()


def opened(device, name):
    """Open an app from the dashboard."""
    assert device.exchange(b"\xe0\xd8\0\0" + bytes((len(name),)) + name.encode()) == b"\x90\x00"


def at_dashboard(device):
    """Wait until the report is put away: a press that was meant for it must not meet the next question."""
    frame = device.rest("GET", "/screen")
    while frame["scene"] != "menu":
        frame = device.rest("GET", f"/screen?after={frame['sequence']}")


def close(device):
    """Close the app that is open."""
    assert device.exchange("b0a7000000") == b"\x90\x00"


@pytest.mark.parametrize("harm", HARMS)
def test_harm_is_reported_and_touches_nobody_else(device, harm):
    """Whatever an app does, it ends with a report or is told of its error; the worlds live, other apps answer, and keep what they kept."""
    before, since = worlds(device), device.log.count
    opened(device, "Harm")
    answer = device.exchange(bytes((0xE0, list(HARMS).index(harm), 0, 0, 0)))
    told = HARMS[harm][1]
    if told is None:
        assert answer == b"\x90\x00"
        close(device)
    else:
        assert answer == b"\x6f\x00"
        device.log.wait_for(f"the app Harm was ended: .*({told})", since=since)
        device.status_when(lambda now: now["app"] is None)
        at_dashboard(device)
    opened(device, "Hello")
    device.counted += 1
    assert device.exchange(COUNT) == struct.pack("<I", device.counted) + b"\x90\x00"
    close(device)
    opened(device, "Cosmos")
    assert device.exchange(GET_ADDRESS).endswith(b"\x90\x00")
    close(device)
    after = worlds(device)
    assert {name: after[name] for name in ("world", "normal")} == {name: before[name] for name in ("world", "normal")}
