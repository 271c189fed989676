"""System calls as an app sees them: awaitable methods, one request each.

An app is a coroutine with no event loop: awaiting a call hands the request to whoever drives the coroutine and comes
back with the value. Waiting for a button is therefore nothing but a suspended call.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tallystick.app.call import call
from tallystick.app.endorsement import EndorsementCalls
from tallystick.wire.install import Curve
from tallystick.wire.screen import AppScene, Decided, Menu, Review, Selected
from tallystick.wire.syscall import (
    Agree,
    AppEvent,
    Ask,
    Cipher,
    DeviceInfo,
    Exchange,
    Idle,
    Log,
    PublicKey,
    PublicOf,
    Random,
    ReadRecord,
    ReadSetting,
    Response,
    Sign,
    SignWith,
    Verify,
    WriteRecord,
    WriteSetting,
)


class Os(EndorsementCalls):
    """The operating system, as far as an app can reach it. Every method may raise SyscallError."""

    def __init__(self, device: DeviceInfo) -> None:
        self.device = device

    async def exchange(self, response: Response | None = None) -> AppEvent:
        """Answer the APDU in hand, if there is one, and wait for the next event."""
        event: AppEvent = await call(Exchange(response))
        return event

    async def ask(self, scene: AppScene) -> Any:
        """Show `scene` and return the person's answer (None for Progress)."""
        return await call(Ask(scene))

    async def review(self, review: Review) -> bool:
        """Show a review; return whether it was approved."""
        answer = await call(Ask(review))
        return isinstance(answer, Decided) and answer.approved

    async def choose(self, scene: AppScene) -> int:
        """Show a choice or menu; return the index chosen."""
        answer = await call(Ask(scene))
        return answer.index if isinstance(answer, Selected) else 0

    async def idle(self, menu: Menu) -> None:
        """Set the menu shown while the app waits."""
        await call(Idle(menu))

    async def public_key(self, curve: Curve, path: Sequence[int]) -> bytes:
        """Derive a public key: 65 bytes (secp256k1, secp256r1, uncompressed) or 32 (ed25519)."""
        key: bytes = await call(PublicKey(curve, tuple(path)))
        return key

    async def sign(self, curve: Curve, path: Sequence[int], digest: bytes) -> bytes:
        """Sign a 32-byte digest (ECDSA: DER, RFC 6979, low S) or a message (ed25519: 64 bytes)."""
        signature: bytes = await call(Sign(curve, tuple(path), digest))
        return signature

    async def random(self, size_bytes: int) -> bytes:
        """Return 1 to 1024 random bytes."""
        data: bytes = await call(Random(size_bytes))
        return data

    async def public_of(self, private: bytes) -> bytes:
        """Compute the public key (65 bytes) of the app's own private key (32 bytes, secp256k1)."""
        key: bytes = await call(PublicOf(private))
        return key

    async def sign_with(self, private: bytes, digest: bytes) -> bytes:
        """Sign a 32-byte digest with the app's own private key: DER, RFC 6979, low S."""
        signature: bytes = await call(SignWith(private, digest))
        return signature

    async def verify(self, public: bytes, digest: bytes, signature: bytes) -> bool:
        """Return whether `signature` (DER) is one of `public` (65 bytes) over a 32-byte digest; a high S counts, too."""
        holds: bool = await call(Verify(public, digest, signature))
        return holds

    async def agree(self, private: bytes, public: bytes) -> bytes:
        """Return SHA-256 (32 bytes) of the compressed point that `private` (32) and `public` (65) have in common."""
        secret: bytes = await call(Agree(private, public))
        return secret

    async def encrypt(self, key: bytes, iv: bytes, plain: bytes) -> bytes:
        """Encrypt whole blocks with AES-128-CBC, without padding."""
        data: bytes = await call(Cipher(encrypt=True, key=key, iv=iv, data=plain))
        return data

    async def decrypt(self, key: bytes, iv: bytes, data: bytes) -> bytes:
        """Decrypt whole blocks with AES-128-CBC, without padding."""
        plain: bytes = await call(Cipher(encrypt=False, key=key, iv=iv, data=data))
        return plain

    async def setting(self, name: str) -> bool:
        """Return a setting the manifest declares."""
        value: bool = await call(ReadSetting(name))
        return value

    async def set_setting(self, name: str, value: bool) -> None:  # noqa: FBT001 -- the value of the setting
        """Set a setting the manifest declares."""
        await call(WriteSetting(name, value))

    async def read(self, record: str) -> bytes | None:
        """Return the app's own record, or None."""
        data: bytes | None = await call(ReadRecord(record))
        return data

    async def write(self, record: str, data: bytes | None) -> None:
        """Write the app's own record whole (at most 16 KiB), or remove it with None."""
        await call(WriteRecord(record, data))

    async def log(self, text: str) -> None:
        """Say something to the developer; never a secret."""
        await call(Log(text))
