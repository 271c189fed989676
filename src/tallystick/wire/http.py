"""APDUs in HTTP bodies: the bridge proxy and the Speculos REST path (wire-protocol A.6).

::

    bridge      POST /        {"apduHex": "<APDU>"}   ->  {"data": "<answer with status word>"} or {"error": "<text>"}
    Speculos    POST /apdu    {"data": "<APDU>"}      ->  {"data": "<answer with status word>"}

Bodies are measured before they are parsed; hexadecimal is digits and letters only, in pairs. Unknown members are ignored.
"""

from __future__ import annotations

import json
import re
from typing import Any

from tallystick.errors import LocalProtocolError, RemoteProtocolError
from tallystick.wire.apdu import MAX_APDU_BYTES, ResponseApdu

__all__ = [
    "MAX_BODY_BYTES",
    "decode_answer",
    "decode_bridge_request",
    "decode_rest_request",
    "encode_answer",
    "encode_bridge_request",
    "encode_error",
    "encode_rest_request",
]

_MAX_ANSWER_BYTES = 65_538
#: an edge may stop reading a body here: the longest APDU in hexadecimal, and room for the members around it
MAX_BODY_BYTES = 2 * MAX_APDU_BYTES + 1024

_HEX = re.compile(r"(?:[0-9A-Fa-f]{2})*")
_MAX_ERROR_LETTERS = 200


def encode_bridge_request(apdu: bytes) -> bytes:
    """Return the body by which a host asks a bridge proxy."""
    return _encode("apduHex", apdu, limit=MAX_APDU_BYTES)


def decode_bridge_request(body: bytes) -> bytes:
    """Return the APDU in a bridge request; raise RemoteProtocolError for any other body."""
    return _hex_member(_object(body), "apduHex", limit=MAX_APDU_BYTES)


def encode_rest_request(apdu: bytes) -> bytes:
    """Return the body by which a host asks the REST path ``/apdu``."""
    return _encode("data", apdu, limit=MAX_APDU_BYTES)


def decode_rest_request(body: bytes) -> bytes:
    """Return the APDU in a REST request; raise RemoteProtocolError for any other body."""
    return _hex_member(_object(body), "data", limit=MAX_APDU_BYTES)


def encode_answer(response: ResponseApdu | bytes) -> bytes:
    """Return the body of an answer, the same for both: the bytes include the status word."""
    raw = response if isinstance(response, bytes) else response.to_bytes()
    return _encode("data", raw, limit=_MAX_ANSWER_BYTES)


def encode_error(text: str) -> bytes:
    """Return the body by which a bridge says that there is no answer."""
    return json.dumps({"error": text}).encode()


def decode_answer(body: bytes) -> ResponseApdu:
    """Return the answer in a body; raise RemoteProtocolError when it is an error message or anything else."""
    members = _object(body)
    if "data" not in members and "error" in members:
        text = members["error"]
        said = text[:_MAX_ERROR_LETTERS] if isinstance(text, str) else "an error of its own kind"
        raise RemoteProtocolError(f"the proxy has no answer: {said!r}")
    return ResponseApdu.from_bytes(_hex_member(members, "data", limit=_MAX_ANSWER_BYTES))


def _encode(name: str, raw: bytes, *, limit: int) -> bytes:
    if len(raw) > limit:
        raise LocalProtocolError(f"{len(raw)} bytes are more than the {limit} a body may carry")
    return b'{"%s":"%s"}' % (name.encode(), raw.hex().encode())


def _object(body: bytes) -> dict[str, Any]:
    if len(body) > MAX_BODY_BYTES:
        raise RemoteProtocolError(f"a body has at most {MAX_BODY_BYTES} bytes, not {len(body)}", status=0x6700)
    try:
        members = json.loads(body)
    except (ValueError, RecursionError):
        raise RemoteProtocolError("the body is not JSON") from None
    if not isinstance(members, dict):
        raise RemoteProtocolError("the body is not a JSON object")
    return members


def _hex_member(members: dict[str, Any], name: str, *, limit: int) -> bytes:
    text = members.get(name)
    if not isinstance(text, str) or len(text) > 2 * limit or _HEX.fullmatch(text) is None:
        raise RemoteProtocolError(f"the body has no member {name!r} with at most {limit} bytes in hexadecimal")
    return bytes.fromhex(text)
