"""An instance of the transfer app with an OS of a few lines below it: each call is answered at once, nothing waits."""

from __future__ import annotations

import json
from collections.abc import Coroutine, Iterable
from pathlib import Path
from typing import Any

from tallystick.apps.transfer.app import TransferApp
from tallystick.crypto.hash import sha256
from tallystick.crypto.scp import KeySigner
from tallystick.device.os.cipher_call import CipherCall, calculate
from tallystick.errors import RemoteProtocolError
from tallystick.testing.factory import known_key
from tallystick.wire.apdu import CommandApdu, ResponseApdu
from tallystick.wire.call_cipher import Agree, Cipher, PublicOf, SignWith, Verify
from tallystick.wire.certificate import owner_message
from tallystick.wire.screen import Menu, Review
from tallystick.wire.status import Reject
from tallystick.wire.syscall import CallStatus, SyscallError

VECTORS: dict[str, str] = json.loads((Path(__file__).parents[3] / "vectors/transfer.json").read_text())
OK, WRONG_STATE, BAD_DATA = 0x9000, 0x6985, 0x6A80
PUBLIC_KEY, SIGN, ATTESTATION, EXPORT, IMPORT, CREATE, STATUS = range(0, 14, 2)
CODE_HASH = sha256(b"the code of the app")
NONE, SEALED, UNSEALED = b"\0\0", b"\1\1", b"\1\0"


def vector(name: str) -> bytes:
    """Return one of the worked values."""
    return bytes.fromhex(VECTORS[name])


class PowerLost(BaseException):
    """The power goes at a write."""


class FakeOs:
    """The OS below one instance; `answers` are what the person says, `numbers` what the random source gives first."""

    def __init__(self, attestation: KeySigner, certificate: bytes, *, code_hash: bytes = CODE_HASH) -> None:
        self.attestation = attestation
        self.certificate = certificate
        self.code_hash = code_hash
        self.records: dict[str, bytes] = {}
        self.answers: list[bool] = []
        self.numbers: list[bytes] = []
        self.reviews: list[Review] = []
        self.menus: list[Menu] = []
        #: calls in their order: what must be written before what is said
        self.calls: list[str] = []
        self.full = False
        self.cut_at_write: int | None = None
        self._count = 0

    async def endorsement_get_code_hash(self) -> bytes:
        """Return the own hash."""
        return self.code_hash

    async def endorsement_get_public_key(self, slot: int) -> bytes:
        """Return the attestation key."""
        assert slot == 1
        return self.attestation.public_key

    async def endorsement_get_public_key_certificate(self, slot: int) -> bytes:
        """Return what the owner stored."""
        assert slot == 1
        return self.certificate

    async def endorsement_key1_sign_data(self, data: bytes) -> bytes:
        """Sign data and own hash."""
        self.calls.append("sign_data")
        return self.attestation.sign(data + self.code_hash)

    async def public_of(self, private: bytes) -> bytes:
        """Compute as the OS does."""
        return self._calculate(PublicOf(private))

    async def sign_with(self, private: bytes, digest: bytes) -> bytes:
        """Compute as the OS does."""
        self.calls.append("sign_with")
        return self._calculate(SignWith(private, digest))

    async def verify(self, public: bytes, digest: bytes, signature: bytes) -> bool:
        """Compute as the OS does."""
        return self._calculate(Verify(public, digest, signature))

    async def agree(self, private: bytes, public: bytes) -> bytes:
        """Compute as the OS does."""
        return self._calculate(Agree(private, public))

    async def encrypt(self, key: bytes, iv: bytes, plain: bytes) -> bytes:
        """Compute as the OS does."""
        return self._calculate(Cipher(encrypt=True, key=key, iv=iv, data=plain))

    async def decrypt(self, key: bytes, iv: bytes, data: bytes) -> bytes:
        """Compute as the OS does."""
        return self._calculate(Cipher(encrypt=False, key=key, iv=iv, data=data))

    async def random(self, size_bytes: int) -> bytes:
        """Return the next number."""
        if self.numbers:
            return self.numbers.pop(0)
        self._count += 1
        return sha256(self.attestation.public_key + self._count.to_bytes(4, "big"))[:size_bytes]

    async def read(self, record: str) -> bytes | None:
        """Return a record."""
        return self.records.get(record)

    async def write(self, record: str, data: bytes | None) -> None:
        """Keep a record, unless the flash is full or the power goes."""
        self.calls.append("write")
        if self.full:
            raise SyscallError(CallStatus.NO_SPACE)
        if self.cut_at_write == 0:
            raise PowerLost
        if self.cut_at_write is not None:
            self.cut_at_write -= 1
        assert data is not None
        self.records[record] = data

    async def review(self, review: Review) -> bool:
        """Ask the person."""
        self.calls.append("review")
        self.reviews.append(review)
        return self.answers.pop(0) if self.answers else True

    async def idle(self, menu: Menu) -> None:
        """Remember the menu."""
        self.menus.append(menu)

    @staticmethod
    def _calculate(request: CipherCall) -> Any:
        outcome = calculate(request)
        return outcome.unwrap()


class Side:
    """One device with the app: certified by the test owner, unless told otherwise."""

    def __init__(
        self,
        name: str,
        *,
        owner: KeySigner | None = None,
        code_hash: bytes = CODE_HASH,
        certificate: bytes | None = None,
    ) -> None:
        attestation = KeySigner(sha256(b"attestation key of " + name.encode()))
        if certificate is None:
            certificate = (owner or known_key("owner")).sign(owner_message(attestation.public_key))
        self.os = FakeOs(attestation, certificate, code_hash=code_hash)
        self.restart()

    def restart(self) -> None:
        """Start the app anew: what lay in memory is gone."""
        self.app = TransferApp(self.os)  # type: ignore[arg-type]  # the calls it makes, without the wire below
        run(self.app.menu())

    def send(self, ins: int, p1: int = 0, data: bytes = b"", *, p2: int = 0) -> ResponseApdu:
        """Send one command and return its answer."""
        return self.raw(CommandApdu(0xE0, ins, p1, p2, data).to_bytes())

    def raw(self, apdu: bytes) -> ResponseApdu:
        """Send bytes as they are."""
        try:
            return ResponseApdu(run(self.app.handle(apdu)), OK)
        except Reject as reject:
            return ResponseApdu(reject.data, reject.status)
        except RemoteProtocolError as error:
            return ResponseApdu(b"", error.status)

    def data(self, ins: int, p1: int = 0, data: bytes = b"") -> bytes:
        """Send a command that must succeed; return its data."""
        answer = self.send(ins, p1, data)
        assert answer.ok, f"{ins:02x} {p1:02x} was answered {answer.status:04X}"
        return answer.data

    @property
    def status(self) -> bytes:
        """Return available and sealed."""
        return self.data(STATUS)


def run(program: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine that never waits."""
    try:
        program.send(None)
    except StopIteration as end:
        return end.value
    raise AssertionError("it waits")


def pair(**changes: Any) -> tuple[Side, Side]:
    """Return a sender with a fresh key, and a receiver; `changes` are the receiver's."""
    sender, receiver = Side("sender"), Side("receiver", **changes)
    sender.data(CREATE)
    return sender, receiver


def introduce(sender: Side, receiver: Side) -> tuple[bytes, bytes]:
    """Bring both to where they know each other; return their hellos, the sender's first."""
    hellos = sender.data(EXPORT, 1), receiver.data(IMPORT, 1)
    sender.data(EXPORT, 2, receiver.data(ATTESTATION))
    receiver.data(IMPORT, 2, sender.data(ATTESTATION))
    return hellos


def transfer(sender: Side, receiver: Side) -> None:
    """Move the key."""
    sender_hello, receiver_hello = introduce(sender, receiver)
    receiver.data(IMPORT, 3, sender_hello)
    receiver.data(IMPORT, 4, sender.data(EXPORT, 3, receiver_hello))


def orders(names: Iterable[str]) -> list[str]:
    """Return the calls that matter for order."""
    return [name for name in names if name in {"write", "sign_with", "review"}]
