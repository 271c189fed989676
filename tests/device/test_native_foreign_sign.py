"""Boilerplate and Ethereum, from the folder that TALLYSTICK_ELFS names, sign what a person approves with the buttons.

Signatures are checked by libsecp256k1 over the hash of what was sent; the functions on curves are ours, with the library or without.
"""

import pytest
from coincurve import PublicKey
from native_stage import FOUND, NativeStage
from test_native_foreign import FILES, FOLDER, HARDENED, PATH, name_of

from tallystick.crypto import secp256k1
from tallystick.crypto.hash import keccak256
from tallystick.device.native.elf import Elf
from tallystick.device.native.image import image_from_elf, target_of
from tallystick.wire.events import Button, press
from tallystick.wire.install import Curve
from tallystick.wire.model import by_target_id

ETHEREUM = (44 + HARDENED, 60 + HARDENED, HARDENED, 0, 0)
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


def apps(name):
    """Return the files of an app for models with buttons."""
    return [path for path in FILES if name_of(path) == name and model_of(path) in {"nanox", "nanosp"}]


def open_app(path):
    """Return a device on which the app is open."""
    image = image_from_elf(Elf.from_bytes(path.read_bytes()))
    return NativeStage(image, name=name_of(path), model=model_of(path), libraries=FOUND)


def words(path):
    """Return a derivation path as these apps take it."""
    return bytes([len(path)]) + b"".join(level.to_bytes(4, "big") for level in path)


async def approved(device, request, *pages):
    """Send a request, turn the pages with these texts, press both buttons on the last; return the answer and what was seen."""
    device.client.answers.clear()
    device.client.send(request.hex())
    seen = []
    for page in pages:
        await device.until(lambda page=page: page in shown(device))
        seen += shown(device)
        push(device, Button.BOTH if page == pages[-1] else Button.RIGHT)
    await device.until(lambda: device.client.answers)
    return device.client.answers[0], seen


@pytest.mark.parametrize("path", apps("Boilerplate"), ids=lambda path: path.name)
async def test_boilerplate_signs_what_a_person_approves(path):
    """What is on the screen is what was sent; after both buttons the signature is one of the app's key over its hash."""
    device = open_app(path)
    try:
        levels = words(PATH)
        assert await device.client.exchange(b"\xe0\x06\x00\x80" + bytes([len(levels)]) + levels) == b"\x90\x00"
        target = bytes.fromhex("de0b295669a9fd93d5f28d9ec85e40f4cb697bae")
        transaction = (1).to_bytes(8, "big") + target + (666).to_bytes(8, "big") + b"\4memo"
        request = b"\xe0\x06\x01\x00" + bytes([len(transaction)]) + transaction
        answer, seen = await approved(device, request, "Review transaction", "Amount", "To", "Sign transaction")
        assert "0.666 BOL" in seen
        assert target.hex().upper() in "".join(seen)
        length = answer[0]
        public = device.board.system.session.keychain.public_key(Curve.SECP256K1, PATH)
        assert secp256k1.verify_ecdsa_der(public, keccak256(transaction), answer[1 : 1 + length])
        assert answer[1 + length] in {0, 1}
        assert answer[2 + length :] == b"\x90\x00"
    finally:
        device.close()


@pytest.mark.parametrize("path", apps("Ethereum"), ids=lambda path: path.name)
async def test_ethereum_signs_a_message(path):
    """The key is the one that the device derives, and is what the signature with its parity leads back to."""
    device = open_app(path)
    try:
        levels = words(ETHEREUM)
        public = device.board.system.session.keychain.public_key(Curve.SECP256K1, ETHEREUM)
        answer = await device.client.exchange(b"\xe0\x02\x00\x00" + bytes([len(levels)]) + levels)
        assert answer[1:66] == public
        body = levels + (5).to_bytes(4, "big") + b"hello"
        request = b"\xe0\x08\x00\x00" + bytes([len(body)]) + body
        answer, seen = await approved(device, request, "Review message", "Message", "Sign message")
        assert "hello" in seen
        digest = keccak256(b"\x19Ethereum Signed Message:\n5hello")
        recoverable = answer[1:65] + bytes([answer[0] - 27])
        assert PublicKey.from_signature_and_message(recoverable, digest, hasher=None).format(compressed=False) == public
        assert answer[65:] == b"\x90\x00"
    finally:
        device.close()
