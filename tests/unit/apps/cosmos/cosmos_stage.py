"""A small stand-in for the OS: drives the app's coroutine, answers its calls with real keys, and plays the person."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tallystick.app.app import Start
from tallystick.apps.cosmos.app import start
from tallystick.apps.cosmos.fault import Fault
from tallystick.crypto import bip32, bip39, secp256k1
from tallystick.wire.screen import Decided, Dismissed, Menu, Review
from tallystick.wire.status import Reject
from tallystick.wire.syscall import (
    ApduEvent,
    AppEvent,
    Ask,
    CallStatus,
    DeviceInfo,
    Exchange,
    Idle,
    MenuEvent,
    Outcome,
    PublicKey,
    ReadSetting,
    ResetEvent,
    Response,
    Sign,
    WriteSetting,
    request_from_bytes,
)

VECTORS = Path(__file__).parents[3] / "vectors"
TEST_SENTENCE = "test test test test test test test test test test test junk"


class Stage:
    """Runs one app; `scenes` holds what was shown, `approve` is what the person says, `broken` makes calls of a kind fail."""

    def __init__(self, *, sentence: str = TEST_SENTENCE, entry: Start = start, touch: bool = False) -> None:
        self.info = DeviceInfo(
            model="nanosp", target_id=0x33100004, os_version="1", mcu_version="1", touch=touch, page_width=39
        )
        self._master = bip32.master(bip39.seed(sentence))
        self._program = entry(self.info)
        self.settings = {"expert": False}
        self.scenes: list[Any] = []
        self.menu: Menu | None = None
        self.approve = True
        self.broken: dict[type, CallStatus] = {}
        self.signatures = 0
        self.responses: list[Response | None] = []
        self._resume(None)

    def apdu(self, raw: bytes | str) -> tuple[bytes, int]:
        """Send one APDU (bytes or hexadecimal); return data and status word."""
        self._event(ApduEvent(bytes.fromhex(raw) if isinstance(raw, str) else raw))
        response = self.responses[-1]
        assert response is not None
        return response.data, response.status

    def choose(self, index: int) -> None:
        """Choose an entry of the menu."""
        self._event(MenuEvent(index))

    def client_left(self) -> None:
        """Tell the app that its client is gone."""
        self._event(ResetEvent())

    def sign(self, payload: bytes, *, p2: int = 0, path: bytes = b"", hrp: bytes = b"") -> tuple[bytes, int]:
        """Send a payload in chunks of 250 bytes; return the first answer that is not 9000, or the last."""
        first = (path or words(44, 118)) + (bytes([len(hrp)]) + hrp if hrp else b"")
        chunks = [payload[at : at + 250] for at in range(0, len(payload), 250)] or [b""]
        parts = [(0, first), *((1, chunk) for chunk in chunks[:-1]), (2, chunks[-1])]
        answer = b"", 0x9000
        for p1, data in parts:
            answer = self.apdu(bytes([0x55, 2, p1, p2, len(data)]) + data)
            if answer[1] != 0x9000:
                break
        return answer

    def _event(self, event: AppEvent) -> None:
        self._resume(Outcome(value=event))

    def _resume(self, outcome: Outcome | None) -> None:
        while True:
            request = self._program.send(outcome)
            # every request must fit the wire: the app may run in a process of its own
            assert request_from_bytes(request.to_bytes()) == request
            if isinstance(request, Exchange):
                self.responses.append(request.response)
                return
            broken = self.broken.get(type(request))
            outcome = Outcome(broken) if broken is not None else Outcome(value=self._serve(request))

    def _serve(self, request: object) -> Any:
        match request:
            case Idle(menu):
                self.menu = menu
            case Ask(scene):
                self.scenes.append(scene)
                return Decided(self.approve) if isinstance(scene, Review) else Dismissed()
            case PublicKey(_, path):
                return bip32.derive(self._master, path).public_key(compressed=False)
            case Sign(_, path, digest):
                self.signatures += 1
                return secp256k1.sign_ecdsa_der(bip32.derive(self._master, path).private_key, digest)
            case ReadSetting(name):
                return self.settings[name]
            case WriteSetting(name, value):
                self.settings[name] = value
        return None


def words(purpose: int, coin: int, account: int = 0x80000000, change: int = 0, index: int = 0) -> bytes:
    """Return a path as the five little-endian words of the app; purpose and coin are hardened."""
    levels = (purpose | 0x80000000, coin | 0x80000000, account, change, index)
    return b"".join(level.to_bytes(4, "little") for level in levels)


def load(name: str) -> Any:
    """Read a vector file."""
    return json.loads((VECTORS / name).read_text(encoding="utf-8"))


def refused(call: Callable[[], object]) -> tuple[int, str]:
    """Return status and text of the Reject that `call` must raise."""
    with pytest.raises(Reject) as caught:
        call()
    return caught.value.status, caught.value.data.decode("ascii")


def fault_of(call: Callable[[], object]) -> Fault | None:
    """Return the documented fault a call is refused for, or None when it is not; any other refusal is a failure."""
    try:
        call()
    except Reject as reject:
        if reject.status != 0x6984:
            raise AssertionError(f"refused with {reject}") from reject
        return Fault(reject.data.decode("ascii"))
    return None
