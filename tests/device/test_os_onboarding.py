"""Set-up: new, restored, by the host; what goes wrong on the way, and what the host sees of it."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from os_stage import PIN, call, data, open_name, status

from tallystick.crypto import bip39
from tallystick.device.silicon.entropy import RepeatableRng
from tallystick.device.silicon.health import NoiseFailure
from tallystick.errors import UsageError
from tallystick.testing.device import VirtualDevice
from tallystick.testing.user import User
from tallystick.wire.dashboard import HostOnboarding, Ins

# three valid sentences of BIP-39's own test vectors (trezor/python-mnemonic, vectors.json, entropy 7f7f...)
SENTENCES = {
    12: "legal winner thank year wave sausage worth useful legal winner thank yellow",
    18: "legal winner thank year wave sausage worth useful legal winner thank year wave sausage worth useful legal will",
    24: (
        "legal winner thank year wave sausage worth useful legal winner thank year "
        "wave sausage worth useful legal winner thank year wave sausage worth title"
    ),
}
ADDRESS = bytes.fromhex("550400001b06636f736d6f732c00008076000080000000800000000000000000")


def step(device: VirtualDevice) -> tuple[int, int, int]:
    """Return what `E0 01` says of the set-up: seed type, index of the word, step."""
    flags = data(device, Ins.GET_VERSION)[11:15]
    return flags[2] >> 5, flags[2] & 0x1F, flags[3]


def _read_words(user: User) -> list[str]:
    """Read the list of words as a person does, page by page, and put it away."""
    pages = user.dismiss()
    texts = " ".join(f"{title} {value}" for title, value in pages)
    found = dict(re.findall(r"(\d+)\.? ?([a-z]{3,8})", texts))
    return [found[str(number)] for number in range(1, 25)]


@pytest.mark.models("all")
@pytest.mark.device(onboarded=False)
def test_new_device_shows_words_and_has_them_confirmed(device: VirtualDevice) -> None:
    """PIN twice, 24 words read off the screen, each entered again: the device is then set up, with just those words."""
    user = device.user
    assert status(device, Ins.LIST_APPS) == 0x6D07
    user.choose("Set up as new")
    assert step(device)[2] == 0x06
    user.enter_pin(PIN)
    user.enter_pin(PIN)
    assert step(device)[2] == 0x07
    user.dismiss()
    shown = device.frame.scene
    words = _read_words(user)
    assert shown == "wordlist"
    assert bip39.validate(" ".join(words)) is None
    for index, word in enumerate(words):
        assert step(device) == (0, index, 0x08)
        user.enter_word(word)
    user.dismiss()
    assert device.status["onboarded"]
    assert device.status["unlocked"]
    assert not device.status["test_device"]
    device.open("Cosmos")
    mine = device.exchange(ADDRESS).data
    device.replug()
    assert not device.status["unlocked"]
    user.enter_pin(PIN)
    device.open("Cosmos")
    assert device.exchange(ADDRESS).data == mine


THROWS = "1234566543" * 5


@pytest.mark.models("all")
@pytest.mark.device(onboarded=False)
def test_throws_of_a_die_are_counted_and_mixed_in(
    device: VirtualDevice, device_factory: Callable[..., VirtualDevice]
) -> None:
    """Fifty throws are entered and counted, other words come out than without them, and the set-up goes on as usual."""

    def begin(one: VirtualDevice, throws: str) -> list[str]:
        one.board.system.session.rng = RepeatableRng(7)  # so that only the throws tell one set-up from another
        one.user.choose("New, with dice" if throws else "Set up as new")
        one.user.enter_pin(PIN)
        one.user.enter_pin(PIN)
        if throws:
            assert (one.frame.scene, step(one)[2]) == ("diceentry", 0x07)
            assert "0 of 50" in one.screen
            one.user.enter_pin(throws)
        one.user.dismiss()
        return _read_words(one.user)

    model = device.status["model"]
    words = begin(device, THROWS)
    assert bip39.validate(" ".join(words)) is None
    for word in words:
        device.user.enter_word(word)
    device.user.dismiss()
    assert device.status["unlocked"]
    others = [begin(device_factory(model=model, onboarded=False), throws) for throws in (THROWS, THROWS[::-1], "")]
    assert others[0] == words
    assert len({tuple(other) for other in others}) == 3


@pytest.mark.models("nanos", "flex")
@pytest.mark.device(onboarded=False)
def test_throws_of_no_die_are_refused(device: VirtualDevice) -> None:
    """There is no key for 0, 7, 8 and 9, nothing can be confirmed before the fiftieth, and fifty sixes begin again."""
    user = device.user
    user.choose("New, with dice")
    user.enter_pin(PIN)
    user.enter_pin(PIN)
    for digit in "0789":
        with pytest.raises(UsageError):
            user.enter_pin(digit)
    with pytest.raises(UsageError):
        user.enter_pin(THROWS[:-1])
    assert "49 of 50" in device.screen
    user.enter_pin("6")
    user.dismiss()
    assert device.frame.scene == "wordlist"
    device.replug()
    user.choose("New, with dice")
    user.enter_pin(PIN)
    user.enter_pin(PIN)
    user.enter_pin("6" * 50)
    assert any("not random" in line for line in device.screen)
    user.dismiss()
    assert "0 of 50" in device.screen
    user.enter_pin(THROWS * 2)
    user.dismiss()
    assert device.frame.scene == "wordlist"


@pytest.mark.device(onboarded=False)
def test_new_device_has_the_keys_of_the_words_it_showed(
    device: VirtualDevice, device_factory: Callable[..., VirtualDevice]
) -> None:
    """A second device restored from the words shown gives the same address."""
    user = device.user
    user.choose("Set up as new")
    user.enter_pin(PIN)
    user.enter_pin(PIN)
    user.dismiss()
    words = _read_words(user)
    for word in words:
        user.enter_word(word)
    user.dismiss()
    device.open("Cosmos")
    other = device_factory(seed=" ".join(words), open="Cosmos")
    assert device.exchange(ADDRESS).data == other.exchange(ADDRESS).data


@pytest.mark.models("nanos", "stax")
@pytest.mark.device(onboarded=False)
def test_wrong_word_shows_the_same_words_again(device: VirtualDevice) -> None:
    """A word entered wrongly leads back to the list, and nothing is stored until all are right."""
    user = device.user
    user.choose("Set up as new")
    user.enter_pin(PIN)
    user.enter_pin(PIN)
    user.dismiss()
    words = _read_words(user)
    user.enter_word(words[0])
    user.enter_word(next(word for word in words if word != words[1]))
    assert any("another one" in line for line in device.screen)
    assert "vault" not in device.flash.names()
    user.dismiss()
    user.dismiss()
    assert _read_words(user) == words
    for word in words:
        user.enter_word(word)
    user.dismiss()
    assert device.status["onboarded"]


@pytest.mark.models("nanosp", "flex")
@pytest.mark.device(onboarded=False)
def test_pins_that_do_not_match_are_chosen_anew(device: VirtualDevice) -> None:
    """Two different PINs are refused, and the choice begins again."""
    user = device.user
    user.choose("Set up as new")
    user.enter_pin("1234")
    user.enter_pin("4321")
    assert any("match" in line for line in device.screen)
    user.dismiss()
    user.enter_pin("1234")
    user.enter_pin("1234")
    assert step(device)[2] == 0x07


@pytest.mark.models("all")
@pytest.mark.device(onboarded=False)
@pytest.mark.parametrize("count", [12, 18, 24])
def test_restored_device_has_the_keys_of_its_words(
    device: VirtualDevice, device_factory: Callable[..., VirtualDevice], count: int
) -> None:
    """12, 18 or 24 words entered on the screen give the keys of those words, and E0 01 tells how far it is."""
    user, sentence = device.user, SENTENCES[count].split()
    user.choose("Restore from words")
    user.enter_pin(PIN)
    user.enter_pin(PIN)
    assert step(device)[2] == 0x0E
    user.choose(f"{count} words")
    for index, word in enumerate(sentence):
        assert step(device) == ({24: 0, 18: 1, 12: 2}[count], index, 0x09)
        user.enter_word(word)
    user.dismiss()
    device.open("Cosmos")
    known = device_factory(seed=" ".join(sentence), open="Cosmos")
    assert device.exchange(ADDRESS).data == known.exchange(ADDRESS).data


@pytest.mark.device(onboarded=False)
@pytest.mark.parametrize("count", [12, 18, 24])
def test_words_with_a_wrong_checksum_are_refused(device: VirtualDevice, count: int) -> None:
    """Words that do not fit together are stored nowhere, and the set-up begins again."""
    user = device.user
    user.choose("Restore from words")
    user.enter_pin(PIN)
    user.enter_pin(PIN)
    user.choose(f"{count} words")
    for _ in range(count):
        user.enter_word("abandon" if count != 12 else "zoo")
    assert any("fit together" in line for line in device.screen)
    user.dismiss()
    assert "Welcome" in device.screen
    assert "vault" not in device.flash.names()
    assert step(device)[2] == 0


def _onboard(device: VirtualDevice, kind: int = 0, **fields: str) -> int:
    message = HostOnboarding(**{name: value.encode() for name, value in fields.items()})
    return status(device, Ins.HOST_ONBOARDING, kind, data=message.to_bytes())


@pytest.mark.models("all")
@pytest.mark.device(onboarded=False)
def test_host_sets_a_device_in_recovery_mode_up(
    device: VirtualDevice, device_factory: Callable[..., VirtualDevice]
) -> None:
    """E0 D0 in recovery mode takes PIN and words; after a replug the PIN opens the device, which has the keys of the words."""
    device.replug("right")
    assert _onboard(device, pin=PIN, words=SENTENCES[24]) == 0x9000
    assert device.status["onboarded"]
    assert _onboard(device, pin=PIN, words=SENTENCES[12]) == 0x6982
    device.user.choose("Lock device")
    device.replug()
    device.user.enter_pin(PIN)
    device.open("Cosmos")
    known = device_factory(seed=SENTENCES[24], open="Cosmos")
    assert device.exchange(ADDRESS).data == known.exchange(ADDRESS).data


@pytest.mark.device(onboarded=False)
@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"pin": "123", "words": SENTENCES[12]}, 0x6A80),
        ({"pin": "123456789", "words": SENTENCES[12]}, 0x6A80),
        ({"pin": "12a4", "words": SENTENCES[12]}, 0x6A80),
        ({"pin": "\N{ARABIC-INDIC DIGIT ONE}" * 4, "words": SENTENCES[12]}, 0x6A80),
        ({"pin": PIN, "words": "zoo " * 12}, 0x6A80),
        ({"pin": PIN, "words": "\N{LATIN SMALL LETTER E WITH ACUTE}" * 12}, 0x6A80),
        ({"pin": PIN, "words": SENTENCES[12], "passphrase": "x"}, 0x6A81),
        ({"pin": PIN, "words": SENTENCES[12], "prefix": "x"}, 0x6A81),
    ],
)
def test_host_cannot_set_up_with_what_is_none(device: VirtualDevice, fields: dict[str, str], expected: int) -> None:
    """PINs and words that cannot be are refused, and the device stays as it was."""
    device.replug("right")
    assert _onboard(device, **fields) == expected
    assert not device.status["onboarded"]
    assert open_name(device) == "BOLOS"


@pytest.mark.device(onboarded=False)
def test_host_without_words_has_the_device_make_them(device: VirtualDevice) -> None:
    """Empty words are made by the device from its own randomness."""
    device.replug("right")
    assert _onboard(device, pin=PIN) == 0x9000
    assert device.status["onboarded"]


@pytest.mark.device(onboarded=False)
def test_host_cannot_set_up_outside_recovery_mode(device: VirtualDevice) -> None:
    """In the welcome screens E0 D0 is answered 6982, and so are cut messages."""
    assert _onboard(device, pin=PIN, words=SENTENCES[12]) == 0x6982
    assert device.exchange(call(Ins.HOST_ONBOARDING, data=b"\x04")).status == 0x6982


@pytest.mark.device(onboarded=False)
def test_set_up_begins_again_after_a_replug(device: VirtualDevice) -> None:
    """A set-up that was left in the middle has stored nothing."""
    before = device.flash.names()
    device.user.choose("Set up as new")
    device.user.enter_pin(PIN)
    device.replug()
    assert "Welcome" in device.screen
    assert device.flash.names() == before


class StuckNoise:
    """Randomness whose hardware has failed."""

    def read(self, size_bytes: int) -> bytes:
        """Fail as a mixture does."""
        raise NoiseFailure("chip", f"no {size_bytes} bytes of it")


@pytest.mark.device(onboarded=False)
def test_failed_noise_makes_no_phrase_and_the_person_is_told(device: VirtualDevice) -> None:
    """Where a source of noise has failed no words are shown: the screen says why, and set-up begins again."""
    device.board.system.session.rng = StuckNoise()
    device.user.choose("Set up as new")
    device.user.enter_pin(PIN)
    device.user.enter_pin(PIN)
    assert "Noise fault:" in device.screen
    assert not device.status["onboarded"]
    device.user.dismiss()
    assert "Welcome" in device.screen
