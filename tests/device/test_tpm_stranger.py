"""What other people's tools (tpm2-tools) see of a device in a TPM, and what they can do to it without its passwords."""

import contextlib
import os
import shutil
import subprocess

import pytest
from process_stage import PATIENCE_S
from tpm_stage import PROGRAM, simulator

from tallystick.device.hil import KeyRefused
from tallystick.device.silicon.entropy import SystemRng
from tallystick.device.silicon.flash import MemoryFlash
from tallystick.device.silicon.tpm_binding import bind, retire
from tallystick.device.silicon.tpm_chip import TpmChip
from tallystick.device.silicon.tpm_policy import SessionKind
from tallystick.wire.chip import ChipState, CounterId, IncrementCounter, Refusal, Refused, Tag, Value
from tallystick.wire.chip_key import Derive, Enroll, Failures

pytestmark = pytest.mark.skipif(
    not os.environ.get("CI") and (PROGRAM is None or shutil.which("tpm2_nvread") is None),
    reason="the TPM simulator or its tools are not installed: scripts/tpm_setup",
)
PROOF, WRONG = b"\x11" * 32, b"\x22" * 32


class Stranger:
    """Somebody with the tools and a way to the TPM; each call is a connection of its own."""

    def __init__(self, way):
        self._env = {"PATH": os.environ["PATH"], "TPM2TOOLS_TCTI": way}

    def does(self, *words):
        """Run a tool; return whether it was allowed to."""
        return (
            subprocess.run(words, env=self._env, capture_output=True, check=False, timeout=PATIENCE_S).returncode == 0
        )

    def sees(self, *words):
        """Run a tool that must work, and return what it writes."""
        return subprocess.run(words, env=self._env, capture_output=True, check=True, timeout=PATIENCE_S).stdout


@pytest.mark.parametrize("owns", [True, False], ids=["owned", "not owned"])
def test_tools_see_the_count_and_change_nothing_that_has_an_owner(tmp_path, owns):
    """The tools read the same count and counters; on a TPM of the device's own they can neither remove nor write them.

    Where nobody owns it they can remove the index, and then the seal opens to nobody.
    """
    with simulator(tmp_path / "tpm") as tpm:
        tpm.hand_over()
        store, way = MemoryFlash(), tpm.provider.removeprefix("tpm2:")
        bound = bind(store, way, rng=SystemRng(), takes_ownership=owns)
        chip = TpmChip(store=store, rng=SystemRng(), state=ChipState.OPEN, binding=bound)
        handle = chip.receive(Enroll(3, PROOF)).value
        answer = chip.receive(Derive(handle, PROOF))
        assert isinstance(answer, Tag)
        assert chip.receive(Derive(handle, WRONG)) == Refused(Refusal.PROOF)
        attempts = chip.receive(IncrementCounter(CounterId.ATTEMPT)).value
        chip.close()
        stranger, owner = Stranger(way), ("-C", "o", "-P", bound.owner.reveal().decode())
        count, counter = hex(bound.base), hex(bound.base + 2)
        assert stranger.sees("tpm2_nvread", *owner, count) == bytes((0, 0, 0, 1, 0, 0, 0, 3))
        assert int.from_bytes(stranger.sees("tpm2_nvread", *owner, counter), "big") == attempts
        properties = stranger.sees("tpm2_getcap", "properties-variable").decode()
        told = dict(line.split(":") for line in properties.replace(" ", "").splitlines() if "AuthSet" in line)
        assert {told["ownerAuthSet"], told["lockoutAuthSet"]} == {str(int(owns))}
        assert stranger.does("tpm2_nvincrement", "-C", "o", counter) is not owns
        assert stranger.does("tpm2_nvundefine", "-C", "o", count) is not owns
        chip = TpmChip(store=store, rng=SystemRng(), state=ChipState.OPEN, binding=bound)
        if owns:
            assert chip.receive(Failures(handle)) == Value(1)
            assert chip.receive(Derive(handle, PROOF)) == answer
        else:
            assert chip.receive(Failures(handle)) == Refused(Refusal.KEY)
            assert chip.receive(Derive(handle, PROOF)) == Refused(Refusal.KEY)
        chip.close()
        retire(store, rng=SystemRng())
        assert stranger.sees("tpm2_getcap", "handles-nv-index") == b""


def test_what_a_killed_device_left_loaded_is_not_in_the_way(tmp_path):
    """Whoever is killed in the midst of it leaves an object and a session behind; the next device finds room all the same."""
    with simulator(tmp_path / "tpm") as tpm:
        tpm.hand_over()
        store, way = MemoryFlash(), tpm.provider.removeprefix("tpm2:")
        bound = bind(store, way, rng=SystemRng())
        handle = b""
        for _ in range(5):
            chip = TpmChip(store=store, rng=SystemRng(), state=ChipState.OPEN, binding=bound)
            handle = handle or chip.receive(Enroll(3, PROOF)).value
            assert isinstance(chip.receive(Derive(handle, PROOF)), Tag)
            left = [chip._tpm._primary(), chip._tpm._policy.session(SessionKind.HMAC)]
            for one in left:
                one.__enter__()
            chip.close()
            for one in left:
                with contextlib.suppress(KeyRefused):  # it is too late to tell the TPM
                    one.__exit__(None, None, None)
