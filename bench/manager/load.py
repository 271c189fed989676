"""Devices by the hundred, as one process: ``python -m bench.manager.load JSON``, started by `bench.manager.service`.

The JSON says `host`, `port`, `path`, `identity` (one for all devices), `devices`, and `seconds`: so many
devices ask again and again for that long, or once each, all together, when it is 0; with `repeats` they say the same each time. A line on standard output says that the
devices are made, one on standard input that it is to begin; the answer is one line of JSON.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time
from typing import Any

from bench.manager.client import Refused, Talk
from bench.manager.device import Device, Identity


class Asking:
    """What one device says in one flow."""

    def __init__(self, device: Device, *, is_thorough: bool) -> None:
        self._device = device
        self._is_thorough = is_thorough

    def __call__(self, message: dict[str, Any]) -> str | None:
        """Return the reply to a message of the manager."""
        match message["query"]:
            case "exchange":
                data = self._device.answer(bytes.fromhex(message["data"])).hex()
            case "bulk":
                # the first device opens every record; for the others the manager's work is measured, not the device's
                for apdu in message["data"] if self._is_thorough else ():
                    self._device.answer(bytes.fromhex(apdu))
                data = ""
            case "success":
                return None
            case _:
                raise Refused(str(message))
        return f'{{"nonce":{message["nonce"]},"response":"success","data":"{data}"}}'


async def flow(asked: dict[str, Any], asking: Asking) -> float:
    """Hold one conversation; return its seconds, from the connection on."""
    began = time.perf_counter()
    where = f"{asked['host']}:{asked['port']}"
    loop = asyncio.get_running_loop()
    _, talk = await loop.create_connection(lambda: Talk(where, asked["path"], asking), asked["host"], asked["port"])
    last = await talk.done
    if last.get("data") not in {"", "0000"}:
        raise Refused(str(last))
    return time.perf_counter() - began


async def run(asked: dict[str, Any], devices: list[Asking]) -> dict[str, Any]:
    """Have all devices ask; return count, seconds, and the seconds of each flow."""
    began = time.perf_counter()
    until = began + asked["seconds"]

    async def go_on(device: Asking) -> list[float]:
        took = [await flow(asked, device)]
        while time.perf_counter() < until:
            took.append(await flow(asked, device))
        return took

    found = await asyncio.gather(*(go_on(device) for device in devices))
    seconds = time.perf_counter() - began
    return {"seconds": seconds, "took": [one for took in found for one in took]}


def main() -> None:
    """Make the devices, wait, ask, and say what came of it."""
    asked = json.loads(sys.argv[1])
    identity = Identity(**asked["identity"])
    devices = [
        Asking(Device(identity, repeats=asked["repeats"]), is_thorough=number == 0)
        for number in range(asked["devices"])
    ]
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    before = resource.getrusage(resource.RUSAGE_SELF)
    result = asyncio.run(run(asked, devices))
    after = resource.getrusage(resource.RUSAGE_SELF)
    result["cpu_s"] = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
