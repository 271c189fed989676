"""The isolated board with its key in a TPM: counted there, bound to it, fixed for life, and told when it is not there."""

import os
import shutil
import stat
from contextlib import contextmanager

import pytest
from isolated_stage import Held, tally
from tpm_stage import PROGRAM, Simulator, simulator
from up_stage import GET_ADDRESS, NAME, run

from tallystick.crypto.secret import Secret
from tallystick.device.silicon import tpm_owner
from tallystick.device.silicon.entropy import SystemRng
from tallystick.device.silicon.flash import MemoryFlash
from tallystick.device.silicon.nvm import ChipMemory
from tallystick.device.silicon.tpm import TpmProvider
from tallystick.device.silicon.tpm_binding import bind, binding_of
from tallystick.device.silicon.tpm_command import Tpm, TpmError
from tallystick.device.silicon.tpm_nv import Indexes, TpmCounter
from tallystick.testing.flash import FaultyFlash, PowerCut
from tallystick.wire.chip import ChipState, CounterId

pytestmark = pytest.mark.skipif(
    PROGRAM is None and not os.environ.get("CI"), reason="the TPM simulator is not installed: scripts/tpm_setup"
)
PIN, WRONG = "1234", "4321"
LOCKED = b"\x55\x15"
EMPTY = Secret(b"")


@pytest.fixture
def tpm(tmp_path):
    """Run a new simulator for one test."""
    with simulator(tmp_path / "tpm") as running:
        running.hand_over()
        yield running


@pytest.fixture
def folder(tmp_path):
    """Name the directory of a device."""
    return tmp_path / "device"


def first(folder, home, tpm):
    """Set a locked test device up whose key is in the TPM, and hold it."""
    options = ("--state", str(folder), "--key-provider", tpm.provider, "--app", "cosmos", "--pin", PIN)
    return Held(*options, env=home)


def again(folder, home, *options):
    """Hold the device that is there."""
    return Held("--state", str(folder), *options, env=home, seed="")


def guess(device):
    """Enter a wrong PIN and return what the device says."""
    device.user.enter_pin(WRONG)
    said = device.screen
    device.user.dismiss()
    return said


def is_refused(device):
    """Tell whether the vault stays shut whatever is done: no PIN is asked for, again and again."""
    for _ in range(4):
        assert "refused" in device.screen
        device.user.dismiss()
    return not is_unlocked(device) and device.exchange(NAME) == LOCKED


def is_unlocked(device):
    """Tell whether the device is unlocked."""
    return device.rest("GET", "/status")["unlocked"]


def binding(folder):
    """Return what the chip in a folder says of its TPM."""
    chip = ChipMemory.open(folder / "chip")
    try:
        return binding_of(chip)
    finally:
        chip.close()


def counters(folder, tpm):
    """Return where the two counters of a device stand in the TPM."""
    bound = binding(folder)
    machine = Tpm(tpm.take_back().exchange)
    counter = TpmCounter(Indexes(machine, rng=SystemRng(), owner=bound.owner), base=bound.base)
    found = [counter.read(one) for one in (CounterId.ATTEMPT, CounterId.SETTLED)]
    tpm.hand_over()
    return found


@contextmanager
def put_back(copy, folder):
    """Put an old copy in the place of a device."""
    shutil.rmtree(folder)
    shutil.copytree(copy, folder)
    yield folder


def test_a_whole_life_with_a_tpm(home, folder, tmp_path, tpm):
    """Set-up, a wrong PIN, everything killed, the right PIN, a new start: one device, and the TPM counts along.

    Files put back from a copy give no try back, and once the PIN was right after the copy they are refused.
    """
    with first(folder, home, tpm) as device:
        status = device.rest("GET", "/status")
        assert (status["key_provider"], status["boot"]) == ("tpm2", "verified")
        port = f"tcp:127.0.0.1:{device.facts['apdu_port']}"
        assert device.exchange(NAME) == LOCKED
        device.user.enter_pin(PIN)
        assert is_unlocked(device)
        assert tally("device", "info", "--device", port, env=home)["key_provider"] == "tpm2"
        device.end()
    tried, settled = counters(folder, tpm)
    assert tried == settled
    shutil.copytree(folder, tmp_path / "copy")
    with again(folder, home) as device:
        assert "2 tries left" in guess(device)
        device.cut()
    assert counters(folder, tpm) == [tried + 1, settled]
    with put_back(tmp_path / "copy", folder), again(folder, home) as device:
        assert "1 try left" in guess(device)
        device.user.enter_pin(PIN)
        assert is_unlocked(device)
        device.user.choose("Cosmos")
        assert device.exchange(GET_ADDRESS).endswith(b"\x90\x00")
        device.end()
    tried, settled = counters(folder, tpm)
    assert tried == settled
    with put_back(tmp_path / "copy", folder), again(folder, home) as device:
        device.user.enter_pin(PIN)
        assert "State rolled\nback: refused" in device.screen
        assert not is_unlocked(device)
        assert device.rest("GET", "/status")["onboarded"]
        device.end()


def test_without_a_tpm_a_copy_of_everything_gives_tries_back(home, folder, tmp_path):
    """The simulated chip is a folder: put back with the flash it has counted nothing, and the status says what chip it is.

    The flash alone put back gains nothing, since the chip counts. This is what SECURITY.md does not promise.
    """
    with Held("--state", str(folder), "--pin", PIN, env=home) as device:
        assert device.rest("GET", "/status")["key_provider"] == "simulated"
        device.end()
    shutil.copytree(folder, tmp_path / "copy")
    with again(folder, home) as device:
        assert "2 tries left" in guess(device)
        device.end()
    with put_back(tmp_path / "copy" / "flash", folder / "flash"), again(folder, home) as device:
        assert "1 try left" in guess(device)
        device.end()
    with put_back(tmp_path / "copy", folder), again(folder, home) as device:
        assert "2 tries left" in guess(device)


def test_third_wrong_pin_resets_and_frees_the_seal_in_the_tpm(home, folder, tpm):
    """The third wrong PIN resets the device; what it sealed has left the TPM, and it can be set up again."""
    with first(folder, home, tpm) as device:
        for _ in range(3):
            device.user.enter_pin(WRONG)
            device.user.dismiss()
        device.status_when(lambda now: not now["onboarded"])
        device.end()
    bound = binding(folder)
    indexes = Indexes(Tpm(tpm.take_back().exchange), rng=SystemRng(), owner=EMPTY)
    assert [indexes.exists(bound.base + one) for one in range(4)] == [False, False, True, True]
    tpm.hand_over()
    with first(folder, home, tpm) as device:
        device.user.enter_pin(PIN)
        assert is_unlocked(device)


def test_a_copied_disk_is_of_no_use_to_another_tpm(home, folder, tmp_path, tpm):
    """With its way pointed to another TPM the device refuses every PIN, and counts none for it."""
    with first(folder, home, tpm) as device:
        device.end()
    shutil.copytree(folder, tmp_path / "copy")
    with simulator(tmp_path / "other") as other:
        other.hand_over()
        with again(tmp_path / "copy", home, "--key-provider", other.provider) as device:
            assert is_refused(device)
            assert device.rest("GET", "/status")["onboarded"]
    with again(folder, home) as device:
        device.user.enter_pin(PIN)
        assert is_unlocked(device)


def test_a_tpm_that_went_away_costs_no_try(home, folder, tmp_path):
    """Killed in mid use the TPM leaves a locked device that says so; back again with the next start, no try is lost.

    Without it the device does not start, and says why and what to do.
    """
    with simulator(tmp_path / "tpm") as tpm:
        tpm.hand_over()
        device = first(folder, home, tpm)
        with device:
            tpm.kill()
            device.user.enter_pin(PIN)
            assert is_refused(device)
            back = Simulator(tmp_path / "tpm")
            back.hand_over()
            device.replug()
            assert "2 tries left" in guess(device)
            device.user.enter_pin(PIN)
            assert is_unlocked(device)
            back.kill()
            assert b"BOLOS" in device.exchange(NAME)
            device.end()
    ended = run(
        "--board", "isolated", "--json", "--state", str(folder), "--apdu-port", "0", "--api-port", "0", env=home
    )
    assert ended.returncode == 6
    assert '"error": "key_refused"' in ended.stdout
    assert "start the simulator" in ended.stdout


def test_the_kind_of_key_is_for_life(home, folder, tmp_path, tpm):
    """A device made with one kind refuses the other, with a remedy; so does what cannot be kept, or has no chip of its own."""
    with first(folder, home, tpm) as device:
        device.end()
    plain = tmp_path / "plain"
    with Held("--state", str(plain), env=home) as device:
        assert device.rest("GET", "/status")["key_provider"] == "simulated"
        device.end()
    before = {path: path.read_bytes() for path in sorted(plain.rglob("*")) if path.is_file()}
    for options in (
        ("--state", str(folder), "--key-provider", "simulated"),
        ("--state", str(plain), "--key-provider", tpm.provider),
        ("--ephemeral", "--key-provider", tpm.provider),
        ("--state", str(folder), "--key-provider", "tpm2:relative"),
        ("--state", str(folder), "--key-provider", "tpm3"),
    ):
        ended = run("--board", "isolated", "--json", *options, "--apdu-port", "0", "--api-port", "0", env=home)
        assert ended.returncode == 2, options
        assert '"remedy": "' in ended.stdout
        assert '"remedy": ""' not in ended.stdout
    assert {path: path.read_bytes() for path in sorted(plain.rglob("*")) if path.is_file()} == before
    embedded = ("--board", "embedded", "--state", str(tmp_path / "e"), "--key-provider", tpm.provider)
    assert run("--json", *embedded, "--apdu-port", "0", "--api-port", "0", env=home).returncode == 2


@pytest.fixture(scope="module")
def images(home, tmp_path_factory):
    """Build images once."""
    folder = tmp_path_factory.mktemp("factory")
    tally("factory", "keys", str(folder / "keys"), env=home)
    build = ("--keys", str(folder / "keys"), "--version", "1.0.0", "--security-version", "1")
    tally("factory", "build", *build, "--out", str(folder / "images"), env=home)
    return folder / "images"


def make(folder, images, home, tpm, *options, code=0):
    """Make a device whose key is in the TPM."""
    words = ("--images", str(images), "--key-provider", tpm.provider, *options)
    return tally("device", "create", str(folder), *words, env=home, code=code)


def test_a_tpm_of_our_own_refuses_the_attack_and_is_given_back(home, folder, tmp_path, tpm, images):
    """With --take-ownership nobody else removes, makes or counts up an index; `tally device retire` gives the TPM back.

    The passwords lie in the chip's memory, which only its user can read. Another device is told that the TPM has an owner.
    """
    assert make(folder, images, home, tpm, "--take-ownership")["key_provider"] == "tpm2"
    bound = binding(folder)
    assert len(bound.owner) == len(bound.lockout) == 32
    assert bound.owner != bound.lockout
    assert stat.S_IMODE((folder / "chip" / "memory").stat().st_mode) == 0o600
    assert bound.owner.reveal().decode() not in repr(bound)
    with Held("--state", str(folder), "--pin", PIN, env=home) as device:
        device.user.enter_pin(PIN)
        assert is_unlocked(device)
        device.end()
    machine = Tpm(tpm.take_back().exchange)
    assert tpm_owner.is_owned(machine)
    for owner in (EMPTY, Secret(b"a guess")):
        stranger = Indexes(machine, rng=SystemRng(), owner=owner)
        attempts = (
            lambda one=stranger: one.remove(bound.base),
            lambda one=stranger: one.define(bound.base + 1, 1, key=EMPTY),
            lambda one=stranger: one.increment(bound.base + 3),
            lambda one=stranger: one.write(bound.base, bytes(8)),
        )
        for attempt in attempts:
            with pytest.raises(TpmError):
                attempt()
    tpm.hand_over()
    assert make(tmp_path / "second", images, home, tpm, code=6)["error"] == "key_refused"
    tally("device", "retire", str(folder), "--yes", env=home)
    machine = Tpm(tpm.take_back().exchange)
    assert not tpm_owner.is_owned(machine)
    indexes = Indexes(machine, rng=SystemRng(), owner=EMPTY)
    assert not any(indexes.exists(bound.base + one) for one in range(4))
    tpm.hand_over()
    ended = run(
        "--board", "isolated", "--json", "--state", str(folder), "--apdu-port", "0", "--api-port", "0", env=home
    )
    assert "retired" in ended.stdout


def test_without_ownership_an_index_that_was_removed_opens_nothing(home, folder, tpm):
    """With an empty owner password anybody can remove the index that counts: then the seal opens to nobody, and says so.

    That an index made anew under the same name opens it as little is shown in test_tpm_provider.py.
    """
    with first(folder, home, tpm) as device:
        device.end()
    bound = binding(folder)
    provider = TpmProvider(
        Tpm(tpm.take_back().exchange), rng=SystemRng(), owner=EMPTY, state=ChipState.VERIFIED, base=bound.base
    )
    provider.indexes.remove(bound.base)
    tpm.hand_over()
    with again(folder, home) as device:
        assert is_refused(device)


def test_two_devices_share_a_tpm(home, folder, tmp_path, tpm, images):
    """Each has indexes of its own: the wrong PINs and the reset of one are nothing to the other."""
    other = tmp_path / "other"
    for one in (folder, other):
        make(one, images, home, tpm)
    assert binding(folder).base != binding(other).base
    with Held("--state", str(folder), "--pin", PIN, env=home) as device:
        device.user.enter_pin(PIN)
        device.end()
    with Held("--state", str(other), "--pin", PIN, env=home) as device:
        for _ in range(3):
            device.user.enter_pin(WRONG)
            device.user.dismiss()
        device.end()
    with again(folder, home) as device:
        device.user.enter_pin(PIN)
        assert is_unlocked(device)


def test_a_cut_in_the_making_loses_no_password(tmp_path, tpm):
    """Passwords are kept before the TPM is told them: what was cut off is made with the same ones."""
    way = tpm.provider.removeprefix("tpm2:")
    store = MemoryFlash()
    with pytest.raises(PowerCut):
        bind(FaultyFlash(store, cut_after=0), way, rng=SystemRng(), takes_ownership=True)
    machine = Tpm(tpm.take_back().exchange)
    assert not tpm_owner.is_owned(machine)
    tpm.hand_over()
    made = bind(store, way, rng=SystemRng(), takes_ownership=True)
    assert bind(store, way, rng=SystemRng(), takes_ownership=True).to_bytes() == made.to_bytes()
