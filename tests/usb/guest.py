"""Inside the virtual machine: every USB test in one boot. Writes what happened to /run/out/results.json, and judges nothing.

Run by test_usb.py through scripts/usb_vm, as root of a machine that is forgotten afterwards.
"""

import contextlib
import json
import os
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import ClassVar

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
FOREIGN = ROOT / "tests/interop/.venv/bin/python"
NODE_MODULES = ROOT / "tests/usb/clients/node_modules"
GO_CLIENT = Path(os.environ.get("TALLYSTICK_GO_CLIENT", "/nowhere"))
SENTENCE = "test test test test test test test test test test test junk"
#: an emulated processor, on a busy machine: nothing is measured, this only ends what hangs
PATIENCE_S = 150.0
#: asks the person: open the app Cosmos
OPEN_APP = "e0d8000006" + b"Cosmos".hex()


def until(condition):
    """Wait for `condition`, and return what it gives; raise TimeoutError."""
    deadline = time.monotonic() + PATIENCE_S
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise TimeoutError(condition.__doc__ or condition.__name__)
        time.sleep(0.02)
    return found


def hidraws():
    """Return the hidraw files there are."""
    return sorted(str(path) for path in Path("/dev").glob("hidraw*"))


def usb():
    """Return the USB devices of the vendor, by their numbers and strings."""
    found = []
    for folder in Path("/sys/bus/usb/devices").glob("*-*"):
        with contextlib.suppress(OSError):
            facts = {
                name: (folder / name).read_text().strip()
                for name in ("idVendor", "idProduct", "manufacturer", "product", "serial", "speed")
            }
            if facts["idVendor"] == "2c97":
                found.append(facts | {"driver": os.path.realpath(folder)})
    return found


def plugged(product_id):
    """Return the device of this product id once a hidraw file is there for it."""

    def is_there():
        """Tell whether a device is plugged in."""
        return next((one for one in usb() if one["idProduct"] == product_id and hidraws()), None)

    return until(is_there)


def run(*words, **settings):
    """Run a client to its end; return the JSON of its last line."""
    began = time.monotonic()
    ended = subprocess.run(
        [str(word) for word in words], check=False, capture_output=True, text=True, timeout=PATIENCE_S, **settings
    )
    lines = [line for line in ended.stdout.splitlines() if line.startswith(("{", "["))]
    answer = json.loads(lines[-1]) if lines else {"error": (ended.stdout + ended.stderr)[-2000:]}
    return {"answer": answer, "code": ended.returncode, "seconds": round(time.monotonic() - began, 2)}


class Device:
    """`tally up` with a USB cable."""

    #: those that were not stopped
    running: ClassVar = []

    def __init__(self, *options):
        words = [sys.executable, "-m", "tallystick", "up", "--board", "embedded", "--no-manager", "--no-certificate"]
        words += ["--json", "--ephemeral", "--seed", SENTENCE, "--apdu-port", "0", "--app", "cosmos", *options]
        self.process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, stderr=sys.stderr)
        self.running.append(self)
        self.facts = json.loads(self.process.stdout.readline())

    def replug(self, hold):
        """Pull the plug and put it in again, holding a button."""
        url = f"http://127.0.0.1:{self.facts['api_port']}/replug"
        body = json.dumps({"hold": hold}).encode()
        request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
        urllib.request.urlopen(request, timeout=PATIENCE_S).close()

    def screen(self):
        """Return the text of the screen."""
        url = f"http://127.0.0.1:{self.facts['api_port']}/events?currentscreenonly=true"
        with urllib.request.urlopen(url, timeout=PATIENCE_S) as answer:
            return " ".join(event["text"] for event in json.load(answer)["events"])

    def stop(self):
        """End it as Ctrl-C does, and return whether no device is left."""
        self.process.terminate()
        code = self.process.wait(PATIENCE_S)
        self.running.remove(self)

        def is_gone():
            """Tell whether no device is plugged in."""
            return not usb() and not hidraws()

        return {"code": code, "gone": until(is_gone)}


def packets(apdu):
    """Return the only packet of a short APDU, with hidapi's report number."""
    body = bytes.fromhex("0101050000") + len(apdu).to_bytes(2, "big") + apdu
    return b"\0" + body.ljust(64, b"\0")


def own_tools():
    """Return what our own tools say, over hidapi."""
    tally = (sys.executable, "-m", "tallystick")
    return {
        "list": run(*tally, "device", "list", "--json"),
        "info": run(*tally, "--device", "hid:", "device", "info", "--json"),
    }


def walk_vhci(results):
    """Try the virtual controller: every client, then the plug."""
    device = Device("--usb", "--api-port", "0")
    results["facts"] = device.facts
    results["usb"] = plugged("5011")
    results["python"] = run(FOREIGN, HERE / "clients/python_clients.py", "hid", "hidraw", "ledgerblue", "ledgercomm")
    if NODE_MODULES.exists():
        results["node"] = run("node", HERE / "clients/node_hid.cjs")
    results["own"] = own_tools()
    # pulled while the person is asked
    with Path(hidraws()[0]).open("r+b", buffering=0) as file:
        file.write(packets(bytes.fromhex(OPEN_APP)))
        until(lambda: "Cosmos" in device.screen())
        device.replug("left")
        results["bootloader"] = plugged("0005")
    device.replug(None)
    results["again"] = plugged("5011")
    results["ledgerblue_again"] = run(FOREIGN, HERE / "clients/python_clients.py", "ledgerblue")
    if GO_CLIENT.exists():  # the last one: it takes the kernel's driver off the device, and does not put it back
        results["go"] = run(GO_CLIENT)
    results["stop"] = device.stop()


def walk_gadget(results):
    """Try a device controller of the kernel's own, and FunctionFS on it."""
    subprocess.run(["modprobe", "dummy_hcd"], check=True)
    device = Device("--usb", "gadget", "--api-port", "0")
    results["facts"] = device.facts
    results["usb"] = plugged("5011")
    results["python"] = run(FOREIGN, HERE / "clients/python_clients.py", "hid", "hidraw", "ledgerblue", "ledgercomm")
    device.replug("left")
    results["bootloader"] = plugged("0005")
    device.replug(None)
    results["again"] = plugged("5011")
    results["python_again"] = run(FOREIGN, HERE / "clients/python_clients.py", "hidraw", "hid")
    results["stop"] = device.stop()
    results["left"] = [str(one) for one in Path("/sys/kernel/config/usb_gadget").iterdir()]


def walk_uhid(results):
    """Try a HID device without USB: hidraw alone sees it."""
    subprocess.run(["modprobe", "uhid"], check=True)
    device = Device("--usb", "uhid", "--no-panel")
    results["hidraw"] = until(hidraws)
    results["python"] = run(FOREIGN, HERE / "clients/python_clients.py", "hidraw", "ledgerblue")
    results["stop"] = device.stop()


def main():
    """Walk all ways; what one of them breaks is told, and the next is walked."""
    results = {"kernel": os.uname().release}
    subprocess.run(["modprobe", "-a", "usbhid", "hid_generic"], check=True)
    for walk in (walk_vhci, walk_gadget, walk_uhid):
        if len(sys.argv) > 1 and walk.__name__ not in sys.argv[1:]:
            continue
        part = results[walk.__name__.removeprefix("walk_")] = {}
        began = time.monotonic()
        try:
            walk(part)
        except Exception as error:
            part["error"] = f"{type(error).__name__}: {error}"
        finally:
            for device in Device.running:
                device.process.kill()
                device.process.wait()
            Device.running.clear()
        part["seconds"] = round(time.monotonic() - began, 1)
        print(walk.__name__, part.get("error", "done"), part["seconds"], flush=True)
        Path("/run/out/results.json").write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
