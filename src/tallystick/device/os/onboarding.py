"""Setting up: a new seed, one restored from its words, or one given by the host in recovery mode (wire-protocol C.5)."""

from __future__ import annotations

import logging

from tallystick.crypto import bip39
from tallystick.crypto.secret import Secret
from tallystick.device.hil import Rng
from tallystick.device.os.fault import tell_fault, tell_noise
from tallystick.device.os.pin import choose_pin, is_pin
from tallystick.device.os.session import BootMode, Session
from tallystick.device.secure.vault import Sealing
from tallystick.device.silicon.dice import MAXIMUM_THROWS, MINIMUM_THROWS, DiceRng
from tallystick.device.silicon.health import NoiseFailure
from tallystick.errors import StateError, UsageError
from tallystick.wire.dashboard import HostOnboarding
from tallystick.wire.screen import Choice, DiceEntry, Entered, Notice, Selected, Tone, WordEntry, WordList
from tallystick.wire.status import Reject, StatusWord
from tallystick.wire.version import OnboardingStep, SeedType

_LOGGER = logging.getLogger(__name__)
_ENTROPY_BYTES = 32
#: what a set-up begins with; the last one is out of the way of who does not want it
_WELCOME = ("Set up as new", "Restore from words", "New, with dice")
_RESTORE, _DICE = 1, 2
_COUNTS = {24: SeedType.WORDS_24, 18: SeedType.WORDS_18, 12: SeedType.WORDS_12}


async def onboard(session: Session) -> None:
    """Lead the person through set-up; returns once the vault holds a seed and the device is unlocked."""
    while not session.is_onboarded:
        session.step = OnboardingStep.WELCOME_1
        choice = await _ask_menu(session, "Welcome", _WELCOME)
        session.step = OnboardingStep.PIN
        pin = await choose_pin(session.display)
        phrase = None
        try:
            phrase = await (_restore(session) if choice == _RESTORE else _make_new(session, with_dice=choice == _DICE))
            if phrase is not None:
                seal(session, phrase, pin)
        except NoiseFailure as error:
            _LOGGER.warning("no phrase was made: %s", error)
            await tell_noise(session.display)
        except StateError as error:
            _LOGGER.warning("the phrase was not stored: %s", error)
            await tell_fault(session.display)
        finally:
            if phrase is not None:
                phrase.wipe()
            pin.wipe()
    session.step = OnboardingStep.READY
    session.on_change()
    await session.display.ask(Notice(lines=("Your device", "is ready"), button="Continue", tone=Tone.SUCCESS))


def seal(session: Session, phrase: Secret, pin: Secret, sealing: Sealing = Sealing.NONE) -> None:
    """Store the phrase under the PIN and unlock."""
    session.vault.seal(phrase, pin, sealing=sealing)
    session.keychain.fill(phrase)
    session.on_change()


def require_recovery(session: Session) -> None:
    """Raise Reject (6982) outside recovery mode, or on a device that has a seed."""
    if session.mode is not BootMode.RECOVERY or session.is_onboarded:
        raise Reject(StatusWord.SECURITY_STATUS_NOT_SATISFIED)


def onboard_by_host(session: Session, message: HostOnboarding) -> None:
    """Take PIN and words from the host, after `require_recovery`.

    Raises:
        Reject: 6A80 for a PIN or words that are none, 6A81 for a passphrase, which this version does not keep.

    """
    if message.passphrase or message.prefix:
        raise Reject(StatusWord.FUNCTION_NOT_SUPPORTED)
    try:
        words = message.words.decode("ascii")
    except UnicodeDecodeError:
        raise Reject(StatusWord.INCORRECT_DATA) from None
    if not is_pin(message.pin):
        raise Reject(StatusWord.INCORRECT_DATA)
    if words:
        if bip39.validate(words) is not None:
            raise Reject(StatusWord.INCORRECT_DATA)
    else:
        words = bip39.sentence_from_entropy(session.rng.read(_ENTROPY_BYTES))
    phrase, pin = Secret(" ".join(words.split()).encode()), Secret(message.pin)
    session.step = OnboardingStep.READY
    seal(session, phrase, pin)
    phrase.wipe()
    pin.wipe()


async def _make_new(session: Session, *, with_dice: bool) -> Secret | None:
    session.seed_type = SeedType.WORDS_24
    session.step = OnboardingStep.NEW_DEVICE
    rng = await _throw_dice(session) if with_dice else session.rng
    words = tuple(bip39.sentence_from_entropy(rng.read(_ENTROPY_BYTES)).split())
    while True:
        session.step = OnboardingStep.NEW_DEVICE
        await session.display.ask(Notice(lines=("Write down your", "24 words"), button="Show words", tone=Tone.WARNING))
        await session.display.ask(WordList(title="Recovery phrase", words=words))
        if await _confirm(session, words):
            return Secret(" ".join(words).encode())


async def _throw_dice(session: Session) -> Rng:
    """Return the device's randomness with the person's throws in it."""
    scene = DiceEntry(title="Throw a die", minimum=MINIMUM_THROWS, maximum=MAXIMUM_THROWS)
    while True:
        answer = await session.display.ask(scene)
        try:
            return DiceRng(session.rng, [int(face) for face in answer.text] if isinstance(answer, Entered) else [])
        except UsageError:
            notice = Notice(lines=("These throws are", "not random"), button="Throw again", tone=Tone.WARNING)
            await session.display.ask(notice)


async def _confirm(session: Session, words: tuple[str, ...]) -> bool:
    """Let the person enter each word again; a wrong one shows the list again."""
    session.step = OnboardingStep.CONFIRM_WORDS
    candidates = tuple(sorted(set(words)))
    for index, word in enumerate(words):
        session.word_index = index
        answer = await session.display.ask(WordEntry(title=f"Confirm word {index + 1}", candidates=candidates))
        if not isinstance(answer, Entered) or answer.text != word:
            await session.display.ask(
                Notice(lines=(f"Word {index + 1} is", "another one"), button="See the words", tone=Tone.WARNING)
            )
            return False
    session.word_index = 0
    return True


async def _restore(session: Session) -> Secret | None:
    session.step = OnboardingStep.SETUP_CHOICE_RESTORE
    counts = tuple(_COUNTS)
    count = counts[await _ask_menu(session, "How many words?", tuple(f"{count} words" for count in counts))]
    session.seed_type, session.step = _COUNTS[count], OnboardingStep.RESTORE_SEED
    words: list[str] = []
    for index in range(count):
        session.word_index = index
        answer = await session.display.ask(WordEntry(title=f"Word {index + 1} of {count}", candidates=bip39.words()))
        words.append(answer.text if isinstance(answer, Entered) else "")
    session.word_index = 0
    sentence = " ".join(words)
    try:
        bip39.entropy_from_sentence(sentence).wipe()
    except UsageError:
        lines = ("These words do", "not fit together")
        await session.display.ask(Notice(lines=lines, button="Start again", tone=Tone.FAILURE))
        return None
    return Secret(sentence.encode())


async def _ask_menu(session: Session, title: str, options: tuple[str, ...]) -> int:
    """Ask one of `options`; a menu, since a set-up has no way back."""
    answer = await session.display.ask(Choice(lines=(title,), options=options))
    return answer.index if isinstance(answer, Selected) else 0
