"""APDUs of 255 data bytes to apps of the folder that TALLYSTICK_ELFS names, whose own USB stacks take them as from a cable.

Bitcoin 1.6.5 of firmware before API levels is asked for a trusted input: the transaction's hash that it answers with is computed
here as well. Ethereum of level 22 signs a transaction of several.
"""

import hashlib

import pytest
from coincurve import PublicKey
from native_stage import FOUND, NativeStage
from test_native_foreign_old import FILES, NAMED, exchange, load
from test_native_foreign_sign import ETHEREUM, FOLDER, apps, open_app, push, shown, words

from tallystick.crypto.hash import keccak256
from tallystick.wire.events import Button
from tallystick.wire.install import Curve

pytestmark = pytest.mark.skipif(not FOLDER, reason="TALLYSTICK_ELFS names no folder of apps")
LONG = 255
AMOUNT = 123_456_789


def transaction(script_bytes):
    """Return a Bitcoin transaction with one input, whose script has this many bytes, and one output of AMOUNT."""
    script = bytes(index & 0xFF for index in range(script_bytes))
    spent = bytes(range(32)) + (7).to_bytes(4, "little")
    pays = bytes.fromhex("76a914") + bytes(20) + bytes.fromhex("88ac")
    size = b"\xfd" + script_bytes.to_bytes(2, "little")
    output = AMOUNT.to_bytes(8, "little") + bytes([len(pays)]) + pays
    return (1).to_bytes(4, "little") + b"\1" + spent + size + script + b"\xff" * 4 + b"\1" + output + bytes(4)


@pytest.mark.parametrize("path", [path for path in FILES if "test" not in path.name], ids=lambda path: path.name)
async def test_bitcoin_takes_a_transaction_in_long_apdus(path):
    """The trusted input names the transaction's hash, the output and its amount: every byte of 255 in an APDU has arrived."""
    device = NativeStage(load(path, "Bitcoin"), name="Bitcoin", model=NAMED.fullmatch(path.name)[1], libraries=FOUND)
    raw = transaction(600)
    sent = bytes(4) + raw
    try:
        for start in range(0, len(sent), LONG):
            part = sent[start : start + LONG]
            request = bytes((0xE0, 0x42, 0x80 if start else 0, 0, len(part))) + part
            answer = await exchange(device, request)
            assert answer[-2:] == b"\x90\x00"
        assert answer[4:36] == hashlib.sha256(hashlib.sha256(raw).digest()).digest()
        assert answer[36:48] == bytes(4) + AMOUNT.to_bytes(8, "little")
        assert b"Bitcoin" in await exchange(device, "b001000000")
    finally:
        device.close()


def rlp(item):
    """Return bytes, or a list of them, as Ethereum encodes them."""
    if isinstance(item, bytes) and len(item) == 1 and item[0] < 0x80:
        return item
    body = item if isinstance(item, bytes) else b"".join(rlp(each) for each in item)
    short = 0x80 if isinstance(item, bytes) else 0xC0
    if len(body) < 56:
        return bytes([short + len(body)]) + body
    size = len(body).to_bytes((len(body).bit_length() + 7) // 8, "big")
    return bytes([short + 55 + len(size)]) + size + body


async def turned(device, button, text):
    """Press a button until a text is on the screen."""
    for _ in range(20):
        before = shown(device)
        if any(text in line.lower() for line in before):
            return
        push(device, button)
        await device.until(lambda before=before: shown(device) != before)
    raise AssertionError(f"{text} was not shown")


@pytest.mark.parametrize("path", apps("Ethereum"), ids=lambda path: path.name)
async def test_ethereum_signs_a_transaction_of_long_apdus(path):
    """A transaction with 512 bytes of data comes in APDUs of 255 bytes, is approved page by page, and its signature is the key's."""
    device = open_app(path)
    public = device.board.system.session.keychain.public_key(Curve.SECP256K1, ETHEREUM)
    fields = [
        b"\1",
        b"\4\xa8\x17\xc8\x00",
        b"\x52\x08",
        bytes(range(20)),
        b"\x0d",
        bytes(range(256)) * 2,
        b"\1",
        b"",
        b"",
    ]
    body = words(ETHEREUM) + rlp(fields)
    try:
        levels = words(ETHEREUM)
        await device.client.exchange(b"\xe0\x02\x00\x00" + bytes([len(levels)]) + levels)
        await turned(device, Button.RIGHT, "app settings")
        push(device, Button.BOTH)
        await device.until(lambda: "Disabled" in shown(device))
        await turned(device, Button.BOTH, "enabled")
        parts = [body[start : start + LONG] for start in range(0, len(body), LONG)]
        requests = [bytes((0xE0, 4, 0x80 if at else 0, 0, len(part))) + part for at, part in enumerate(parts)]
        for request in requests[:-1]:
            assert await device.client.exchange(request) == b"\x90\x00"
        device.client.answers.clear()
        device.client.send(requests[-1].hex())
        await device.until(lambda: "Blind signing ahead" in shown(device))
        push(device, Button.BOTH)
        await device.until(lambda: "Blind signing ahead" not in shown(device))
        await turned(device, Button.RIGHT, "sign transaction")
        push(device, Button.BOTH)
        await device.until(lambda: device.client.answers)
        answer = device.client.answers[0]
        recoverable = answer[1:65] + bytes([(answer[0] - 37) & 1])
        signed = PublicKey.from_signature_and_message(recoverable, keccak256(rlp(fields)), hasher=None)
        assert signed.format(compressed=False) == public
        assert answer[65:] == b"\x90\x00"
    finally:
        device.close()
