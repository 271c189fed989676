"""`python -m bench.usb`: what the USB device itself costs, measured at a socket pair: no kernel, no controller.

One report round trip is a packet out and a packet in, with an APDU in it that the device answers by itself. Beside the time
on the clock stands the processor time that the device's process spent on it, which is our own share.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import statistics
import subprocess
import sys
import time

import click

from bench import machine
from bench.process import cpu_s
from tallystick.device.normal.relay import Relay
from tallystick.device.normal.usbip import UsbipEndpoint
from tallystick.wire.hid import HidFraming
from tallystick.wire.role import Role
from tallystick.wire.urb import Direction, ReturnReader, Submit
from tallystick.wire.usbip import IMPORT_REPLY_BYTES, ImportRequest
from tallystick.wire.world import Apdu, FromNormal, Introduce, Reply

_ANSWER = bytes.fromhex("0105424f4c4f5305312e312e310102") + b"\x90\x00"
_NAME = bytes.fromhex("b001000000")
_LARGE = bytes.fromhex("e0000000fa") + bytes(250)
_IDLE_S = 10.0


class _World:
    """A Secure World that answers at once: what is measured is the Normal World."""

    def __init__(self) -> None:
        self.relay = Relay(self._receive)
        self.relay.send(Introduce(0x5011, "tallystick-bench"))

    def _receive(self, message: FromNormal) -> None:
        if isinstance(message, Apdu):
            self.relay.send(Reply(message.channel, _ANSWER if len(message.raw) < 64 else message.raw + b"\x90\x00"))


def _serve(listener: socket.socket) -> None:
    async def run() -> None:
        endpoint = UsbipEndpoint(_World().relay, listener)
        await endpoint.open()
        await asyncio.Event().wait()

    asyncio.run(run())


class Host:
    """A host that submits as the kernel's HID driver does: one transfer that fetches always waits."""

    def __init__(self, link: socket.socket) -> None:
        self._link = link
        self._reader = ReturnReader()
        self._sequence = 0
        link.sendall(ImportRequest().to_bytes())
        left = IMPORT_REPLY_BYTES
        while left:
            left -= len(link.recv(left))

    def exchange(self, apdu: bytes) -> int:
        """Send an APDU and fetch its answer; return the number of reports both ways."""
        framing, reports, fetched = HidFraming(Role.HOST), 0, False
        for packet in framing.send(apdu):
            self._submit(Direction.OUT, packet)
            reports += 1
        self._submit(Direction.IN)
        while not fetched:
            for answer in self._reader.receive(self._link.recv(65536)):
                if answer.data:
                    reports += 1
                    fetched = bool(framing.receive(answer.data))
                    if not fetched:
                        self._submit(Direction.IN)
        return reports

    def _submit(self, direction: Direction, data: bytes = b"") -> None:
        self._sequence += 1
        if direction is Direction.IN:
            self._reader.expect(self._sequence)
        self._link.sendall(Submit(self._sequence, direction, 2, 64, data).to_bytes())


def measure_round_trips(count: int) -> dict[str, float]:
    """Return medians over `count` round trips, in milliseconds, and reports a second."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind("\0" + f"tallystick-bench-{os.getpid()}")
    listener.listen()
    pid = os.fork()
    if not pid:
        _serve(listener)
    link = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        link.connect(listener.getsockname())
        host = Host(link)
        for _ in range(100):
            host.exchange(_NAME)
        used, times = cpu_s(pid), []
        for _ in range(count):
            began = time.perf_counter()
            host.exchange(_NAME)
            times.append(1e3 * (time.perf_counter() - began))
        own = 1e3 * (cpu_s(pid) - used) / count
        began = time.perf_counter()
        reports = sum(host.exchange(_LARGE) for _ in range(count // 10))
        rate = reports / (time.perf_counter() - began)
    finally:
        link.close()
        os.kill(pid, 9)
        os.waitpid(pid, 0)
    return {"round_trip_ms": statistics.median(times), "own_ms": own, "reports_per_s": rate}


def measure_idle() -> float:
    """Return the share of a core, in percent, that a device which is plugged in and idle uses, with all its processes."""
    words = [sys.executable, "-m", "tallystick", "up", "--json", "--ephemeral", "--no-manager", "--no-certificate"]
    words += ["--apdu-port", "0", "--api-port", "0", "--usb", "tcp:0"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        facts = json.loads(process.stdout.readline() if process.stdout is not None else "{}")
        with socket.create_connection(("127.0.0.1", facts["usb"]["port"])) as link:
            host = Host(link)
            host._submit(Direction.IN)  # noqa: SLF001 -- as a driver that waits does
            time.sleep(3.0)  # the page's own start
            before = cpu_s(process.pid)
            time.sleep(_IDLE_S)
            used = cpu_s(process.pid) - before
        process.terminate()
    return 100 * used / _IDLE_S


@click.command()
@click.option("--count", default=5000, show_default=True, help="round trips")
@click.option("--json", "is_json", is_flag=True, help="print JSON")
def main(*, count: int, is_json: bool) -> None:
    """Measure the USB device at a socket pair, and what it costs when nobody uses it."""
    load = machine.load()
    result = measure_round_trips(count) | {"idle_percent": measure_idle()}
    if is_json:
        click.echo(json.dumps({"machine": machine.describe() | {"load_before": load}, **result}))
        return
    click.echo(f"one report out and one in   {result['round_trip_ms']:.3f} ms, of it our own {result['own_ms']:.3f} ms")
    click.echo(f"reports both ways           {result['reports_per_s']:.0f} a second, in APDUs of 255 bytes")
    click.echo(f"plugged in and idle         {result['idle_percent']:.2f} % of a core, all processes")
    click.echo(f"load {load[0]} before")


if __name__ == "__main__":
    main()
