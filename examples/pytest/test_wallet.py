"""A wallet's tests against a hardware wallet, with nothing plugged in: `pip install 'tallystick[testing]'`, then `pytest`."""

import json

import pytest

from tallystick.errors import UserRefused
from tallystick.host.actions import cosmos
from tallystick.host.actions.step import Done, NeedsUser, result
from tallystick.wire.path import Bip32Path

PATH = Bip32Path.parse("44'/118'/0'/0/0")
ALICE = "cosmos1erxf3sa9q2j4vgseu7jq4a258ckmk7cy076t8z"


def transfer(sender: str, *, uatom: int) -> bytes:
    """What a wallet builds: the sign document of a transfer, in its canonical form."""
    coins = [{"amount": str(uatom), "denom": "uatom"}]
    send = {"amount": coins, "from_address": sender, "to_address": ALICE}
    document = {
        "account_number": "12",
        "chain_id": "cosmoshub-4",
        "fee": {"amount": [{"amount": "5000", "denom": "uatom"}], "gas": "200000"},
        "memo": "",
        "msgs": [{"type": "cosmos-sdk/MsgSend", "value": send}],
        "sequence": "7",
    }
    return json.dumps(document, separators=(",", ":"), sort_keys=True).encode()


@pytest.mark.device(open="cosmos")
def test_the_wallet_shows_the_address_of_the_device(session):
    answer = result(cosmos.address(session, PATH))
    assert answer.address == "cosmos15yk64u7zc9g9k2yr2wmzeva5qgwxps6yxj00e7"


@pytest.mark.device(open="cosmos")
@pytest.mark.models("nanosp", "stax")
def test_a_transfer_is_read_and_approved(session, user):
    sender = result(cosmos.address(session, PATH)).address
    for step in cosmos.sign(session, transfer(sender, uatom=1_500_000), path=PATH):
        match step:
            case NeedsUser():
                review = user.approve()
            case Done(value=signed):
                break
    assert review.value("Amount") == "1.500000 ATOM"
    assert review.value("To") == ALICE
    assert signed.address == sender  # the signature was verified with the key of this address


@pytest.mark.device(open="cosmos")
def test_a_refusal_is_told_apart_from_a_fault(session, user):
    sender = result(cosmos.address(session, PATH)).address
    signing = cosmos.sign(session, transfer(sender, uatom=1), path=PATH)
    with pytest.raises(UserRefused):
        result(signing, on_step=lambda step: user.reject() if isinstance(step, NeedsUser) else None)
