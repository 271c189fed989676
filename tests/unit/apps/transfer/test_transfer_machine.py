"""Any order of commands by a host that records and mixes everything, on three devices, with power cuts.

At any time at most one device can sign with a given key; a key that signed never moves; and nothing leaves but public
keys, signatures and blobs that only their receiver reads.
"""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, rule
from transfer_stage import (
    ATTESTATION,
    CREATE,
    EXPORT,
    IMPORT,
    OK,
    PUBLIC_KEY,
    SIGN,
    STATUS,
    PowerLost,
    Side,
)

from tallystick.apps.transfer.key import Held
from tallystick.crypto.hash import sha256

_DIGEST = sha256(b"anything")
_SIZES = {PUBLIC_KEY: {65}, STATUS: {2}, CREATE: {0}}
_HELLO = set(range(65 + 8, 65 + 73))
_NAMES = ("one", "two", "three")
devices = st.sampled_from(range(len(_NAMES)))


class Transfers(RuleBasedStateMachine):
    """The host's moves, and what must hold after each."""

    attestations = Bundle("attestations")
    hellos = Bundle("hellos")
    blobs = Bundle("blobs")

    def __init__(self) -> None:
        super().__init__()
        self.sides: list[Side] = []
        #: every private number any device ever had: keys, ephemeral keys, channel keys
        self.secrets: set[bytes] = set()
        #: public keys that signed, with the device that did
        self.signed: dict[bytes, int] = {}

    @initialize(target=attestations)
    def power_on(self) -> bytes:
        """Begin with a key on the first."""
        self.sides = [Side(name) for name in _NAMES]
        self.ask(0, CREATE)
        return self.ask(0, ATTESTATION)

    def ask(self, index: int, ins: int, p1: int = 0, data: bytes = b"") -> bytes:
        """Send a command; check what came out of it, and return it."""
        side = self.sides[index]
        self.collect()
        answer = side.send(ins, p1, data)
        self.collect()
        assert answer.status in {OK, 0x6985, 0x6A80}
        assert not answer.data or answer.status == OK
        for secret in self.secrets:
            assert secret not in answer.data
        if answer.status == OK:
            expected = _SIZES.get(ins) or _sizes(ins, p1)
            assert len(answer.data) in expected, (ins, p1, len(answer.data))
        return answer.data

    def collect(self) -> None:
        """Note every private number there is now."""
        for side in self.sides:
            exchange = side.app._exchange
            self.secrets |= {exchange.ephemeral, exchange.channel_key} - {b""}
            raw = side.os.records.get("key")
            if raw is not None and Held.from_bytes(raw).is_available:
                self.secrets.add(Held.from_bytes(raw).private)

    @rule(index=devices)
    def create(self, index: int) -> None:
        """Ask for a new key."""
        self.ask(index, CREATE)

    @rule(index=devices, agree=st.booleans())
    def sign(self, index: int, agree: bool) -> None:
        """Ask for a signature."""
        public = self.ask(index, PUBLIC_KEY)
        self.sides[index].os.answers = [agree]
        if self.ask(index, SIGN, 0, _DIGEST):
            self.signed[public] = index
        self.sides[index].os.answers = []

    @rule(target=attestations, index=devices)
    def attest(self, index: int) -> bytes:
        """Record an attestation."""
        return self.ask(index, ATTESTATION)

    @rule(
        target=hellos, index=devices, ins=st.sampled_from((EXPORT, IMPORT)), agree=st.sampled_from((True, True, False))
    )
    def say_hello(self, index: int, ins: int, agree: bool) -> bytes:
        """Begin an export or an import, and record the hello."""
        self.sides[index].os.answers = [agree]
        hello = self.ask(index, ins, 1)
        self.sides[index].os.answers = []
        return hello

    @rule(index=devices, ins=st.sampled_from((EXPORT, IMPORT)), attestation=attestations)
    def meet(self, index: int, ins: int, attestation: bytes) -> None:
        """Introduce any device to any other."""
        self.ask(index, ins, 2, attestation)

    @rule(target=blobs, index=devices, hello=hellos)
    def let_go(self, index: int, hello: bytes) -> bytes:
        """Have a key out."""
        return self.ask(index, EXPORT, 3, hello)

    @rule(index=devices, hello=hellos)
    def open_channel(self, index: int, hello: bytes) -> None:
        """Play any hello to a receiver."""
        self.ask(index, IMPORT, 3, hello)

    @rule(index=devices, blob=blobs)
    def keep(self, index: int, blob: bytes) -> None:
        """Play any blob to a receiver."""
        self.ask(index, IMPORT, 4, blob)

    @rule(index=devices, blob=consumes(blobs), bit=st.integers(0, 48 * 8 - 1))
    def tamper(self, index: int, blob: bytes, bit: int) -> None:
        """Play a blob with one bit changed."""
        if blob:
            changed = int.from_bytes(blob, "big") ^ 1 << bit
            self.ask(index, IMPORT, 4, changed.to_bytes(48, "big"))

    @rule(
        sender=devices,
        receiver=devices,
        stop=st.integers(0, 7),
        cut=st.sampled_from((None, None, "sender", "receiver")),
    )
    def transfer(self, sender: int, receiver: int, stop: int, cut: str | None) -> None:
        """Do it as the tool does, up to some step, and lose the power at a write of either side."""
        if sender == receiver:
            return
        said: dict[str, bytes] = {}
        steps = [
            lambda: said.update(theirs=self.ask(receiver, ATTESTATION), ours=self.ask(sender, ATTESTATION)),
            lambda: said.update(sender=self.ask(sender, EXPORT, 1)),
            lambda: said.update(receiver=self.ask(receiver, IMPORT, 1)),
            lambda: self.ask(sender, EXPORT, 2, said["theirs"]),
            lambda: self.ask(receiver, IMPORT, 2, said["ours"]),
            lambda: said.update(blob=self.ask(sender, EXPORT, 3, said["receiver"])),
            lambda: self.ask(receiver, IMPORT, 3, said["sender"]),
            lambda: self.ask(receiver, IMPORT, 4, said["blob"]),
        ]
        if cut is not None:
            self.sides[sender if cut == "sender" else receiver].os.cut_at_write = 0
        try:
            for step in steps[: stop + 1]:
                step()
        except PowerLost:
            self.sides[sender if cut == "sender" else receiver].restart()
        for side in self.sides:
            side.os.cut_at_write = None

    @rule(index=devices)
    def replug(self, index: int) -> None:
        """Pull the plug: what lies in memory is gone."""
        self.sides[index].restart()

    @invariant()
    def no_key_is_in_two_places(self) -> None:
        """Public keys of different devices differ, and one that signed is where it signed or nowhere."""
        held = {}
        for index, side in enumerate(self.sides):
            raw = side.os.records.get("key")
            if raw is not None and Held.from_bytes(raw).is_available:
                public = side.data(PUBLIC_KEY)
                assert public not in held
                held[public] = index
        for public, index in self.signed.items():
            assert held.get(public, index) == index


def _sizes(ins: int, p1: int) -> set[int]:
    """Return how long an answer may be."""
    if (ins, p1) == (EXPORT, 3):
        return {48}
    if ins == SIGN:
        return set(range(8, 73))
    return _HELLO if ins == ATTESTATION or p1 == 1 else {0}


Transfers.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestTransfers = Transfers.TestCase
