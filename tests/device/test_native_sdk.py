"""The example apps of the C SDK, as the package carries them: what they answer, and what a person is asked."""

import hashlib

import pytest
from native_stage import EXAMPLE, NativeStage

from tallystick.crypto import endorsement
from tallystick.crypto.secp256k1 import verify_ecdsa_der
from tallystick.device.native.elf import Elf
from tallystick.device.native.image import image_from_elf
from tallystick.wire.events import Button, press
from tallystick.wire.install import Curve

HARDENED = 0x80000000
PATH = (44 | HARDENED, 1 | HARDENED, HARDENED, 0, 7)
MAX_PAGES = 40
MESSAGE = b"I owe you one tally."


def words(path):
    """Return a path as it crosses the wire."""
    return bytes([len(path)]) + b"".join(level.to_bytes(4, "big") for level in path)


def apdu(ins, data, p1=0):
    """Return a command of the examples."""
    return bytes((0xE0, ins, p1, 0, len(data))) + data


@pytest.fixture
def start():
    """Return what opens an example, on a device that is closed at the end."""
    made = []

    def make(name):
        image = image_from_elf(Elf.from_bytes((EXAMPLE.parent / f"{name}.elf").read_bytes()))
        made.append(NativeStage(image, name=name.capitalize()))
        return made[-1]

    yield make
    for one in made:
        one.close()


def push(device, button):
    """Press a button and let it go."""
    for event in press(button):
        device.board.event(event)


async def decide(device, request, last):
    """Send a request, go through the pages to the one that says `last`, press both buttons; return answer and what was shown."""
    count = len(device.client.answers)
    device.client.send(request)
    await device.until(lambda: any("review" in line for line in device.screen))
    shown = []
    for _ in range(MAX_PAGES):
        if any(last in line for line in device.screen):
            break
        shown += device.screen
        push(device, Button.RIGHT)
    push(device, Button.BOTH)
    await device.until(lambda: len(device.client.answers) > count)
    return device.client.answers[count], "".join(shown)


async def test_hello_greets_whom_the_person_approves(start):
    """The name is on the screen; approval answers 9000, refusal 6985, and what cannot be shown is refused before."""
    device = start("hello")
    assert (await decide(device, apdu(4, b"Alice"), "APPROVE"))[0] == bytes.fromhex("9000")
    answer, shown = await decide(device, apdu(4, b"Alice"), "REJECT")
    assert answer == bytes.fromhex("6985")
    assert "Alice" in shown
    assert await device.client.exchange(apdu(4, b"\x07")) == bytes.fromhex("6a80")
    assert await device.client.exchange(apdu(4, b"x" * 33)) == bytes.fromhex("6700")


async def test_signer_shows_the_address_it_answers(start):
    """Key and address are those of the path; with P1 01 the address is shown, and refused when the person refuses."""
    device = start("signer")
    key = device.board.system.session.keychain.public_key(Curve.SECP256K1, PATH)
    compressed = bytes([2 + (key[64] & 1)]) + key[1:33]
    address = hashlib.sha256(compressed).digest()[:20].hex()
    expected = key + bytes([40]) + address.encode() + b"\x90\x00"
    assert await device.client.exchange(apdu(2, words(PATH))) == expected
    answer, shown = await decide(device, apdu(2, words(PATH), p1=1), "APPROVE")
    assert answer == expected
    assert address in shown.replace(" ", "")
    assert (await decide(device, apdu(2, words(PATH), p1=1), "REJECT"))[0] == bytes.fromhex("6985")


async def test_signer_signs_what_was_shown_and_approved(start):
    """The signature is of SHA-256 of the message, by the key of the path; nothing is signed that was refused."""
    device = start("signer")
    key = device.board.system.session.keychain.public_key(Curve.SECP256K1, PATH)
    answer, shown = await decide(device, apdu(3, words(PATH) + MESSAGE), "APPROVE")
    assert answer[-2:] == b"\x90\x00"
    assert verify_ecdsa_der(key, hashlib.sha256(MESSAGE).digest(), answer[:-2])
    assert "tally" in shown
    assert (await decide(device, apdu(3, words(PATH) + MESSAGE), "REJECT"))[0] == bytes.fromhex("6985")


@pytest.mark.parametrize("size", [1, 55, 56, 63, 64, 65, 119, 120, 160])
async def test_signer_hashes_messages_of_any_length(start, size):
    """The SDK's SHA-256 is right on both sides of a block's end."""
    device = start("signer")
    key = device.board.system.session.keychain.public_key(Curve.SECP256K1, PATH)
    message = bytes(ord("a") + number % 26 for number in range(size))
    answer, _ = await decide(device, apdu(3, words(PATH) + message), "APPROVE")
    assert verify_ecdsa_der(key, hashlib.sha256(message).digest(), answer[:-2])


@pytest.mark.parametrize(
    ("request_", "word"),
    [
        (apdu(2, words((44 | HARDENED, 2 | HARDENED))), "6982"),
        (apdu(2, words((44 | HARDENED,))), "6982"),
        (apdu(2, b""), "6a80"),
        (apdu(2, b"\x00"), "6a80"),
        (apdu(2, words(PATH)[:-1]), "6a80"),
        (apdu(2, words(PATH) + b"\x00"), "6a80"),
        (apdu(2, bytes([11]) + bytes(44)), "6a80"),
        (apdu(2, words(PATH), p1=2), "6a80"),
        (apdu(3, words(PATH)), "6a80"),
        (apdu(3, words(PATH) + b"a\x1b[2J"), "6a80"),
        (apdu(3, words(PATH) + b"a" * 161), "6a80"),
        (apdu(9, b""), "6d00"),
        (b"\xe0\x01\x00\x00\x05\x00", "6700"),
        (b"\xe0\x01", "6700"),
    ],
)
async def test_signer_refuses_what_is_not_its_own(start, request_, word):
    """Paths beyond its own, data that is cut or too long, and texts that cannot be shown are refused, and nobody is asked."""
    device = start("signer")
    answer = await device.client.exchange(request_)
    assert answer.hex() == word
    assert not any("review" in line for line in device.screen)


async def test_oracle_proves_what_it_says(start):
    """Each statement has the next number and the challenge; the signature holds for it, the key and the app's own hash."""
    device = start("oracle")
    keys = device.board.system.session.endorsement
    keys.stage(1)
    keys.commit(bytes((0x30, 68)) + bytes(68))
    code_hash = (await device.client.exchange(apdu(2, b"")))[:-2]
    key = (await device.client.exchange(apdu(3, b"")))[:-2]
    assert code_hash == device.board.system.session.registry.find("Oracle").full_hash
    assert key == keys.public_key(1)
    assert (await device.client.exchange(apdu(4, b"")))[:-2] == keys.certificate(1)
    for number in (1, 2):
        challenge = bytes([number]) * 32
        answer = await device.client.exchange(apdu(5, challenge))
        assert answer[-2:] == b"\x90\x00"
        statement = b"TALLY\0" + number.to_bytes(4, "big") + challenge
        assert answer[:4] == number.to_bytes(4, "big")
        assert endorsement.verify_with_code_hash(key, statement, code_hash, signature=answer[4:-2])


async def test_oracle_without_a_key_says_so_and_never_repeats_a_number(start):
    """Without attestation keys the OS's own words come back; a number that could not be signed is not said again."""
    device = start("oracle")
    assert await device.client.exchange(apdu(3, b"")) == bytes.fromhex("4103")
    assert await device.client.exchange(apdu(4, b"")) == bytes.fromhex("4104")
    assert await device.client.exchange(apdu(5, bytes(16))) == bytes.fromhex("4106")
    assert await device.client.exchange(apdu(5, bytes(15))) == bytes.fromhex("6700")
    keys = device.board.system.session.endorsement
    keys.stage(1)
    keys.commit(bytes((0x30, 68)) + bytes(68))
    assert (await device.client.exchange(apdu(5, bytes(16))))[:4] == (2).to_bytes(4, "big")
