"""What every driver here shares: the request it was given and the one JSON line it answers.

A driver gets one argument, a JSON object: `apdu_port`, `open_app`, `steps`, `path` (five numbers, hardening in bit 31),
`hrp`, `documents` (texts by name), `textual` (hexadecimal). It prints one JSON line.
"""

import json
import struct
import sys

CHUNK_BYTES = 240


def request():
    """Give the request this driver was started with, as a dict."""
    return json.loads(sys.argv[1])


def answer(result):
    """Print the one line."""
    print(json.dumps(result), flush=True)


def get_address(*, path, hrp, show):
    """Build GetAddrSecp256K1 (cosmos-app 1): the APDU's fields as (cla, ins, p1, p2, data)."""
    data = bytes([len(hrp)]) + hrp.encode() + struct.pack("<5I", *path)
    return 0x55, 0x04, int(show), 0x00, data


def sign(*, path, payload, p2=0):
    """Build SignSecp256K1 (cosmos-app 1): init without hrp, then the payload in chunks; fields of each APDU."""
    yield 0x55, 0x02, 0x00, p2, struct.pack("<5I", *path)
    for start in range(0, len(payload), CHUNK_BYTES):
        last = start + CHUNK_BYTES >= len(payload)
        yield 0x55, 0x02, 0x02 if last else 0x01, p2, payload[start : start + CHUNK_BYTES]


def raw(fields):
    """Join the fields of an APDU."""
    *head, data = fields
    return bytes([*head, len(data)]) + data
