"""Rules that people write for Speculos press the buttons of native apps, of the folder that TALLYSTICK_ELFS names: `tally emulate`."""

import json

import pytest
from process_stage import free_port
from test_emulate import Emulated
from test_native_foreign import FOLDER, PATH
from test_native_foreign_sign import apps, model_of, words

from tallystick.crypto import secp256k1
from tallystick.crypto.hash import keccak256

pytestmark = pytest.mark.skipif(not FOLDER, reason="TALLYSTICK_ELFS names no folder of apps")
RIGHT, BOTH = [2], [1, 2]
LEVELS = words(PATH)
TRANSACTION = (1).to_bytes(8, "big") + bytes(range(20)) + (666).to_bytes(8, "big") + b"\4memo"


def pressing(buttons):
    """Return the actions that press buttons and let them go."""
    return [["button", one, down] for down in (True, False) for one in buttons]


def rules(last):
    """Return rules that turn pages up to the one that says `last`, and press `BOTH` there; the idle screen is left alone."""
    return json.dumps(
        {
            "version": 1,
            "rules": [
                {"text": last, "actions": pressing(BOTH)},
                {"regexp": "^(Review transaction|Amount|To.*|Sign transaction)$", "actions": pressing(RIGHT)},
            ],
        }
    )


@pytest.fixture
def boilerplate(tmp_path):
    """Return what starts Boilerplate with rules; it ends with the test."""
    made = []

    def start(path, text):
        made.append(
            Emulated(
                *("--model", model_of(path), "--api-port", str(free_port()), "--automation", text),
                cwd=tmp_path,
                app=path,
            )
        )
        return made[-1]

    yield start
    for one in made:
        one.end()


@pytest.mark.parametrize("path", apps("Boilerplate"), ids=lambda path: path.name)
@pytest.mark.parametrize("last", ["Sign transaction", "Reject transaction"])
def test_boilerplate_is_answered_by_rules_about_its_texts(boilerplate, path, last):
    """The rules see the texts of the app's own screens: it signs, or refuses, with nobody there."""
    device = boilerplate(path, rules(last))
    answer = device.exchange(b"\xe0\x05\x00\x00" + bytes([len(LEVELS)]) + LEVELS)
    public = answer[1:66]
    assert device.exchange(b"\xe0\x06\x00\x80" + bytes([len(LEVELS)]) + LEVELS) == b"\x90\x00"
    answer = device.exchange(b"\xe0\x06\x01\x00" + bytes([len(TRANSACTION)]) + TRANSACTION)
    if last == "Sign transaction":
        assert secp256k1.verify_ecdsa_der(public, keccak256(TRANSACTION), answer[1 : 1 + answer[0]])
        assert answer[-2:] == b"\x90\x00"
    else:
        assert answer == b"\x69\x85"
