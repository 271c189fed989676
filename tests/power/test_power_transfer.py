"""The power is cut after every write of either device while a key moves: it is in one place, or in none, and never in two."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tallystick.crypto.hash import sha256
from tallystick.crypto.scp import KeySigner
from tallystick.device.silicon.flash import MemoryFlash
from tallystick.testing.client import DeviceClient
from tallystick.testing.device import VirtualDevice
from tallystick.testing.factory import known_key
from tallystick.testing.flash import FaultyFlash, PowerCut
from tallystick.wire.apdu import CommandApdu
from tallystick.wire.certificate import owner_message

PUBLIC_KEY, SIGN, ATTESTATION, EXPORT, IMPORT, CREATE, STATUS = range(0, 14, 2)
NONE, SEALED, UNSEALED = b"\0\0", b"\1\1", b"\1\0"
DIGEST = sha256(b"a transaction")
OWNER: KeySigner = known_key("owner")
#: more writes than any of these steps makes
MANY = 12


class Side:
    """A device whose power can go, with attestation key 1 made by the very calls of its OS."""

    def __init__(self, number: int) -> None:
        self.flash = FaultyFlash(MemoryFlash())
        self.device = VirtualDevice(deterministic_rng=number, flash=self.flash, apps=["transfer"])
        keys = self.device.board.system.session.endorsement
        keys.commit(OWNER.sign(owner_message(keys.stage(1))))
        self.device.open("transfer")

    def ask(self, ins: int, p1: int = 0, data: bytes = b"") -> bytes | None:
        """Send a command, approve what is asked; return the answer's data, or None for a refusal."""
        client: DeviceClient = self.device.client()
        pending = client.send(CommandApdu(0xE0, ins, p1, 0, data).to_bytes())
        if not pending.done:
            self.device.user.approve()
        answer = pending.response
        return answer.data if answer.ok else None

    def restart(self) -> None:
        """Put the power back: all that lay in memory is gone."""
        self.flash.restore()
        self.device = VirtualDevice(flash=self.flash, apps=(), deterministic_rng=7)
        self.device.open("transfer")


class Conversation:
    """A host that speaks to both, over one client each: a client that goes would end its exchange."""

    def __init__(self) -> None:
        self.sides = Side(1), Side(2)
        self.clients = [side.device.client() for side in self.sides]
        self.key = b""

    def ask(self, index: int, ins: int, p1: int = 0, data: bytes = b"") -> bytes:
        """Send a command that must succeed."""
        pending = self.clients[index].send(CommandApdu(0xE0, ins, p1, 0, data).to_bytes())
        if not pending.done:
            self.sides[index].device.user.approve()
        assert pending.response.ok, f"{ins:02x} {p1:02x}: {pending.response.status:04X}"
        return pending.response.data

    def move(self) -> None:
        """Make a key on the first and move it to the second."""
        self.ask(0, CREATE)
        self.key = self.ask(0, PUBLIC_KEY)
        hellos = self.ask(0, EXPORT, 1), self.ask(1, IMPORT, 1)
        self.ask(0, EXPORT, 2, self.ask(1, ATTESTATION))
        self.ask(1, IMPORT, 2, self.ask(0, ATTESTATION))
        self.ask(1, IMPORT, 3, hellos[0])
        self.ask(1, IMPORT, 4, self.ask(0, EXPORT, 3, hellos[1]))


def cut(which: int, after: int, steps: Callable[[Conversation], None]) -> tuple[Conversation, bool]:
    """Run `steps`, with the power of one device going after so many writes; return the host, and whether it went."""
    talk = Conversation()
    talk.sides[which].flash.restore(cut_after=after)
    try:
        steps(talk)
    except PowerCut:
        for side in talk.sides:
            side.restart()
        return talk, True
    for side in talk.sides:
        side.restart()
    return talk, False


@pytest.mark.parametrize("which", [0, 1])
def test_a_key_is_in_at_most_one_place_after_any_cut(which: int) -> None:
    """At each write of sender or receiver: the sender has it, or the receiver, or nobody; and what is there is whole."""
    seen = set()
    for after in range(MANY):
        talk, went = cut(which, after, Conversation.move)
        states = tuple(side.ask(STATUS) for side in talk.sides)
        assert states in {(NONE, NONE), (SEALED, NONE), (NONE, SEALED)}
        keys = {side.ask(PUBLIC_KEY) for side in talk.sides} - {None}
        assert not talk.key or keys <= {talk.key}
        for side in talk.sides:
            assert side.ask(EXPORT, 3, bytes(136)) is None, "an exchange outlives the power"
        seen.add(states)
        if not went:
            assert states == (NONE, SEALED)
            assert len(seen) > 1
            return
    pytest.fail("the steps never come to an end")


def test_a_key_that_signed_is_unsealed_after_any_cut() -> None:
    """The seal is broken before the signature leaves: no cut lets a key sign and move."""

    def sign(talk: Conversation) -> None:
        talk.ask(0, CREATE)
        signatures.append(talk.ask(0, SIGN, 0, DIGEST))

    for after in range(MANY):
        signatures: list[bytes] = []
        talk, went = cut(0, after, sign)
        status = talk.sides[0].ask(STATUS)
        assert status in {NONE, SEALED, UNSEALED}
        assert not signatures or status == UNSEALED
        assert status == SEALED or talk.sides[0].ask(EXPORT, 1) is None
        if not went:
            return
    pytest.fail("the steps never come to an end")
