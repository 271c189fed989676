"""APDUs in HTTP bodies, as a host writes and reads them: the bridge proxy and the Speculos REST path (wire-protocol A.6).

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
    "encode_bridge_request",
    "encode_rest_request",
]

_MAX_ANSWER_BYTES = 65_538
#: an edge may stop reading a body here: the longest answer in hexadecimal, and room for the members around it
MAX_BODY_BYTES = 2 * _MAX_ANSWER_BYTES + 1024

_HEX = re.compile(r"(?:[0-9A-Fa-f]{2})*")
_MAX_ERROR_LETTERS = 200


def encode_bridge_request(apdu: bytes) -> bytes:
    """Return the body by which a host asks a bridge proxy."""
    return _encode("apduHex", apdu)


def encode_rest_request(apdu: bytes) -> bytes:
    """Return the body by which a host asks the REST path ``/apdu``."""
    return _encode("data", apdu)


def decode_answer(body: bytes) -> ResponseApdu:
    """Return the answer in a body, the same for both; raise RemoteProtocolError for an error message or anything else."""
    members = _object(body)
    if "data" not in members and "error" in members:
        text = members["error"]
        said = text[:_MAX_ERROR_LETTERS] if isinstance(text, str) else "an error of its own kind"
        raise RemoteProtocolError(f"the proxy has no answer: {said!r}")
    data = members.get("data")
    if not isinstance(data, str) or len(data) > 2 * _MAX_ANSWER_BYTES or _HEX.fullmatch(data) is None:
        raise RemoteProtocolError(
            f"the body has no member 'data' with at most {_MAX_ANSWER_BYTES} bytes in hexadecimal"
        )
    return ResponseApdu.from_bytes(bytes.fromhex(data))


def _encode(name: str, apdu: bytes) -> bytes:
    if len(apdu) > MAX_APDU_BYTES:
        raise LocalProtocolError(f"{len(apdu)} bytes are more than the {MAX_APDU_BYTES} a body may carry")
    return b'{"%s":"%s"}' % (name.encode(), apdu.hex().encode())


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
