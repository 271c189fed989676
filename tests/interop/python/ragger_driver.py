"""Drives the example app by Ragger: its Speculos backend starts the emulator, its navigator presses, and all is judged by it."""

import json
import sys
from pathlib import Path

from ledgered.devices import Devices
from ragger.backend import SpeculosBackend
from ragger.error import ExceptionRAPDU
from ragger.navigator import NanoNavigator, NavInsID


def greet(backend, navigator, last):
    """Have the app greet somebody, go through the review, and press on `last`; give the status word."""
    try:
        with backend.exchange_async(0xE0, 0x04, data=b"Bob"):
            navigator.navigate_until_text(
                NavInsID.RIGHT_CLICK, [NavInsID.BOTH_CLICK], last, screen_change_after_last_instruction=False
            )
    except ExceptionRAPDU as refusal:
        return refusal.status
    return backend.last_async_response.status


def main():
    """Answer what was seen as one line of JSON."""
    asked = json.loads(sys.argv[1])
    device = Devices.get_by_name("nanox")
    seen = {}
    with SpeculosBackend(Path(asked["app"]), device) as backend:
        navigator = NanoNavigator(backend, device, golden_run=False)
        seen["version"] = backend.exchange(0xE0, 0x01).data.hex()
        seen["home"] = [event["text"] for event in backend.get_current_screen_content()["events"]]
        seen["approved"] = greet(backend, navigator, "^APPROVE$")
        seen["rejected"] = greet(backend, navigator, "^REJECT$")
        try:
            backend.exchange(0xE0, 0xFF)
        except ExceptionRAPDU as refusal:
            seen["unknown"] = refusal.status
    print(json.dumps(seen))


main()
