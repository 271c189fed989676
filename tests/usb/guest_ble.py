"""Inside the virtual machine: Bluetooth without a radio. Writes what happened to /run/out/results.json, and judges nothing.

Run by test_usb_ble.py through scripts/usb_vm. The kernel's Bluetooth has a controller that a foreign stack plays, which is linked to
that stack's own host; BlueZ's own daemon runs on a D-Bus daemon of this machine.
"""

import json
import os
import queue
import subprocess
import sys
import threading
import time
from pathlib import Path

HERE = Path(__file__).parent
FOREIGN = str(HERE.parent.parent / "tests/interop/.venv/bin/python")
BLUETOOTHD = os.environ["TALLYSTICK_BLUETOOTHD"]
SENTENCE = "test test test test test test test test test test test junk"
PATIENCE_S = 150.0
SHORT, LONG = "b001000000", "b0010000ff" + bytes(range(255)).hex()
NANO_X = "13d63400-2c97-0004-0000-4c6564676572"
OUT = Path("/run/out")


def until(condition):
    """Wait for `condition`, and return what it gives; raise TimeoutError."""
    deadline = time.monotonic() + PATIENCE_S
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise TimeoutError(condition.__doc__)
        time.sleep(0.05)
    return found


class Program:
    """A program that says JSON, a line each."""

    def __init__(self, *words, log):
        self.log = (OUT / log).open("w+")
        self.process = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, text=True
        )
        self.lines = queue.SimpleQueue()
        threading.Thread(target=self._listen, daemon=True).start()

    def read(self):
        """Return the next line."""
        line = self.lines.get(timeout=PATIENCE_S)
        if not line:
            raise EOFError(f"{self.log.name}: it ended")
        return json.loads(line)

    def _listen(self):
        """Take its lines as they come; an empty one is its end."""
        while line := self.process.stdout.readline():
            self.lines.put(line)
        self.lines.put("")

    def say(self, line):
        """Write a line."""
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def passkey(self):
        """Return the passkey on its standard error, once there is one."""

        def shown():
            """Tell whether a passkey is shown."""
            text = Path(self.log.name).read_text()
            return text.partition("pairing: type ")[2][:6]

        return until(shown)


def start_bus():
    """Start D-Bus and BlueZ's daemon."""
    words = [
        "dbus-daemon",
        "--session",
        "--nofork",
        "--nopidfile",
        "--address=unix:path=/run/ble-bus",
        "--print-address",
    ]
    bus = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    os.environ["DBUS_SYSTEM_BUS_ADDRESS"] = bus.stdout.readline().strip()
    log = (OUT / "bluetoothd.log").open("w")
    return subprocess.Popen([BLUETOOTHD, "-n", "-d"], stdout=log, stderr=log)


def up(*options):
    """Start a device on the air."""
    words = [sys.executable, "-m", "tallystick", "up", "--board", "embedded", "--no-manager", "--no-certificate"]
    words += ["--json", "--ephemeral", "--seed", SENTENCE, "--apdu-port", "0", "--api-port", "0", "--model", "nanox"]
    return Program(*words, "--ble", *options, log="device.log")


def tally(*words):
    """Return what our own tool says."""
    command = [sys.executable, "-m", "tallystick", *words]
    ended = subprocess.run(command, check=False, capture_output=True, text=True, timeout=PATIENCE_S)
    return json.loads(ended.stdout) if ended.stdout.startswith("{") else {"error": ended.stdout + ended.stderr}


def walk(results):
    """Have a foreign host find the device, pair with it and talk to it; then stop the device."""
    subprocess.run(["modprobe", "-a", "hci_vhci", "ecdh_generic", "cmac", "ccm"], check=False)
    results["vhci"] = Path("/dev/vhci").exists()
    Path("/var/lib/bluetooth").mkdir(parents=True, exist_ok=True)
    start_bus()
    air = Program(FOREIGN, str(HERE / "clients/bumble_host.py"), log="bumble.log")
    results["air"] = air.read()
    until(lambda: Path("/sys/class/bluetooth/hci0").exists())
    device = up()
    results["facts"] = device.read()
    if "exit_code" in results["facts"]:
        raise RuntimeError(results["facts"]["message"])
    air.say(f"host {NANO_X}")
    said = air.read()
    if "wants" in said:
        air.say(device.passkey())
        said = air.read()
    results["host"] = said["results"]
    if "error" in results["host"]:
        return
    device.process.terminate()
    results["code"] = device.process.wait(PATIENCE_S)
    results["left"] = air.read()
    # the other way round: BlueZ is the host's, and the device is foreign
    air.say(f"device {NANO_X}")
    results["serving"] = air.read()
    results["list"] = tally("device", "list", "--ble", "--json")
    results["sent"] = tally("apdu", "send", "--ble", "--json", SHORT, LONG)


def main():
    """Walk, and write down what happened."""
    results = {"kernel": os.uname().release}
    began = time.monotonic()
    try:
        walk(results)
    except Exception as error:
        results["error"] = f"{type(error).__name__}: {error}"
    told = subprocess.run(["dmesg"], check=False, capture_output=True, text=True).stdout
    results["kernel_log"] = [line for line in told.splitlines() if "Bluetooth: hci" in line]
    results["seconds"] = round(time.monotonic() - began, 1)
    (OUT / "results.json").write_text(json.dumps(results, indent=1))
    os._exit(0)  # what still runs goes with the machine


if __name__ == "__main__":
    main()
