"""Where a manager's time goes in one genuine check: its parts, each alone in this process, without sockets or other work.

Each part holds the one before it; what a row adds is what the table tells. The device's side is not counted. The least of many
is taken: it is what the part costs when nothing disturbs it.
"""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
import time
from collections.abc import Callable
from contextlib import redirect_stderr
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import uvloop

from bench.manager.device import TARGET_ID, Device, Identity, SystemRandom
from tallystick.crypto.scp import KeySigner, Suite
from tallystick.manager.app import OPENERS
from tallystick.manager.conversation import Conversation
from tallystick.manager.db.engine import migrate, open_engine, sessions_of
from tallystick.manager.door import FlowDoor
from tallystick.manager.endpoint import FLOWS, FlowEndpoint
from tallystick.manager.genuine.channel import ChannelKeys
from tallystick.manager.genuine.flow import check_genuine
from tallystick.manager.hsm.keyring import Keyring
from tallystick.manager.recorder import Event, Recorder

_CHECKS = 1500
_EVENTS = 16
_BATCHES = 200
_HEAD = (
    f"GET /genuine?targetId={TARGET_ID} HTTP/1.1\r\nHost: bench\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
).encode()
_LONG = 126


class _Clock:
    """Adds up what is done under it."""

    def __init__(self) -> None:
        self.spent = 0.0

    def __call__(self, function: Callable[..., Any], *arguments: object) -> Any:
        """Call a function and count its time."""
        began = time.perf_counter()
        try:
            return function(*arguments)
        finally:
            self.spent += time.perf_counter() - began


class _Wire:
    """A transport that leads nowhere and keeps the last packet."""

    def __init__(self) -> None:
        self.packet = b""
        self.protocol: Any = None

    def set_protocol(self, protocol: object) -> None:
        self.protocol = protocol

    def write(self, data: bytes) -> None:
        self.packet = data

    def is_closing(self) -> bool:
        return False

    def get_extra_info(self, _name: str) -> tuple[str, int]:
        return ("127.0.0.1", 1)

    def close(self) -> None:
        self.protocol.connection_lost(None)

    abort = close


class _Log:
    """A log that stores at once."""

    def store(self, _event: object) -> asyncio.Future[None]:
        future = asyncio.get_running_loop().create_future()
        future.set_result(None)
        return future

    def hurry(self) -> None:
        pass


def parts_us(ring: Keyring) -> dict[str, float]:
    """Return the microseconds of the parts: cryptography, with the conversation, with the edge; and the log's for one check."""
    keys = ChannelKeys(signer=ring.signer, certificate=ring.signer_certificate, issuer=ring.issuer.public_key)
    device = Device(Identity.make(ring))
    service = SimpleNamespace(
        settings=SimpleNamespace(max_flows=9, reply_s=300.0), keyring=ring, recorder=_Log(), channel_keys=keys
    )
    return {
        "cryptography": _crypto_us(ring),
        "conversation": _least(lambda: _talk_us(keys, device)),
        "edge": uvloop.run(_edge_us(service, device)),
        "log": _log_us(),
    }


def _least(one: Callable[[], float]) -> float:
    return min(one() for _ in range(_CHECKS))


def _crypto_us(ring: Keyring) -> float:
    """Return what the cryptography of a check costs as the manager calls it, records and keys of the channel included."""
    suite, peer = Suite(rng=SystemRandom()), KeySigner(os.urandom(32))
    signature = peer.sign(b"bench")

    def check() -> float:
        clock = _Clock()

        def work() -> None:
            suite.nonce()
            own = suite.ephemeral()
            ring.signer.sign(b"bench")
            suite.verify(peer.public_key, b"bench", signature)
            suite.verify(peer.public_key, b"bench", signature)
            own.agree(peer.public_key, target_id=TARGET_ID).seal(b"bench")

        clock(work)
        return 1e6 * clock.spent

    return _least(check)


def _reply(message: dict[str, Any], device: Device) -> bytes:
    data = device.answer(bytes.fromhex(message["data"])).hex()
    return f'{{"nonce":{message["nonce"]},"response":"success","data":"{data}"}}'.encode()


def _talk_us(keys: ChannelKeys, device: Device) -> float:
    clock = _Clock()
    talk = clock(lambda: Conversation(check_genuine(keys, TARGET_ID), uuid="u" * 36, session="s" * 32))
    text = clock(talk.start)
    while not talk.ended:
        reply = _reply(json.loads(text), device).decode()
        text = clock(talk.receive, reply)
    return 1e6 * clock.spent


async def _edge_us(service: Any, device: Device) -> float:
    flows = FlowEndpoint(service, OPENERS)
    state: Any = SimpleNamespace(connections=set(), tasks=set())
    config: Any = SimpleNamespace(limit_concurrency=9)
    found = []
    for _ in range(_CHECKS):
        clock, wire = _Clock(), _Wire()

        def begin(wire: Any = wire) -> None:
            wire.protocol = FlowDoor(config, state, {FLOWS: flows}, asyncio.get_running_loop())
            wire.protocol.connection_made(wire)
            wire.protocol.data_received(_HEAD)

        clock(begin)
        packet = wire.packet.partition(b"\r\n\r\n")[2]
        while packet:
            reply = _reply(json.loads(packet[4 if packet[1] == _LONG else 2 :]), device)
            size = bytes((0x80 | len(reply),)) if len(reply) < _LONG else b"\xfe" + len(reply).to_bytes(2, "big")
            wire.packet = b""
            clock(wire.protocol.data_received, b"\x81" + size + bytes(4) + reply)
            packet = wire.packet
        # the last words come when the log is written
        await asyncio.sleep(0)
        clock(wire.protocol.data_received, b"\x88\x80\0\0\0\0")
        found.append(1e6 * clock.spent)
    return min(found)


def _log_us() -> float:
    """Return what one line of the audit log costs, of many that are stored together."""
    with (
        tempfile.TemporaryDirectory(prefix="tallystick-bench-") as folder,
        Path(os.devnull).open("w", encoding="utf-8") as nowhere,
        redirect_stderr(nowhere),
    ):
        engine = open_engine(f"sqlite:///{Path(folder) / 'log.db'}")
        migrate(engine)
        recorder = Recorder(sessions_of(engine), clock=lambda: datetime.now(UTC), linger_s=60)
        event = Event(actor="127.0.0.1", action="genuine", subject="nanosp", outcome="success", seconds=0.01)
        began = time.process_time()
        for _ in range(_BATCHES):
            waiting = [recorder.record(event) for _ in range(_EVENTS)]
            recorder.hurry()
            waiting[-1].result()
        spent = time.process_time() - began
        recorder.close()
        engine.dispose()
    return 1e6 * spent / _BATCHES / _EVENTS
