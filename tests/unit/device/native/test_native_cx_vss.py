"""Shares of a secret by call: they combine, their commitments match, and what is refused."""

import hashlib
import struct

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cx_machine import WILD, Cx
from hypothesis import given, settings
from hypothesis import strategies as st

from tallystick.device.native.cx_error import CxStatus
from tallystick.device.native.cx_fast import curve_of

P384 = curve_of(0x23)
ORDER = P384.domain.order
SECRET = b"thirty-two bytes to be shared..."
SEED = bytes(range(32))


def openssl(scalar):
    """Return so many times the generator, x and y, by OpenSSL itself."""
    numbers = ec.derive_private_key(scalar, ec.SECP384R1()).public_key().public_numbers()
    return numbers.x.to_bytes(48, "big") + numbers.y.to_bytes(48, "big")


#: a point for commitments; that its logarithm is known matters to nobody but these tests
LOGARITHM = 0x5EC0DE
POINT = openssl(LOGARITHM)


class Vss(Cx):
    """A machine with the calls for shares."""

    def generate(self, count, threshold, *, secret=SECRET, seed=SEED, point=POINT):
        """Return the shares (100 bytes each) and the commitments (96 bytes each), or the error."""
        shares, commits = self.put(bytes(100 * count)), self.put(bytes(96 * threshold))
        given = (self.put(point), len(point), self.put(seed), len(seed), self.put(secret), len(secret))
        status = self.system("cx_vss_generate_shares", shares, commits, *given, count, threshold)
        if status:
            return status
        raw = self.read(shares, 100 * count)
        made = self.read(commits, 96 * threshold)
        return [raw[at : at + 100] for at in range(0, len(raw), 100)], [
            made[at : at + 96] for at in range(0, len(made), 96)
        ]

    def combine(self, shares, *, size=32):
        """Return the secret, or the error."""
        target = self.room(64)
        status = self.system("cx_vss_combine_shares", target, size, self.put(b"".join(shares)), len(shares))
        return status or self.read(target, size)

    def verify(self, commits, commitment, index):
        """Return whether they match, or the error."""
        verified = self.put(b"\xff")
        given = (self.put(b"".join(commits)), len(commits), self.put(commitment), index, verified)
        status = self.system("cx_vss_verify_commits", *given)
        return status or self.read(verified, 1) == b"\1"


def share(value, index, blinding=0):
    """Return a share as it lies in memory."""
    return value.to_bytes(48, "big") + blinding.to_bytes(48, "big") + struct.pack("<I", index)


def commitment_of(one):
    """Return the commitment to a share: its value times the generator and its blinding times the other point, by OpenSSL."""
    value, blinding = (int.from_bytes(one[at : at + 48], "big") for at in (0, 48))
    return openssl((value + LOGARITHM * blinding) % ORDER)


def test_shares_of_a_polynomial_by_hand_combine():
    """42 + 7 x at 1 and 2, and 5 - x + 3 x^2 at 4, 9 and 2^32 - 1, give what they are at 0."""
    cx = Vss()
    assert cx.combine([share(49, 1), share(56, 2)], size=1) == b"\x2a"
    places = (4, 9, (1 << 32) - 1)
    assert cx.combine([share((5 - x + 3 * x * x) % ORDER, x) for x in places], size=2) == b"\0\5"


def test_commitments_by_openssl_match():
    """Commitments to 42 + 7 x that OpenSSL made match its commitments to the shares, at their own index alone."""
    cx = Vss()
    commits = [openssl(42), openssl(7)]
    for index in (1, 2, 3, (1 << 32) - 1):
        assert cx.verify(commits, openssl((42 + 7 * index) % ORDER), index) is True
        assert cx.verify(commits, openssl((42 + 7 * index) % ORDER), index ^ 4) is False
        assert cx.verify(commits[::-1], openssl((42 + 7 * index) % ORDER), index ^ 4) is False


@pytest.mark.parametrize(("count", "threshold"), [(1, 1), (3, 2), (5, 3), (4, 4)])
def test_generated_shares_combine_and_match(count, threshold):
    """Any shares, as many as the threshold, give the secret; each has the commitment that those to the coefficients make."""
    cx = Vss()
    shares, commits = cx.generate(count, threshold)
    assert [struct.unpack("<I", one[96:])[0] for one in shares] == list(range(1, count + 1))
    assert len(commits) == threshold
    assert cx.combine(shares[:threshold]) == SECRET
    assert cx.combine(shares[::-1][:threshold]) == SECRET
    for index, one in enumerate(shares, start=1):
        assert cx.verify(commits, commitment_of(one), index) is True
        assert cx.verify(commits, commitment_of(one), index + 1) is (threshold == 1)


@given(st.binary(min_size=1, max_size=47), st.binary(min_size=1, max_size=64), st.integers(1, 4), st.integers(0, 3))
@settings(max_examples=15, deadline=None)
def test_every_secret_comes_back(secret, seed, threshold, more):
    """A secret of 1 to 47 bytes comes back, zeros at its beginning included."""
    cx = Vss()
    shares, _ = cx.generate(threshold + more, threshold, secret=secret, seed=seed)
    assert cx.combine(shares[more:], size=len(secret)) == secret


def test_shares_are_those_of_the_seed():
    """One seed and secret give the same shares ever again; another seed, secret or threshold gives others."""
    cx = Vss()
    shares, commits = cx.generate(3, 2)
    assert cx.generate(3, 2) == (shares, commits)
    told = hashlib.sha256(b"".join(shares)).hexdigest()
    assert told == "2e18d25b76c0dc674d16632e8fe8e6917e6ab7a2d0b968186ba6803795b6885d"
    first = {
        one[0][0]
        for one in (cx.generate(3, 2, seed=b"other"), cx.generate(3, 2, secret=SECRET[:-1]), cx.generate(3, 3))
    }
    assert len(first | {shares[0]}) == 4


def test_fewer_shares_tell_nothing():
    """One share short of the threshold, the shares do not give the secret."""
    cx = Vss()
    shares, _ = cx.generate(3, 3)
    assert cx.combine(shares[:2], size=48) != SECRET.rjust(48, b"\0")
    assert cx.combine(shares[:2]) == CxStatus.INVALID_PARAMETER_VALUE


def test_wrong_lengths_and_counts_are_refused():
    """A secret, a point or a seed of a wrong length, a threshold above the count, and none at all are an answer."""
    cx = Vss()
    for wrong in ({"secret": b""}, {"secret": bytes(48)}, {"point": POINT[:95]}, {"seed": b""}):
        assert cx.generate(2, 2, **wrong) == CxStatus.INVALID_PARAMETER_SIZE
    for count, threshold in ((1, 2), (2, 0), (0, 0)):
        assert cx.generate(count, threshold) == CxStatus.INVALID_PARAMETER
    assert cx.generate(2, 2, point=POINT[:95] + b"\0") == CxStatus.EC_INVALID_POINT
    one, two = cx.generate(2, 2)[0]
    assert cx.combine([one, one]) == CxStatus.INVALID_PARAMETER
    assert cx.combine([one, share(1, 0)]) == CxStatus.INVALID_PARAMETER
    assert cx.combine([one, share(ORDER, 2)]) == CxStatus.INVALID_PARAMETER_VALUE
    assert cx.combine([]) == CxStatus.INVALID_PARAMETER
    assert cx.combine([one, two], size=49) == CxStatus.INVALID_PARAMETER_SIZE
    assert cx.combine([one, two], size=0) == CxStatus.INVALID_PARAMETER_SIZE


def test_commitments_that_are_no_points_are_refused():
    """A commitment that is not on the curve, an index of 0 and no commitments at all are an answer, and nothing matches."""
    cx = Vss()
    good = openssl(5)
    assert cx.verify([good, bytes(96)], good, 1) == CxStatus.EC_INVALID_POINT
    assert cx.verify([good], bytes(96), 1) == CxStatus.EC_INVALID_POINT
    assert cx.verify([good], good, 0) == CxStatus.INVALID_PARAMETER
    assert cx.verify([], good, 1) == CxStatus.INVALID_PARAMETER


def test_many_shares_cost_an_app_what_they_take():
    """Many shares are counted as so many calls, below what one APDU may take."""
    cx = Vss()
    shares, _ = cx.generate(150, 40)
    assert cx.combine(shares[-40:]) == SECRET
    assert cx.machine.calls >= 40 * 256


@pytest.mark.parametrize("pointer", WILD)
def test_wild_pointers_are_refused(pointer):
    """Pointers that are not the app's are an answer, wherever they stand."""
    cx = Vss()
    good, room = cx.put(POINT), cx.room(300)
    text = cx.put(SECRET)
    calls = (
        ("cx_vss_generate_shares", (room, room, good, 96, text, 32, text, 32, 2, 2), (0, 1, 2, 4, 6)),
        ("cx_vss_combine_shares", (room, 48, cx.put(share(1, 1) + share(2, 2)), 2), (0, 2)),
        ("cx_vss_verify_commits", (good, 1, good, 1, room), (0, 2, 4)),
    )
    for name, arguments, places in calls:
        assert cx.system(name, *arguments) == 0
        for place in places:
            wrong = [*arguments[:place], pointer, *arguments[place + 1 :]]
            assert cx.system(name, *wrong) == CxStatus.INVALID_PARAMETER, (name, place)
