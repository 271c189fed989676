"""The holder of private bytes: what it shows, what it refuses, what it compares."""

import copy
import logging
import pickle

import pytest

from tallystick.crypto.secret import Secret, reveal, reveal_exactly
from tallystick.errors import UsageError

PRIVATE = b"\xa5correct horse battery staple"


def test_secret_text_hides_content():
    """No way of turning a secret into text shows its bytes, in any notation."""
    secret = Secret(PRIVATE)
    texts = [
        repr(secret),
        str(secret),
        f"{secret}",
        f"{secret!r:>80}",
        f"{secret:x}",
        "%s %r" % (secret, secret),  # noqa: UP031  # the old way of formatting is one more way to leak
        ascii(secret),
    ]
    for text in texts:
        assert "correct" not in text
        assert PRIVATE.hex() not in text
        assert "29 bytes" in text


def test_secret_in_a_log_line_hides_content(caplog):
    """A secret that reaches a log by mistake leaves only its length there."""
    logging.getLogger("crypto").warning("key %s", Secret(PRIVATE))
    assert "correct" not in caplog.text
    assert "29 bytes" in caplog.text


def test_secret_reveals_what_it_was_given():
    """`reveal` gives the bytes back, from bytes, bytearray and memoryview alike."""
    for given in (PRIVATE, bytearray(PRIVATE), memoryview(PRIVATE)):
        assert Secret(given).reveal() == PRIVATE
    assert len(Secret(PRIVATE)) == len(PRIVATE)
    assert not Secret(b"")


def test_secret_does_not_follow_its_source():
    """A secret is a copy: changing the buffer it came from changes nothing."""
    source = bytearray(PRIVATE)
    secret = Secret(source)
    source[0] ^= 0xFF
    assert secret.reveal() == PRIVATE


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_secret_refuses_pickling(protocol):
    """No pickle protocol takes a secret."""
    with pytest.raises(UsageError):
        pickle.dumps(Secret(PRIVATE), protocol)


def test_secret_refuses_copying():
    """Neither copy nor deepcopy multiplies a secret."""
    with pytest.raises(UsageError):
        copy.copy(Secret(PRIVATE))
    with pytest.raises(UsageError):
        copy.deepcopy([Secret(PRIVATE)])


def test_secret_has_no_hash_and_no_bytes():
    """A secret cannot be a dictionary key, be iterated, indexed, or turned into bytes without `reveal`."""
    secret = Secret(PRIVATE)
    with pytest.raises(TypeError):
        hash(secret)
    with pytest.raises(TypeError):
        bytes(secret)
    with pytest.raises(TypeError):
        iter(secret)
    with pytest.raises(TypeError):
        secret[0]
    assert not hasattr(secret, "__dict__")


def test_secret_equality_is_by_content():
    """Secrets are equal to secrets and bytes of the same content, and to nothing else."""
    secret = Secret(PRIVATE)
    assert secret == Secret(PRIVATE)
    assert secret == PRIVATE
    assert secret == bytearray(PRIVATE)
    assert secret != Secret(PRIVATE[:-1])
    assert secret != PRIVATE[:-1] + b"f"
    assert secret != PRIVATE.decode("latin-1")


def test_wiped_secret_is_zeroed_and_refused():
    """After `wipe` the memory is zero, `reveal` is refused, and it equals nothing, not even another wiped one."""
    secret = Secret(PRIVATE)
    secret.wipe()
    secret.wipe()
    assert secret.wiped
    assert secret._data == bytes(len(PRIVATE))
    assert len(secret) == len(PRIVATE)
    assert "wiped" in repr(secret)
    assert secret != Secret(bytes(len(PRIVATE)))
    assert secret != bytes(len(PRIVATE))
    with pytest.raises(UsageError, match="wiped"):
        secret.reveal()


def test_material_is_taken_in_both_forms():
    """Functions of this room take private bytes bare or held, and check their length."""
    assert reveal(PRIVATE) == reveal(Secret(PRIVATE)) == PRIVATE
    assert reveal_exactly(Secret(PRIVATE), 29) == PRIVATE
    with pytest.raises(UsageError, match="29 bytes, not 32") as refused:
        reveal_exactly(PRIVATE, 32)
    assert "correct" not in str(refused.value)
