"""The server that cannot be shorter: ready answers and the curve operations of a check, as ``python -m bench.manager.floor JSON``.

The JSON says `hsm`, where the keys are, and `identity`, of the devices. One conversation is held beforehand, with a device that
says the same each time, and its packets are kept. Whoever connects hears them again, one for each packet that comes, whatever
is in it; the operations stand where a manager has them. What this costs, the event loop and the kernel cost.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import uvloop

from bench.manager.device import TARGET_ID, Device, Identity
from bench.manager.limit import curve_operations, token_signing
from tallystick.manager.conversation import Conversation
from tallystick.manager.frame import CloseCode, Opcode, close_frame, frame
from tallystick.manager.genuine.channel import ChannelKeys
from tallystick.manager.genuine.flow import check_genuine
from tallystick.manager.hsm.keyring import Keyring
from tallystick.manager.upgrade import Upgrade

_HEAD = (
    b"GET / HTTP/1.1\r\nHost: bench\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
#: before which packet an operation stands: a key of the session, signed; certificate and session verified; keys of the channel
_OPERATIONS = {3: ("public key", "sign"), 6: ("verify", "verify"), 7: ("ecdh", "public key", "public key")}

Work = Callable[[], object]


class Ready(asyncio.Protocol):
    """One connection; `packets` in turn, each after its `work`."""

    def __init__(self, packets: Sequence[bytes], work: Mapping[int, Sequence[Work]]) -> None:
        self._packets = packets
        self._work = work
        self._turn = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take over a connection."""
        self._transport: Any = transport

    def data_received(self, _data: bytes) -> None:
        """Say what comes next; the packet after the last one ends the connection."""
        turn = self._turn
        if turn == len(self._packets):
            self._transport.close()
            return
        self._turn = turn + 1
        for one in self._work.get(turn, ()):
            one()
        self._transport.write(self._packets[turn])


def packets(ring: Keyring, identity: Identity) -> list[bytes]:
    """Hold one conversation and return what a manager sends, packet by packet."""
    keys = ChannelKeys(signer=ring.signer, certificate=ring.signer_certificate, issuer=ring.issuer.public_key)
    device = Device(identity, repeats=True)
    talk = Conversation(check_genuine(keys, TARGET_ID), uuid="u" * 36, session="s" * 32)
    said = [talk.start()]
    while not talk.ended:
        message = json.loads(said[-1])
        data = device.answer(bytes.fromhex(message["data"])).hex()
        said.append(talk.receive(f'{{"nonce":{message["nonce"]},"response":"success","data":"{data}"}}'))
    frames = [frame(Opcode.TEXT, text.encode()) for text in said]
    frames[0] = Upgrade.from_bytes(_HEAD).answer() + frames[0]
    frames[-1] += close_frame(CloseCode.DONE)
    return frames


@contextmanager
def work(hsm: str) -> Iterator[dict[int, tuple[Work, ...]]]:
    """Give the operations by the packet that they stand before; with keys in a token, the signature is the token's."""
    operations = curve_operations()
    if hsm.startswith("file:"):
        yield _placed(operations)
        return
    digest = os.urandom(32)
    with token_signing(hsm) as sign:
        yield _placed(operations | {"sign": lambda: sign(digest)})


def _placed(operations: Mapping[str, Work]) -> dict[int, tuple[Work, ...]]:
    return {turn: tuple(operations[name] for name in names) for turn, names in _OPERATIONS.items()}


async def serve(said: Sequence[bytes], done: Mapping[int, Sequence[Work]]) -> None:
    """Say where, and answer until the process is ended."""
    server = await asyncio.get_running_loop().create_server(lambda: Ready(said, done), "127.0.0.1", 0)
    print(json.dumps({"manager_ws": f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"}), flush=True)
    await server.serve_forever()


def main() -> None:
    """Hold the one conversation, then serve."""
    asked = json.loads(sys.argv[1])
    with Keyring.open(asked["hsm"]) as ring:
        said = packets(ring, Identity(**asked["identity"]))
    with work(asked["hsm"]) as done:
        uvloop.run(serve(said, done))


if __name__ == "__main__":
    main()
