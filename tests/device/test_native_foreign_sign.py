"""Boilerplate, from the folder that TALLYSTICK_ELFS names, signs a transaction that a person approves with the buttons.

Its signature is checked by libsecp256k1 over the hash of what was sent; the functions on curves are ours, with the library or without.
"""

import pytest
from native_stage import NativeStage
from test_native_foreign import FILES, FOLDER, PATH, name_of

from tallystick.crypto import secp256k1
from tallystick.crypto.hash import keccak256
from tallystick.device.native.elf import Elf
from tallystick.device.native.image import image_from_elf, target_of
from tallystick.wire.events import Button, press
from tallystick.wire.install import Curve
from tallystick.wire.model import by_target_id

pytestmark = pytest.mark.skipif(not FOLDER, reason="TALLYSTICK_ELFS names no folder of apps")


def model_of(path):
    """Return the model that an app is for."""
    return by_target_id(target_of(Elf.from_bytes(path.read_bytes()))).name


def shown(device):
    """Return the texts on the screen, whoever wrote them."""
    return [element.text for element in device.board.frame.drawing.elements if hasattr(element, "text")]


def push(device, button):
    """Press and release a button, or both."""
    for gesture in press(button):
        device.board.event(gesture)


APPS = [path for path in FILES if name_of(path) == "Boilerplate" and model_of(path) in {"nanox", "nanosp"}]


@pytest.mark.parametrize("path", APPS, ids=lambda path: path.name)
async def test_boilerplate_signs_what_a_person_approves(path):
    """What is on the screen is what was sent; after both buttons the signature is one of the app's key over its hash."""
    device = NativeStage(
        image_from_elf(Elf.from_bytes(path.read_bytes())), name=name_of(path), model=model_of(path), libraries=FOLDER
    )
    try:
        words = bytes([len(PATH)]) + b"".join(level.to_bytes(4, "big") for level in PATH)
        assert await device.client.exchange(b"\xe0\x06\x00\x80" + bytes([len(words)]) + words) == b"\x90\x00"
        target = bytes.fromhex("de0b295669a9fd93d5f28d9ec85e40f4cb697bae")
        transaction = (1).to_bytes(8, "big") + target + (666).to_bytes(8, "big") + b"\4memo"
        device.client.answers.clear()
        device.client.send((b"\xe0\x06\x01\x00" + bytes([len(transaction)]) + transaction).hex())
        seen = []
        for page in ("Review transaction", "Amount", "To", "Sign transaction"):
            await device.until(lambda page=page: page in shown(device))
            seen += shown(device)
            push(device, Button.BOTH if page == "Sign transaction" else Button.RIGHT)
        await device.until(lambda: device.client.answers)
        answer = device.client.answers[0]
        assert "0.666 BOL" in seen
        assert "".join(seen).find("DE0B295669A9FD93D5F28D9EC85E40F4CB697BAE") > 0
        length = answer[0]
        public = device.board.system.session.keychain.public_key(Curve.SECP256K1, PATH)
        assert secp256k1.verify_ecdsa_der(public, keccak256(transaction), answer[1 : 1 + length])
        assert answer[1 + length] in {0, 1}
        assert answer[2 + length :] == b"\x90\x00"
    finally:
        device.close()
