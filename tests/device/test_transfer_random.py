"""Any order of commands on two whole devices, by a host that keeps and mixes all it hears.

At any time at most one device can sign with a given key, a key that signed never moves, and nothing leaves but attestations,
hellos, signatures, the public key and the blob. The app by itself is held to the same on three devices, with many more orders, in
`tests/unit/apps/transfer/test_transfer_machine.py`.
"""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule
from transfer_pair import ATTESTATION, CREATE, EXPORT, IMPORT, PUBLIC_KEY, SIGN, ask, certified, introduce, private_key

from tallystick.crypto.hash import sha256
from tallystick.testing.device import VirtualDevice

DIGEST = sha256(b"anything")
ALLOWED = {0x9000, 0x6985, 0x6A80}
which = st.sampled_from((0, 1))


class Devices(RuleBasedStateMachine):
    """Two devices of one owner, and a host."""

    heard = Bundle("heard")

    @initialize(target=heard)
    def power_on(self) -> bytes:
        """Begin with a key on the first."""
        self.devices: list[VirtualDevice] = [certified(1), certified(2)]
        self.signed: dict[bytes, int] = {}
        self.secrets: set[bytes] = set()
        self.say(0, CREATE)
        return self.say(0, ATTESTATION)

    def teardown(self) -> None:
        """Pull both plugs."""
        for device in getattr(self, "devices", []):
            device.close()

    def say(self, index: int, ins: int, p1: int = 0, data: bytes = b"", *, agree: bool = True) -> bytes:
        """Send a command; no private key that any device ever had is in the answer."""
        self.collect()
        answer = ask(self.devices[index], ins, p1, data, agree=agree)
        self.collect()
        assert answer.status in ALLOWED
        assert not any(secret in answer.data for secret in self.secrets)
        assert answer.status == 0x9000 or not answer.data
        return answer.data

    def collect(self) -> None:
        """Note the private keys in both flashes."""
        for device in self.devices:
            self.secrets |= {private_key(device)} - {b""}

    @rule(index=which)
    def create(self, index: int) -> None:
        """Ask for a new key."""
        self.say(index, CREATE)

    @rule(index=which, agree=st.booleans())
    def sign(self, index: int, agree: bool) -> None:
        """Ask for a signature."""
        public = self.say(index, PUBLIC_KEY)
        if self.say(index, SIGN, 0, DIGEST, agree=agree):
            self.signed[public] = index

    @rule(target=heard, index=which, ins=st.sampled_from((EXPORT, IMPORT)), agree=st.sampled_from((True, True, False)))
    def say_hello(self, index: int, ins: int, agree: bool) -> bytes:
        """Begin an export or an import."""
        return self.say(index, ins, 1, agree=agree)

    @rule(target=heard, index=which)
    def attest(self, index: int) -> bytes:
        """Record an attestation."""
        return self.say(index, ATTESTATION)

    @rule(target=heard, index=which, ins=st.sampled_from((EXPORT, IMPORT)), p1=st.integers(2, 4), data=heard)
    def play(self, index: int, ins: int, p1: int, data: bytes) -> bytes:
        """Say anything that was heard to anybody, as any step."""
        if (ins, p1) == (EXPORT, 4):
            p1 = 3
        return self.say(index, ins, p1, data)

    @rule(target=heard, sender=which, is_finished=st.booleans())
    def transfer(self, sender: int, is_finished: bool) -> bytes:
        """Do it as the tool does, where it can be done; leave the blob lying, or bring it."""
        source, target = self.devices[sender], self.devices[1 - sender]
        if ask(source, EXPORT, 1).status != 0x9000 or ask(target, IMPORT, 1).status != 0x9000:
            return b""
        blob = self.say(sender, EXPORT, 3, introduce(source, target))
        assert len(blob) == 48
        if is_finished:
            self.say(1 - sender, IMPORT, 4, blob)
        return blob

    @rule(index=which)
    def replug(self, index: int) -> None:
        """Pull the plug and put it in again."""
        self.devices[index].replug()
        self.devices[index].open("transfer")

    @rule(index=which)
    def install_again(self, index: int) -> None:
        """Put the same app in once more: its data is gone."""
        self.devices[index].quit()
        self.devices[index].install("transfer")
        self.devices[index].open("transfer")

    @invariant()
    def no_key_is_in_two_places(self) -> None:
        """Check that what one device has, the other has not, and that what signed is where it signed."""
        if not hasattr(self, "devices"):
            return
        keys = [self.say(index, PUBLIC_KEY) if self.held(index) else b"" for index in (0, 1)]
        assert not keys[0] or keys[0] != keys[1]
        for public, index in self.signed.items():
            assert keys[1 - index] != public

    def held(self, index: int) -> bool:
        """Tell whether a device has a key, without a command: a refusal would end the exchange in hand."""
        return bool(private_key(self.devices[index]))


Devices.TestCase.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
TestDevices = Devices.TestCase
