"""Attestation commands in any order, by two clients, with any decision, between locks, replugs and resets.

Beside the device runs what should be there: which pair is staged, which are in force. Whatever comes, the device agrees with
it, apps see the pairs in force and nothing else, and no pair is ever in both slots.
"""

from __future__ import annotations

from channel_stage import MANAGER, STRANGER, Manager
from endorsement_stage import CERTIFICATE, FAILED, HASH, PUBLIC, SIGN, SIGN_APP, caller
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from os_stage import PIN, call

from tallystick.crypto import endorsement
from tallystick.testing.device import VirtualDevice
from tallystick.wire.certificate import EndorsedKey
from tallystick.wire.dashboard import Ins
from tallystick.wire.syscall import CallStatus

CLIENTS = st.integers(0, 1)
SLOTS = st.sampled_from((1, 2))
MESSAGE = b"any order"


class Machine(RuleBasedStateMachine):
    """Two clients at one device."""

    def __init__(self) -> None:
        super().__init__()
        self.device = VirtualDevice(pin=PIN, apps=[caller()])
        self.device.user.enter_pin(PIN)
        self.managers = [self._manager(number) for number in range(2)]
        self.identified = [False, False]
        self.staged: tuple[int, bytes] | None = None
        self.slots: dict[int, tuple[bytes, bytes]] = {}
        self.seen: set[bytes] = set()

    def teardown(self) -> None:
        """Pull the plug."""
        self.device.close()

    def _manager(self, number: int) -> Manager:
        return Manager(self.device, signer=(MANAGER, STRANGER)[number], number=number)

    def _fresh(self) -> None:
        """Begin with new sessions: what was agreed to is gone."""
        self.managers = [self._manager(number) for number in range(2)]
        self.identified = [False, False]

    @rule(client=CLIENTS, authenticate=st.booleans())
    def shake_hands(self, client: int, *, authenticate: bool) -> None:
        """Shake hands as far as the certificates, or to the end."""
        client_link = self.managers[client].client
        self.managers[client] = Manager(self.device, signer=(MANAGER, STRANGER)[client], client=client_link)
        self.managers[client].open(authenticate=authenticate)
        self.identified[client] = True

    @rule(client=CLIENTS)
    def begin_again(self, client: int) -> None:
        """Select the target: the session before is over."""
        manager = self.managers[client]
        data = manager.target_id.to_bytes(4, "big")
        assert manager.client.exchange(call(Ins.VALIDATE_TARGET_ID, data=data)).ok
        self.identified[client] = False

    @rule(client=CLIENTS, slot=SLOTS)
    def start(self, client: int, slot: int) -> None:
        """Have a pair made."""
        answer = self.managers[client].client.exchange(call(Ins.ENDORSEMENT_START, slot))
        if not self.identified[client]:
            assert answer.status == 0x6985
            return
        made = EndorsedKey.from_bytes(answer.data).public_key
        assert made not in self.seen
        self.seen.add(made)
        self.staged = slot, made

    @rule(client=CLIENTS, data=st.binary(min_size=1, max_size=72), agree=st.booleans())
    def commit(self, client: int, data: bytes, *, agree: bool) -> None:
        """Bring a certificate."""
        manager = self.managers[client]
        pending = manager.client.send(call(Ins.ENDORSEMENT_COMMIT, data=data))
        if not self.identified[client] or self.staged is None:
            assert pending.response.status == 0x6985
            return
        slot, made = self.staged
        assert pending.done is (slot not in self.slots)
        replaces = not pending.done
        manager.decide(pending, agree=agree)
        if replaces and not agree:
            assert pending.response.status == 0x6985
            return
        assert pending.response.ok
        self.slots[slot], self.staged = (made, data), None

    @rule(client=CLIENTS, data=st.sampled_from((b"", bytes(73))))
    def commit_of_a_wrong_size(self, client: int, data: bytes) -> None:
        """Bring nothing, or too much."""
        answer = self.managers[client].client.exchange(call(Ins.ENDORSEMENT_COMMIT, data=data))
        assert answer.status == 0x6700

    @rule()
    def lock(self) -> None:
        """Lock and unlock."""
        self.device.user.choose("Lock device")
        self.device.user.enter_pin(PIN)
        self.identified = [False, False]

    @rule()
    def replug(self) -> None:
        """Pull the plug and put it in again."""
        self.device.replug()
        self.device.user.enter_pin(PIN)
        self._fresh()

    @rule()
    def reset(self) -> None:
        """Reset the device and set it up again with the same words."""
        self.device.user.choose("Settings")
        self.device.user.choose("Reset device")
        self.device.user.approve()
        self.device.close()
        self.device = VirtualDevice(flash=self.device.flash, pin=PIN, apps=[caller()])
        self.device.user.enter_pin(PIN)
        self.staged, self.slots = None, {}
        self.seen.clear()  # this board's randomness begins anew
        self._fresh()

    @rule()
    def use(self) -> None:
        """Open the app: it sees and signs with what is in force, and with nothing that is staged."""
        device = self.device
        device.open("Caller")
        code_hash = device.exchange(bytes((HASH,))).data
        for slot, (number, verify) in enumerate(
            ((SIGN, endorsement.verify_with_code_hash), (SIGN_APP, endorsement.verify_app_key)), start=1
        ):
            answer = device.exchange(bytes((number,)) + MESSAGE)
            if slot not in self.slots:
                assert answer.status == FAILED
                assert answer.data[0] == CallStatus.EMPTY
                continue
            public, stored = self.slots[slot]
            assert device.exchange(bytes((PUBLIC, slot))).data == public
            assert device.exchange(bytes((CERTIFICATE, slot))).data == stored
            assert verify(public, MESSAGE, code_hash, signature=answer.data)
        assert self.managers[0].client.exchange(call(Ins.ENDORSEMENT_START, 1)).status != 0x9000
        device.replug()
        device.user.enter_pin(PIN)
        self._fresh()

    @invariant()
    def keys_are_as_expected(self) -> None:
        """Find what was done in the record, and no pair in two places."""
        keys = self.device.board.system.session.endorsement
        for slot in (1, 2):
            assert keys.has(slot) is (slot in self.slots)
            if slot in self.slots:
                assert (keys.public_key(slot), keys.certificate(slot)) == self.slots[slot]
        publics = [public for public, _ in self.slots.values()]
        assert len({*publics, *([] if self.staged is None else [self.staged[1]])}) == len(publics) + bool(self.staged)


Machine.TestCase.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
TestAnyOrder = Machine.TestCase
TestAnyOrder.__doc__ = "Any order of commands and decisions leaves what it should."
