"""A device for tests of the host: an OS and a Cosmos app by the references, as a transport, with a person who is scripted.

It is written against the references and not against the device of this project, so that the two can be wrong apart.
"""

from __future__ import annotations

from tallystick.crypto import bip32, bip39, secp256k1
from tallystick.crypto.bech32 import encode_bytes
from tallystick.crypto.hash import hash160, keccak256, sha256
from tallystick.errors import LocalProtocolError, TransportError

TEST_SENTENCE = "test test test test test test test test test test test junk"

#: Nano S+ 1.1.1, wire-protocol C.2
VERSION_ANSWER = bytes.fromhex("33100004 05 312e312e31 04 e6000000 04 342e3033 04 332e3132 01 00 01 00")


def app_entry(name: str, *, code: int = 0x11) -> bytes:
    """Return one entry of an app list, wire-protocol C.4."""
    raw = name.encode()
    return bytes((70 + len(raw),)) + b"\x00\x13\xca\x50" + bytes((code,)) * 32 + b"\x22" * 32 + bytes((len(raw),)) + raw


class ScriptedDevice:
    """Answers APDUs; `polls` is how often it lets a waiting client ask in vain before a person decides."""

    url = "scripted:"

    def __init__(self) -> None:
        self.app = "BOLOS"
        self.apps = ["Cosmos", "Bitcoin"]
        self.name = "Tally 1"
        self.is_locked = False
        self.refuses = False
        self.polls = 0
        self.forced: dict[bytes, bytes] = {}
        self.log: list[bytes] = []
        self.closed = 0
        self.unplugged_sends = 0
        self.pages = 1
        self.buffer: bytearray | None = None
        self.path: tuple[int, ...] = ()
        self.signature_change = b""
        self._answer: bytes | None = None
        self._left = 0
        self._master = None

    # the transport

    def send(self, apdu: bytes) -> None:
        """Take one APDU."""
        if self._answer is not None:
            raise LocalProtocolError("an answer is still owed")
        if self.unplugged_sends:
            self.unplugged_sends -= 1
            raise TransportError("unplugged")
        self.log.append(apdu)
        self._left = 0
        self._answer = self.answer(apdu)

    def receive(self, timeout_s: float) -> bytes | None:
        """Give the answer once the person has been waited for."""
        if self._left:
            self._left -= 1
            return None
        answer, self._answer = self._answer, None
        return answer

    def exchange(self, apdu: bytes, *, timeout_s: float | None = None) -> bytes:
        """Send and wait."""
        self.send(apdu)
        while (answer := self.receive(1)) is None:
            pass
        return answer

    def close(self) -> None:
        """Forget what is owed."""
        self.closed += 1
        self._answer = None

    # the device

    def answer(self, apdu: bytes) -> bytes:
        """Return data and status word."""
        for prefix, answer in self.forced.items():
            if apdu.startswith(prefix):
                return answer
        if self.is_locked and apdu[:2] != b"\xb0\x01":
            return b"\x55\x15"
        handler = {
            b"\xb0\x01": self._opened,
            b"\xb0\xa7": self._quit,
            b"\xe0\x01": lambda _data: VERSION_ANSWER + b"\x90\x00",
            b"\xe0\x10": lambda _data: b"\x55\x90\x00",
            b"\xe0\xd2": lambda _data: self.name.encode() + b"\x90\x00",
            b"\xe0\xd4": self._rename,
            b"\xe0\xd8": self._open,
            b"\xe0\xde": self._list,
            b"\xe0\xdf": self._list_more,
        }.get(apdu[:2])
        if apdu[0] == 0x55 and self.app in {"Cosmos", "app"}:
            return self._cosmos(apdu)
        if handler is None or (apdu[0] == 0xE0 and self.app != "BOLOS"):
            return b"\x6e\x00"
        return handler(apdu[5:])

    def _person(self, agreed: bytes, refused: bytes = b"\x55\x01") -> bytes:
        self._left = self.polls
        return refused if self.refuses else agreed

    def _opened(self, _data: bytes) -> bytes:
        name = self.app.encode()
        return b"\x01" + bytes((len(name),)) + name + b"\x051.6.0\x01\x02\x90\x00"

    def _quit(self, _data: bytes) -> bytes:
        self.app = "BOLOS"
        return b"\x90\x00"

    def _rename(self, data: bytes) -> bytes:
        if not self.refuses:
            self.name = data.decode()
        return self._person(b"\x90\x00")

    def _open(self, data: bytes) -> bytes:
        if data.decode() not in self.apps:
            return b"\x68\x07"
        if not self.refuses:
            self.app = data.decode()
        return self._person(b"\x90\x00")

    def _list(self, _data: bytes) -> bytes:
        entries = b"".join(app_entry(name) for name in self.apps)
        return self._person(b"\x01" + entries + app_entry("language", code=0) + b"\x90\x00")

    def _list_more(self, _data: bytes) -> bytes:
        self.pages -= 1
        return b"\x90\x00" if self.pages <= 0 else b"\x01" + app_entry(f"More{self.pages}") + b"\x90\x00"

    def _cosmos(self, apdu: bytes) -> bytes:
        ins, p1, data = apdu[1], apdu[2], apdu[5:]
        if ins == 0x04 and self.buffer is None:
            return self._address(data, is_shown=p1 != 0)
        if ins == 0x02 and p1 == 0 and self.buffer is None:
            self.buffer = bytearray()
            self.path = _words(data[:20])
            return b"\x90\x00"
        if ins == 0x02 and p1 > 2:
            self.buffer = None
            return b"\x6b\x00"
        if ins == 0x02 and p1 in {1, 2} and self.buffer is not None:
            self.buffer += data
            return b"\x90\x00" if p1 == 1 else self._sign()
        return b"\x69\x86"

    def _address(self, data: bytes, *, is_shown: bool) -> bytes:
        hrp, path = data[1 : 1 + data[0]].decode(), _words(data[1 + data[0] :])
        key = self.node(path).public_key()
        tail = hash160(key) if path[1] == 0x80000076 else keccak256(secp256k1.decompress(key)[1:])[-20:]
        answer = key + encode_bytes(hrp, tail).encode() + b"\x90\x00"
        return self._person(answer, b"\x69\x86") if is_shown else answer

    def _sign(self) -> bytes:
        payload, self.buffer = bytes(self.buffer or b""), None
        digest = sha256(payload) if self.path[1] == 0x80000076 else keccak256(payload)
        signature = secp256k1.sign_ecdsa_der(self.node(self.path).private_key, digest)
        return self._person((self.signature_change or signature) + b"\x90\x00", b"\x69\x86")

    def node(self, path: tuple[int, ...]) -> bip32.Node:
        """Return the key of the test sentence at `path`."""
        if self._master is None:
            self._master = bip32.master(bip39.seed(TEST_SENTENCE))
        return bip32.derive(self._master, path)


def _words(raw: bytes) -> tuple[int, ...]:
    return tuple(int.from_bytes(raw[offset : offset + 4], "little") for offset in range(0, 20, 4))
