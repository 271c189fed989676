"""What is sent to which app: the same kinds of work in the app that each peer runs."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

#: asks for name and version of what runs (wire-protocol C)
NAME_AND_VERSION = bytes.fromhex("b001000000")
SEED = "test test test test test test test test test test test junk"
_HARDENED = 0x8000_0000
_RIGHT = [["button", 2, True], ["button", 2, False]]
_BOTH = [["button", 1, True], ["button", 2, True], ["button", 1, False], ["button", 2, False]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One app: its name, a key by number, one signature as its APDUs, and the rules that approve it."""

    app: str
    key: Callable[[int], bytes]
    signature: tuple[bytes, ...]
    rules: dict[str, Any]
    #: screens of the review that the rules walk through
    screens: int
    #: a command that the app answers at once
    trivial: bytes = NAME_AND_VERSION


def _apdu(*header: int, data: bytes = b"") -> bytes:
    return bytes([*header, len(data)]) + data


def _rules(titles: str, approve: str) -> dict[str, Any]:
    return {
        "version": 1,
        "rules": [
            {"regexp": f"^({titles})$", "actions": _RIGHT},
            {"regexp": f"^({approve})$", "actions": _BOTH},
        ],
    }


# --- the Cosmos app (cosmos-app 1) ------------------------------------------------------------------------------------

#: how many there are, counting leaves that are hardened and not
_COSMOS_PATHS = 101 * 202


def _cosmos_path(index: int) -> bytes:
    # account and leaf end at 100 without expert mode (cosmos-app 1); the leaf may be hardened or not
    account, leaf = divmod(index % _COSMOS_PATHS, 202)
    levels = (
        44 | _HARDENED,
        118 | _HARDENED,
        account | _HARDENED,
        0,
        leaf if leaf <= 100 else (leaf - 101) | _HARDENED,
    )
    return struct.pack("<5I", *levels)


def _cosmos_key(index: int) -> bytes:
    return _apdu(0x55, 0x04, 0, 0, data=b"\x06cosmos" + _cosmos_path(index))


COSMOS_DOCUMENT = json.dumps(
    {
        "account_number": "12",
        "chain_id": "cosmoshub-4",
        "fee": {"amount": [{"amount": "5000", "denom": "uatom"}], "gas": "200000"},
        "memo": "measured",
        "msgs": [
            {
                "type": "cosmos-sdk/MsgSend",
                "value": {
                    "amount": [{"amount": "1500000", "denom": "uatom"}],
                    "from_address": "cosmos15yk64u7zc9g9k2yr2wmzeva5qgwxps6yxj00e7",
                    "to_address": "cosmos1erxf3sa9q2j4vgseu7jq4a258ckmk7cy076t8z",
                },
            }
        ],
        "sequence": "3",
    },
    separators=(",", ":"),
    sort_keys=True,
).encode()

COSMOS = Profile(
    app="Cosmos",
    key=_cosmos_key,
    signature=(
        _apdu(0x55, 0x02, 0, 0, data=_cosmos_path(0)),
        _apdu(0x55, 0x02, 1, 0, data=COSMOS_DOCUMENT[:250]),
        _apdu(0x55, 0x02, 2, 0, data=COSMOS_DOCUMENT[250:]),
    ),
    rules=_rules("Please|Type|Amount|From|To|Memo|Fee", "APPROVE"),
    screens=8,
)

# --- the Boilerplate app: class E0, 05 public key, 06 sign a transaction (nonce, address, amount, memo) ---------------


def _packed_path(*levels: int) -> bytes:
    return struct.pack(f">B{len(levels)}I", len(levels), *levels)


_BOILERPLATE_TRANSACTION = (1).to_bytes(8, "big") + bytes(range(20)) + (666).to_bytes(8, "big") + b"\x08" + b"measured"

BOILERPLATE = Profile(
    app="Boilerplate",
    key=lambda index: _apdu(0xE0, 5, 0, 0, data=_packed_path(44 | _HARDENED, 1 | _HARDENED, _HARDENED, 0, index)),
    signature=(
        _apdu(0xE0, 6, 0, 0x80, data=_packed_path(44 | _HARDENED, 1 | _HARDENED, _HARDENED, 0, 0)),
        _apdu(0xE0, 6, 1, 0, data=_BOILERPLATE_TRANSACTION),
    ),
    rules=_rules("Review transaction|Amount|To", "Sign transaction"),
    screens=4,
    trivial=_apdu(0xE0, 3, 0, 0),
)

# --- the Ethereum app: class E0, 02 address, 06 configuration, 08 sign a message ---------------------------------------

ETHEREUM = Profile(
    app="Ethereum",
    key=lambda index: _apdu(0xE0, 2, 0, 0, data=_packed_path(44 | _HARDENED, 60 | _HARDENED, _HARDENED, 0, index)),
    signature=(
        _apdu(
            *(0xE0, 8, 0, 0),
            data=_packed_path(44 | _HARDENED, 60 | _HARDENED, _HARDENED, 0, 0) + struct.pack(">I", 5) + b"hello",
        ),
    ),
    rules=_rules("Review message|Message", "Sign message"),
    screens=3,
    trivial=_apdu(0xE0, 6, 0, 0),
)

# --- the Bitcoin app, 2.0 and later: class E1, 00 extended public key, 05 fingerprint ------------------------------------


def _bitcoin_key(index: int) -> bytes:
    # accounts up to 100 are given without asking the person
    account, leaf = index % 100, index // 100
    return _apdu(0xE1, 0, 0, 1, data=b"\0" + _packed_path(84 | _HARDENED, _HARDENED, account | _HARDENED, 0, leaf))


BITCOIN = Profile(
    app="Bitcoin",
    key=_bitcoin_key,
    signature=(),
    rules={"version": 1, "rules": []},
    screens=0,
    trivial=_apdu(0xE1, 5, 0, 1),
)

#: files from before there were API levels do not say their name
BITCOIN_UNNAMED = replace(BITCOIN, app="app")

PROFILES = {
    "cosmos": COSMOS,
    "boilerplate": BOILERPLATE,
    "ethereum": ETHEREUM,
    "bitcoin": BITCOIN,
    "bitcoin-unnamed": BITCOIN_UNNAMED,
}
