"""What a manager and its client say to each other over a WebSocket (wire-protocol H.3, H.4).

The manager sends one JSON text at a time, each with a nonce that the answer repeats: `Exchange` (one APDU, one reply), `Bulk`
(many APDUs; some clients close the socket and run them, others reply once), and at the end `Success` or `Error`. The text of an
error ends in a status word, four characters that clients read. `uuid` and `session` name the conversation.
"""

from __future__ import annotations

import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum, unique
from json.encoder import encode_basestring_ascii as _quoted
from typing import Any, Final, NoReturn, Self

from tallystick.errors import LocalProtocolError, RemoteProtocolError

#: characters of one message of the manager: a bulk with the whole image of a release in it
MAX_MESSAGE: Final = 256 << 20
#: characters of one reply: the longest answer of a short APDU in hexadecimal, and ample room for the members around it
MAX_REPLY: Final = 4096
#: fewer than a header and Lc is no APDU; strict clients refuse it
_MIN_APDU: Final = 5
_MAX_NONCE: Final = 1 << 53
#: made once: `json.dumps` with separators makes one for each message
_ENCODER: Final = json.JSONEncoder(separators=(",", ":"))
_DECODER: Final = json.JSONDecoder()
_WHITE: Final = " \t\r\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Message:
    """What every message of the manager carries; `nonce` is a whole number."""

    nonce: int
    uuid: str = ""
    session: str = ""

    def _text(self, query: str, **members: Any) -> str:
        head = {"uuid": self.uuid, "session": self.session, "query": query, "nonce": self.nonce}
        return _ENCODER.encode(head | members)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange(_Message):
    """One APDU (at least 5 bytes) for the device, to be answered by one reply."""

    apdu: bytes

    def to_json(self) -> str:
        """Return the text of the message; raise LocalProtocolError for less than an APDU."""
        return exchange_json(self.apdu, nonce=self.nonce, head=exchange_head(uuid=self.uuid, session=self.session))


def exchange_head(*, uuid: str, session: str) -> str:
    """Return how the text of every `Exchange` of one conversation begins."""
    return f'{{"uuid":{_quoted(uuid)},"session":{_quoted(session)},"query":"exchange","nonce":'


def exchange_json(apdu: bytes, *, nonce: int, head: str) -> str:
    """Return the text of an `Exchange`, of which conversations are made, without making one; raises as `to_json` does."""
    return f'{head}{nonce},"data":"{_apdu_hex(apdu)}"}}'


@dataclass(frozen=True, slots=True, kw_only=True)
class Bulk(_Message):
    """APDUs to be run one after the other, at least one; a reply may never come."""

    apdus: tuple[bytes, ...]

    def to_json(self) -> str:
        """Return the text of the message; raise LocalProtocolError for none, or less than an APDU."""
        if not self.apdus:
            raise LocalProtocolError("a bulk holds at least one APDU")
        return self._text("bulk", data=[_apdu_hex(apdu) for apdu in self.apdus])


@dataclass(frozen=True, slots=True, kw_only=True)
class Success(_Message):
    """The end of a flow that worked, with a `result` that wins over `data` where there is one."""

    data: str = ""
    result: Any = None

    def to_json(self) -> str:
        """Return the text of the message, without `result` where it is None."""
        return self._text("success", data=self.data, **({} if self.result is None else {"result": self.result}))


def success_json(data: str, *, nonce: int, uuid: str, session: str) -> str:
    """Return the text of a `Success` that has no result beside its data, without making one."""
    head = f'{{"uuid":{_quoted(uuid)},"session":{_quoted(session)},"query":"success"'
    return f'{head},"nonce":{nonce},"data":{_quoted(data)}}}'


@dataclass(frozen=True, slots=True, kw_only=True)
class Error(_Message):
    """The end of a flow that failed: a text whose last four characters are a status word."""

    text: str

    def to_json(self) -> str:
        """Return the text of the message."""
        return self._text("error", data=self.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Warning(_Message):  # noqa: A001 - what the protocol calls it
    """Something to show to the person; the flow goes on."""

    text: str

    def to_json(self) -> str:
        """Return the text of the message."""
        return self._text("warning", data=self.text)


ServerMessage = Exchange | Bulk | Success | Error | Warning


def decode_server_message(text: str) -> ServerMessage:
    """Read a message of a manager; raise RemoteProtocolError for anything that H.4 does not know."""
    document = _object(text, limit=MAX_MESSAGE)
    head: dict[str, Any] = {
        "nonce": _nonce(document),
        "uuid": _optional_text(document, "uuid"),
        "session": _optional_text(document, "session"),
    }
    data = document.get("data")
    match document.get("query"):
        case "exchange":
            return Exchange(**head, apdu=_apdu(data))
        case "bulk":
            if not isinstance(data, list) or not data:
                raise RemoteProtocolError("the manager's bulk holds no APDU")
            # an empty text stands in some bulks and means nothing
            return Bulk(**head, apdus=tuple(_apdu(one) for one in data if one != ""))
        case "success":
            return Success(**head, data=data if isinstance(data, str) else "", result=document.get("result"))
        case "error":
            return Error(**head, text=data if isinstance(data, str) else "")
        case "warning":
            return Warning(**head, text=data if isinstance(data, str) else "")
    raise RemoteProtocolError("the manager's message is of an unknown kind")


@unique
class Response(StrEnum):
    """How a client says that it went."""

    SUCCESS = "success"
    ERROR = "error"
    #: transport or status word, as one old client calls it
    IO = "I/O"
    UNSUPPORTED = "unsupported"
    PARSE_ERROR = "parse error"


_RESPONSES: Final = {one.value: one for one in Response}


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientReply:
    """A client's reply: the nonce of the message it answers, how it went, and the answer without its status word."""

    nonce: int
    response: Response
    data: bytes = b""

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read a reply of at most MAX_REPLY characters; raise RemoteProtocolError for anything else."""
        nonce, response, data = read_reply(text)
        return cls(nonce=nonce, response=response, data=data)

    def to_json(self) -> str:
        """Return the text of the reply."""
        members = {"nonce": self.nonce, "response": self.response.value, "data": self.data.hex()}
        return _ENCODER.encode(members)


def read_reply(text: str) -> tuple[int, Response, bytes]:
    """Return nonce, response and data of a `ClientReply`, of which conversations are made, without making one; raises the same."""
    document = _object(text, limit=MAX_REPLY)
    said = document.get("response")
    response = _RESPONSES.get(said) if type(said) is str else None
    if response is None:
        raise RemoteProtocolError("the reply says neither success nor error")
    data = document.get("data")
    return _nonce(document), response, _bytes(data, "reply") if data else b""


def _apdu_hex(apdu: bytes) -> str:
    if len(apdu) < _MIN_APDU:
        raise LocalProtocolError(f"an APDU has at least {_MIN_APDU} bytes, not {len(apdu)}")
    return apdu.hex()


def _apdu(data: object) -> bytes:
    if not isinstance(data, str) or len(data) < 2 * _MIN_APDU:
        raise RemoteProtocolError("the manager's message holds no APDU")
    return _bytes(data, "message")


def _bytes(data: object, what: str) -> bytes:
    """Return what hexadecimal text says: pairs of digits and nothing between them."""
    try:
        return binascii.unhexlify(data) if type(data) is str else _refuse(what)
    except ValueError:
        _refuse(what)


def _refuse(what: str) -> NoReturn:
    raise RemoteProtocolError(f"the data of the {what} is not hexadecimal") from None


def _object(text: str, *, limit: int) -> dict[str, Any]:
    if len(text) > limit:
        raise RemoteProtocolError(f"a message has at most {limit} characters, not {len(text)}")
    text = text.strip(_WHITE)
    try:
        document, end = _DECODER.raw_decode(text)
    except (ValueError, RecursionError):
        raise RemoteProtocolError("the message is not JSON") from None
    if end != len(text):
        raise RemoteProtocolError("the message is not one JSON document")
    if type(document) is not dict:
        raise RemoteProtocolError("the message is not a JSON object")
    return document


def _nonce(document: Mapping[str, Any]) -> int:
    nonce = document.get("nonce")
    if type(nonce) is not int or not 0 <= nonce <= _MAX_NONCE:
        raise RemoteProtocolError("the message has no nonce")
    return nonce


def _optional_text(document: Mapping[str, Any], name: str) -> str:
    value = document.get(name)
    return value if isinstance(value, str) else ""
