"""The locked pages that secrets lie in: rooms are given, given back, and found missing in so many words."""

import logging
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.crypto.secret import Heap, Secret
from tallystick.device.board.secret_memory import SIZE_BYTES, SecretMemory
from tallystick.device.sandbox.kernel import Kernel, machine

#: a process without rights to go over its limit, and nothing that it may lock
_UNABLE = """
import resource, sys
from tallystick.device.board.secret_memory import SecretMemory
from tallystick.device.board.secure_lock import SecureLock
from tallystick.device.sandbox import limit
from tallystick.device.sandbox.confine import survey
from tallystick.device.sandbox.kernel import Kernel, machine
kernel = Kernel(machine())
able = survey()
resource.setrlimit(resource.RLIMIT_MEMLOCK, (0, 0))
limit.drop_capabilities(kernel)
print(*(line for line in survey().missing if "memory" in line))
print(*SecureLock(able).missing)
"""


@pytest.fixture
def memory():
    """Let secrets live in locked pages, and in the interpreter's own again afterwards."""
    made = SecretMemory(Kernel(machine()))
    Secret.live_in(made)
    yield made
    Secret.live_in(Heap())


@given(st.lists(st.binary(max_size=1100), max_size=30))
def test_secrets_keep_their_bytes_side_by_side(contents):
    """Whatever the sizes, no room overlaps another, and each is wiped alone."""
    Secret.live_in(SecretMemory(Kernel(machine())))
    try:
        secrets = [Secret(data) for data in contents]
        assert [secret.reveal() for secret in secrets] == contents
        for secret in secrets[::2]:
            secret.wipe()
        assert [secret.reveal() for secret in secrets[1::2]] == contents[1::2]
        assert all(first == first.reveal() for first in secrets[1::2])
    finally:
        Secret.live_in(Heap())


def test_a_room_is_wiped_and_given_to_the_next_one(memory):
    """When a secret is dropped its bytes are zeros, without anybody having wiped it."""
    secret = Secret(b"\xaa" * 32)
    place, number = secret._data, secret._number
    assert number >= 0
    del secret
    assert bytes(place) == bytes(32)
    assert memory.take(64)[1] == number


def test_more_than_there_is_room_for_lies_elsewhere_and_is_told_once(memory, caplog):
    """The device goes on, and the log says that something is not locked; rooms that come back are used again."""
    with caplog.at_level(logging.WARNING):
        secrets = [Secret(bytes(1000)) for _ in range(40)]
    assert len([record for record in caplog.records if "not locked" in record.message]) == 1
    assert sum(secret._number < 0 for secret in secrets) == 24
    secrets.clear()
    assert Secret(bytes(1000))._number >= 0


def test_a_thousand_secrets_one_after_the_other_need_one_room(memory):
    """What is dropped is there for the next: nothing leaks away."""
    assert len({Secret(bytes(32))._number for _ in range(5000)}) == 1
    assert SIZE_BYTES == 64 << 10


def test_what_is_no_bytes_leaves_no_trace(memory):
    """A wrong argument is a type error and nothing else."""
    for wrong in (None, 5, "text"):
        with pytest.raises(TypeError):
            Secret(wrong)
    assert Secret(b"x").reveal() == b"x"


def test_pages_that_cannot_be_locked_are_told():
    """Where a user may lock nothing, survey and Secure World say so; nothing is hidden and nothing ends."""
    done = subprocess.run(
        [sys.executable, "-I", "-c", _UNABLE], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    offered, own = done.stdout.splitlines()
    assert offered == "memory lock: missing, this user may lock too little"
    assert own.startswith("memory lock: ")
