"""The request by which HTTP becomes a WebSocket, and its answer (RFC 6455, 4.2); sans-IO.

No extension and no subprotocol is agreed on: messages are short, and clients name none.
"""

from __future__ import annotations

import binascii
import hashlib
import re
from dataclasses import dataclass
from typing import Final, Self
from urllib.parse import unquote

from tallystick.errors import RemoteProtocolError

__all__ = ["HEAD_END", "MAX_HEAD", "Upgrade", "UpgradeRefused"]

#: bytes of a request: some wallets bring cookies and tokens of their own along
MAX_HEAD: Final = 16 << 10
HEAD_END: Final = b"\r\n\r\n"
_ACCEPTED: Final = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
)
#: what makes the answer one to this very request (RFC 6455, 1.3)
_PROOF: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_KEY_BYTES: Final = 16
#: name, colon, value without control characters, on every line, and an empty line (RFC 9112, 5)
_LINES: Final = re.compile(rb"(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t -~\x80-\xff]*\r\n)*\r\n")
_WANTED: Final = frozenset({b"host", b"upgrade", b"connection", b"sec-websocket-key", b"sec-websocket-version"})
_REASONS: Final = {
    400: "Bad Request",
    403: "Forbidden",
    426: "Upgrade Required",
    431: "Request Header Fields Too Large",
}


class UpgradeRefused(RemoteProtocolError):
    """A request that does not become a WebSocket; `http_status` says why."""

    def __init__(self, message: str, *, http_status: int = 400) -> None:
        super().__init__(message)
        self.http_status = http_status

    def to_bytes(self) -> bytes:
        """Return the answer, after which the connection ends."""
        more = "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" if self.http_status == 426 else ""
        text = f"{self.message}\n".encode()
        return (
            f"HTTP/1.1 {self.http_status} {_REASONS[self.http_status]}\r\n{more}Content-Type: text/plain\r\n"
            f"Content-Length: {len(text)}\r\nConnection: close\r\n\r\n"
        ).encode() + text


@dataclass(frozen=True, slots=True, kw_only=True)
class Upgrade:
    """Which path is asked for, its query as it stands there, and the key (24 characters) to be answered."""

    path: str
    query: str
    key: bytes

    @classmethod
    def from_bytes(cls, head: bytes) -> Self:
        """Read a whole request, its empty line included; raise UpgradeRefused for one that is no upgrade."""
        if len(head) > MAX_HEAD:
            raise UpgradeRefused("the request is too long", http_status=431)
        first, _, lines = head.partition(b"\r\n")
        method, _, rest = first.partition(b" ")
        target, _, version = rest.partition(b" ")
        if method != b"GET" or version != b"HTTP/1.1" or not target.startswith(b"/") or not target.isascii():
            raise UpgradeRefused("a WebSocket begins with GET and HTTP/1.1")
        members = _members(lines)
        if b"websocket" not in _tokens(members, b"upgrade") or b"upgrade" not in _tokens(members, b"connection"):
            raise UpgradeRefused("this path is a WebSocket", http_status=426)
        if members.get(b"sec-websocket-version") != b"13":
            raise UpgradeRefused("the version of the WebSocket is not 13", http_status=426)
        if b"host" not in members:
            raise UpgradeRefused("the request has no Host")
        path, _, query = target.decode("ascii").partition("?")
        return cls(path=unquote(path), query=query, key=_checked_key(members.get(b"sec-websocket-key", b"")))

    def answer(self) -> bytes:
        """Return the answer that makes it a WebSocket."""
        proof = hashlib.sha1(self.key + _PROOF, usedforsecurity=False).digest()
        return _ACCEPTED + binascii.b2a_base64(proof, newline=False) + HEAD_END


def _members(lines: bytes) -> dict[bytes, bytes]:
    """Return what the head says of upgrades, each name once; raise UpgradeRefused for what is no head."""
    if _LINES.fullmatch(lines) is None:
        raise UpgradeRefused("the request is no HTTP")
    members: dict[bytes, bytes] = {}
    for line in lines.split(b"\r\n"):
        said, _, value = line.partition(b":")
        name = said.lower()
        if name not in _WANTED:
            continue
        value = value.strip(b" \t")
        if name not in members:
            members[name] = value
        elif name in {b"upgrade", b"connection"}:
            # lists may stand in several lines
            members[name] += b"," + value
        else:
            raise UpgradeRefused("the request says something twice")
    return members


def _tokens(members: dict[bytes, bytes], name: bytes) -> list[bytes]:
    return [one.strip(b" \t") for one in members.get(name, b"").lower().split(b",")]


def _checked_key(key: bytes) -> bytes:
    try:
        if len(binascii.a2b_base64(key, strict_mode=True)) == _KEY_BYTES:
            return key
    except binascii.Error:
        pass
    raise UpgradeRefused("the key of the WebSocket is not one of 16 bytes")
