"""The simulated one-time-programmable master key: burnt once, used and never read (secure-world 5.3).

As on i.MX parts, two secrets make the key that answers: one burnt in for good, and one that can be erased, so that
erasing it makes everything that was ever sealed unreadable. Which of two keys answers depends on what the boot ROM found:
a verified boot and a development boot never open each other's seals.

It is a simulation: whoever reads the chip's folder has the key. Only hardware refuses that.
"""

from __future__ import annotations

import hashlib
import hmac

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from tallystick.crypto.secret import Secret
from tallystick.device.hil import Flash, Rng
from tallystick.errors import StateCorrupt
from tallystick.wire.chip import DEVICE_ID_BYTES, KEY_ID_BYTES, ChipState, KeySlot

_BURNT = "otpmk"
_ERASABLE = "zmk"
_BYTES = 32


class Otpmk:
    """The key of one chip, kept in `store`; made on first use from `rng`.

    Raises StateCorrupt when a record cannot be what was written.
    """

    def __init__(self, store: Flash, rng: Rng) -> None:
        self._store = store
        self._rng = rng

    def device_id(self) -> bytes:
        """Return an id (16 bytes) for a chip whose fuses hold none; it tells nothing about the key."""
        return hmac.new(self._secret(_BURNT).reveal(), b"device id", hashlib.sha256).digest()[:DEVICE_ID_BYTES]

    def key_id(self, state: ChipState) -> bytes:
        """Return the id (8 bytes) of the key that answers in `state`; it tells nothing about the key."""
        return hmac.new(self._key(state, b"id"), b"", hashlib.sha256).digest()[:KEY_ID_BYTES]

    def mac(self, state: ChipState, slot: KeySlot, data: bytes) -> bytes:
        """Return HMAC-SHA256 of `data` under the key of `slot` in `state` (OPEN or VERIFIED)."""
        return hmac.new(self._key(state, b"slot" + bytes((slot,))), data, hashlib.sha256).digest()

    def destroy(self) -> None:
        """Put a new erasable half in place of the old one."""
        self._store.write(_ERASABLE, self._rng.read(_BYTES))

    def _key(self, state: ChipState, purpose: bytes) -> bytes:
        material = self._secret(_BURNT).reveal() + self._secret(_ERASABLE).reveal()
        name = b"otpmk" if state is ChipState.VERIFIED else b"test key"
        return HKDF(algorithm=SHA256(), length=_BYTES, salt=None, info=name + b"\x00" + purpose).derive(material)

    def _secret(self, name: str) -> Secret:
        data = self._store.read(name)
        if data is None:
            data = self._rng.read(_BYTES)
            self._store.write(name, data)
        if len(data) != _BYTES:
            raise StateCorrupt("the key of the chip is damaged", remedy="make a new device; its seed needs its words")
        return Secret(data)
