"""The keychain: the one place where keys exist, while the device is unlocked.

It holds the master secret and nothing else: no derived key is kept, so that locking forgets everything by wiping one
value. Whoever asks has been checked before (os/permission.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from tallystick.crypto import bip32, bip39, secp256k1, slip21
from tallystick.crypto.hash import hash160
from tallystick.crypto.secret import Secret
from tallystick.errors import UsageError
from tallystick.wire.install import Curve

if TYPE_CHECKING:
    from tallystick.crypto import slip10, zip32

#: a curve's name in SLIP-10
_SLIP10: Final = {Curve.SECP256K1: "SECP256K1", Curve.SECP256R1: "NIST256P1", Curve.ED25519: "ED25519"}


class Locked(Exception):
    """The keychain is empty."""


class Keychain:
    """Derives and uses keys; empty until `fill`, and again after `clear`."""

    def __init__(self) -> None:
        self._seed: Secret | None = None
        self._master: bip32.Node | None = None

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to derive from."""
        return self._seed is None

    def fill(self, phrase: Secret, passphrase: str = "") -> None:
        """Take the recovery phrase (ASCII words) and make the master secret."""
        self.clear()
        self._seed = bip39.seed(phrase.reveal().decode("ascii"), passphrase)
        self._master = bip32.master(self._seed)

    def clear(self) -> None:
        """Forget everything."""
        if self._seed is not None:
            self._seed.wipe()
        self._seed = None
        self._master = None

    def public_key(self, curve: Curve, path: Sequence[int]) -> bytes:
        """Return the public key: 65 bytes uncompressed, or 32 for ed25519.

        Raises:
            Locked: there is no seed.
            UsageError: the path does not exist on the curve.

        """
        if curve is Curve.SECP256K1:
            return self._node(path).public_key(compressed=False)
        private = self._slip10(curve, path)
        from tallystick.crypto import ed25519, p256

        if curve is Curve.ED25519:
            return ed25519.public_key(private)
        return p256.public_key(private, compressed=False)

    def sign(self, curve: Curve, path: Sequence[int], digest: bytes) -> bytes:
        """Sign a 32-byte digest (ECDSA, DER) or a message (ed25519, 64 bytes); raises as `public_key`."""
        if curve is Curve.SECP256K1:
            return secp256k1.sign_ecdsa_der(self._node(path).private_key, digest)
        private = self._slip10(curve, path)
        from tallystick.crypto import ed25519, p256

        if curve is Curve.ED25519:
            return ed25519.sign(private, digest)
        return p256.sign_ecdsa_der(private, digest)

    def node(self, curve: Curve, path: Sequence[int], *, seed_key: bytes = b"") -> Secret:
        """Return the private key and the chain code at `path` (32 bytes each): what native apps compute with; raises as `public_key`.

        With a `seed_key` that is not the curve's own the tree is another one; UsageError for the key of a tree that is not the app's.
        """
        if curve is Curve.SECP256K1 and not seed_key:
            node = self._node(path)
            return Secret(node.private_key.reveal() + node.chain_code)
        place = self._slip10_node(curve, path, seed_key=seed_key)
        return Secret(place.private_key.reveal() + place.chain_code)

    def kholaw(self, path: Sequence[int]) -> Secret:
        """Return kL, kR and chain code (32 bytes each) of BIP32-Ed25519 at `path`; raises as `public_key`."""
        if self._seed is None:
            raise Locked
        from tallystick.crypto import kholaw

        node = kholaw.derive(kholaw.master(self._seed), path)
        return Secret(node.private_key.reveal() + node.chain_code)

    def eip2333(self, path: Sequence[int]) -> Secret:
        """Return the private key (32 bytes) of BLS12-381 at `path`; raises as `public_key`."""
        if self._seed is None:
            raise Locked
        from tallystick.crypto import eip2333

        return eip2333.derive(eip2333.master(self._seed), path)

    def aleo(self, path: Sequence[int]) -> Secret:
        """Return key and chain code (32 bytes each) of Aleo's tree at `path`; raises as `public_key`."""
        if self._seed is None:
            raise Locked
        from tallystick.crypto import aleo

        return aleo.derive(self._seed, path)

    def sapling(self, path: Sequence[int]) -> Secret:
        """Return ask, nsk, ovk, dk and chain code (32 bytes each) of ZIP-32 at `path`; raises as `public_key`."""
        if self._seed is None:
            raise Locked
        from tallystick.crypto import zip32

        return _whole(zip32.sapling(self._seed, path))

    def orchard(self, path: Sequence[int]) -> Secret:
        """Return key and chain code (32 bytes each) of ZIP-32's Orchard tree at `path`; raises as `public_key`."""
        if self._seed is None:
            raise Locked
        from tallystick.crypto import zip32

        return _whole(zip32.orchard(self._seed, path))

    def registered(self, path: Sequence[int], *, context: bytes, tags: Sequence[bytes]) -> Secret:
        """Return key and chain code (32 bytes each) of a registered tree of ZIP-32 at `path`; raises as `public_key`."""
        if self._seed is None:
            raise Locked
        from tallystick.crypto import zip32

        return _whole(zip32.registered(self._seed, path, context=context, tags=tags))

    def symmetric(self, label: bytes) -> Secret:
        """Return the key (32 bytes) of SLIP-21 behind one label; raise Locked."""
        if self._seed is None:
            raise Locked
        return slip21.derive(slip21.master(self._seed), (label,)).key()

    def identifier(self) -> bytes:
        """Return HASH160 of the root's compressed public key (20 bytes): which seed this is; raise Locked."""
        return hash160(self._node(()).public_key(compressed=True))

    def backup_key(self) -> Secret:
        """Return the key (32 bytes) that seals back-ups of what apps keep; raise Locked."""
        return self._symmetric(b"app back-up")

    def endorsement_key(self) -> Secret:
        """Return the key (32 bytes) that seals attestation keys; raise Locked."""
        return self._symmetric(b"attestation keys")

    def _symmetric(self, label: bytes) -> Secret:
        if self._seed is None:
            raise Locked
        return slip21.derive(slip21.master(self._seed), (b"tallystick", label)).key()

    def _node(self, path: Sequence[int]) -> bip32.Node:
        if self._master is None:
            raise Locked
        return bip32.derive(self._master, path)

    def _slip10(self, curve: Curve, path: Sequence[int]) -> Secret:
        return self._slip10_node(curve, path).private_key

    def _slip10_node(self, curve: Curve, path: Sequence[int], *, seed_key: bytes = b"") -> slip10.Node:
        if self._seed is None:
            raise Locked
        from tallystick.crypto import slip10  # with its curves: not loaded for the devices that never need them

        kind = slip10.Curve[_SLIP10[curve]]
        if seed_key:
            _check_seed_key(seed_key, kind)
        return slip10.derive(slip10.master(self._seed, kind, seed_key=seed_key), path)


def _check_seed_key(key: bytes, kind: slip10.Curve) -> None:
    """Raise UsageError for the seed key of a tree with a permission of its own: none may be had in the name of `kind`."""
    from tallystick.crypto import aleo, slip10

    taken = {slip21.SEED_KEY, aleo.SEED_KEY, *(curve.value for curve in slip10.Curve if curve is not kind)}
    # to HMAC keys within one block are the same when they differ by zeros at their end (RFC 2104)
    if key.rstrip(b"\0") in taken:
        raise UsageError("this seed key belongs to another tree")


def _whole(node: zip32.Node) -> Secret:
    return Secret(node.key.reveal() + node.chain_code)
