"""Keys, signatures and agreements of the shared library's functions, against standards and other implementations."""

import hashlib
import json
import random
import struct
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cx_machine import WILD, Cx
from hypothesis import given, settings
from hypothesis import strategies as st

from tallystick.device.native.cx_call import LIBRARY
from tallystick.device.native.cx_der import decode, encode
from tallystick.device.native.cx_domain import DOMAINS, Shape
from tallystick.device.native.cx_eddsa import expand
from tallystick.device.native.cx_error import CxStatus
from tallystick.device.native.cx_fast import curve_of
from tallystick.device.native.cx_key import Key
from tallystick.device.native.cx_nonce import nonces

VECTORS = Path(__file__).parents[3] / "vectors"
CURVE = json.loads((VECTORS / "native_curve.json").read_text())
KECCAK, SHA3, BLAKE2B, SHAKE256 = 6, 7, 9, 11
TRUE_RANDOM, RFC6979, PROVIDED, AS_IT_FALLS = 2 << 9, 3 << 9, 4 << 9, 1 << 6
BIP340, ISO_XY, ISO_X, BSI, LIBSECP, ZILLIQA = (form << 12 for form in (0, 3, 4, 5, 6, 7))
WEIERSTRASS = [number for number, domain in DOMAINS.items() if domain.shape is Shape.WEIERSTRASS]
PAIRING = (0x39, 0x52)
SIGNING = [number for number in WEIERSTRASS if number not in PAIRING]


def vectors(kind):
    """Return the vectors of one kind, named by curve and note."""
    rows = CURVE[kind]["vectors"]
    return [pytest.param(row, id=f"{row.get('curve', 0):02x}-{at}-{row['note'][:30]}") for at, row in enumerate(rows)]


def hash_of(number):
    """Return the hash that keys of a curve are made with, where one is."""
    return SHAKE256 if number == 0x72 else 5


class Keys(Cx):
    """A machine on which keys are laid out."""

    def key(self, number, raw):
        """Return the address of a key of a curve."""
        return self.put(struct.pack("<II", number, len(raw)) + raw)

    def sign(self, number, private, digest, *, md=3, mode=RFC6979, nonce=b""):
        """Return r, s and the information of an ECDSA signature, or the error."""
        target, room, info = self.put(nonce.ljust(200, b"\0")), self.word(200), self.word(0xEE)
        status = self.call(
            "cx_ecdsa_sign_no_throw", self.key(number, private), mode, md, self.put(digest), len(digest), target, room, info
        )  # fmt: skip
        if status:
            return status
        text = self.read(target, self.number(room))
        return *utils.decode_dss_signature(text), self.number(info)

    def verify(self, number, public, digest, signature):
        """Tell whether an ECDSA signature holds."""
        return self.call(
            "cx_ecdsa_verify_no_throw", self.key(number, public), self.put(digest), len(digest), self.put(signature),
            len(signature),
        )  # fmt: skip

    def pair(self, number):
        """Return a private and a public key that the call makes."""
        private, public = self.room(150), self.room(150)
        assert self.call("cx_ecfp_generate_pair2_no_throw", number, public, private, 0, hash_of(number)) == 0
        return self.read(private + 8, self.number(private + 4)), self.read(public + 8, self.number(public + 4))


@pytest.mark.parametrize("row", vectors("ecdsa"))
def test_ecdsa_verifies_what_wycheproof_says(row):
    """Good signatures hold, and those that are wrong in any of Wycheproof's ways do not."""
    digest = hashlib.new(row["hash"], bytes.fromhex(row["message"])).digest()
    public, signature = bytes.fromhex(row["public"]), bytes.fromhex(row["signature"])
    assert Keys().verify(row["curve"], public, digest, signature) == row["good"]


@pytest.mark.parametrize(
    ("file", "number"), [("crypto_rfc6979_p256.json", 0x22), ("crypto_rfc6979_secp256k1.json", 0x21)]
)
def test_ecdsa_signs_as_rfc_6979_says(file, number):
    """With the deterministic nonce a signature is the standard's, its s low unless that is not wanted."""
    data = json.loads((VECTORS / file).read_text())
    order = DOMAINS[number].order
    for vector in data["vectors"]:
        private = bytes.fromhex(vector.get("private", data.get("private")))
        digest = hashlib.sha256(vector["message"].encode()).digest()
        text = vector.get("signature")
        r, s = utils.decode_dss_signature(bytes.fromhex(text)) if text else (int(vector["r"], 16), int(vector["s"], 16))
        signed = Keys().sign(number, private, digest, mode=RFC6979 | AS_IT_FALLS)
        assert signed[0] == r
        assert signed[1] in {s, order - s}
        assert Keys().sign(number, private, digest)[:2] == (r, min(s, order - s))


@pytest.mark.parametrize(
    ("number", "curve"),
    [(0x21, ec.SECP256K1()), (0x22, ec.SECP256R1()), (0x23, ec.SECP384R1()), (0x24, ec.SECP521R1()),
     (0x32, ec.BrainpoolP256R1()), (0x36, ec.BrainpoolP384R1()), (0x38, ec.BrainpoolP512R1())],
)  # fmt: skip
@pytest.mark.parametrize("name", ["sha224", "sha256", "sha384", "sha512"])
def test_deterministic_signatures_are_those_of_openssl(number, curve, name):
    """For every curve and hash that OpenSSL signs deterministically with, ours is its signature."""
    rng = random.Random(f"{number}{name}")
    size, digest = DOMAINS[number].size_bytes, rng.randbytes(hashlib.new(name).digest_size)
    digest = digest[:size]
    algorithm = {28: hashes.SHA224, 32: hashes.SHA256, 48: hashes.SHA384, 64: hashes.SHA512}.get(len(digest))
    scalar = rng.randrange(1, DOMAINS[number].order)
    key = ec.derive_private_key(scalar, curve)
    scheme = ec.ECDSA(utils.Prehashed(algorithm()), deterministic_signing=True)
    theirs = utils.decode_dss_signature(key.sign(digest, scheme))
    md = {28: 2, 32: 3, 48: 4, 64: 5}[len(digest)]
    ours = Keys().sign(number, scalar.to_bytes(size, "big"), digest, md=md, mode=RFC6979 | AS_IT_FALLS)
    assert ours[:2] == theirs


@pytest.mark.parametrize("number", SIGNING, ids=lambda number: DOMAINS[number].name)
@pytest.mark.parametrize("mode", [RFC6979, TRUE_RANDOM, PROVIDED, RFC6979 | AS_IT_FALLS])
def test_signature_holds_on_every_curve(number, mode):
    """What is signed in any mode is verified; a change of one bit is not; the information is the nonce's point's."""
    cx, domain = Keys(), DOMAINS[number]
    private, public = cx.pair(number)
    for length in (20, 32, 64):
        digest = random.Random(length).randbytes(length)
        nonce = 12345678901234567890 + length
        r, s, info = cx.sign(number, private, digest, mode=mode, nonce=nonce.to_bytes(domain.size_bytes, "big"))
        text = encode(r.to_bytes(domain.size_bytes, "big"), s.to_bytes(domain.size_bytes, "big"))
        assert cx.verify(number, public, digest, text) == 1
        assert cx.verify(number, public, bytes((digest[0] ^ 0x80,)) + digest[1:], text) == 0
        assert cx.verify(number, public, digest, text[:-1]) == 0
        assert info & ~3 == 0
        if not mode & AS_IT_FALLS:
            assert s <= domain.order // 2
        if mode == PROVIDED:
            point = curve_of(number).multiply(curve_of(number).base, nonce)
            assert r == point[0] % domain.order
            assert info & 1 in {point[1] & 1, 1 - (point[1] & 1)}


@given(st.binary(min_size=32, max_size=32), st.integers(1, DOMAINS[0x21].order - 1))
@settings(max_examples=25, deadline=None)
def test_two_ways_to_sign_agree(digest, scalar):
    """libsecp256k1's signature and its recovery id are those of our own arithmetic."""
    cx, private = Keys(), scalar.to_bytes(32, "big")
    fast = cx.sign(0x21, private, digest)
    domain = DOMAINS[0x21]
    nonce = next(nonces(3, scalar, digest, domain.order))
    slow = cx.sign(0x21, private, digest, mode=PROVIDED, nonce=nonce.to_bytes(32, "big"))
    assert fast == slow


def test_digest_above_the_order_is_signed_by_the_standard():
    """A digest of ones is reduced for the nonce, which libsecp256k1 does not do; the signature holds."""
    cx = Keys()
    private, public = cx.pair(0x21)
    r, s, _info = cx.sign(0x21, private, b"\xff" * 32)
    assert cx.verify(0x21, public, b"\xff" * 32, encode(r.to_bytes(32, "big"), s.to_bytes(32, "big"))) == 1
    nonce = next(nonces(3, int.from_bytes(private, "big"), b"\xff" * 32, DOMAINS[0x21].order))
    assert r == curve_of(0x21).multiply(curve_of(0x21).base, nonce)[0]


@pytest.mark.parametrize("md", [0, KECCAK, SHA3, BLAKE2B, SHAKE256, 99])
def test_nonce_needs_a_hash_of_one_size(md):
    """Hashes that HMAC is not had with are refused, and the room stays as it was."""
    assert Keys().sign(0x22, b"\1" * 32, bytes(32), md=md) == CxStatus.INVALID_PARAMETER


def test_ecdsa_refuses_what_is_too_short():
    """Too little room, a key of another length, and a mode that names no nonce are errors; the room is told as 0."""
    cx = Keys()
    room = cx.word(71)
    arguments = (RFC6979, 3, cx.put(bytes(32)), 32, cx.room(100), room, 0)
    assert cx.call("cx_ecdsa_sign_no_throw", cx.key(0x21, b"\1" * 32), *arguments) == CxStatus.INVALID_PARAMETER
    assert cx.number(room) == 0
    assert cx.sign(0x21, b"\1" * 31, bytes(32)) == CxStatus.INVALID_PARAMETER
    assert cx.sign(0x71, b"\1" * 32, bytes(32)) == CxStatus.INVALID_PARAMETER
    assert cx.sign(0x21, b"\1" * 32, bytes(32), mode=0) == CxStatus.INVALID_PARAMETER
    assert cx.sign(0x21, b"\1" * 32, bytes(32), mode=PROVIDED, nonce=bytes(32)) == CxStatus.EC_INFINITE_POINT


@pytest.mark.parametrize("row", vectors("eddsa"))
def test_eddsa_verifies_what_wycheproof_says(row):
    """Good signatures hold, and those that are wrong in any of Wycheproof's ways do not."""
    number = row["curve"]
    curve, raw = curve_of(number), bytes.fromhex(row["public"])
    y = int.from_bytes(raw, "little")
    bits = 8 * curve.domain.size_bytes - 1
    point = curve.lift(y & ((1 << bits) - 1), odd=bool(y >> bits))
    size = curve.domain.size_bytes
    cx, message, signature = Keys(), bytes.fromhex(row["message"]), bytes.fromhex(row["signature"])
    public = cx.key(number, b"\4" + b"".join(coordinate.to_bytes(size, "big") for coordinate in point))
    md = 5 if number == 0x71 else SHAKE256
    arguments = (cx.put(message), len(message), cx.put(signature), len(signature))
    assert cx.call("cx_eddsa_verify_no_throw", public, md, *arguments) == row["good"]


@pytest.mark.parametrize(("number", "module", "md"), [(0x71, Ed25519PrivateKey, 5), (0x72, Ed448PrivateKey, SHAKE256)])
@pytest.mark.parametrize("length", [0, 1, 64, 500])
def test_eddsa_signs_as_openssl_does(number, module, md, length):
    """At once, in steps, and with the key expanded before, a signature is that of OpenSSL."""
    size, rng = DOMAINS[number].size_bytes, random.Random(length)
    private, message, cx = rng.randbytes(size), rng.randbytes(length), Keys()
    expected = module.from_private_bytes(private).sign(message)
    target, text = cx.room(2 * size), cx.put(message)
    key = cx.key(number, private)
    assert cx.call("cx_eddsa_sign_no_throw", key, md, text, length, target, 2 * size) == 0
    assert cx.read(target, 2 * size) == expected
    long = bytearray(hashlib.sha512(private).digest() if number == 0x71 else hashlib.shake_256(private).digest(114))
    long[0] &= 0xF8 if number == 0x71 else 0xFC
    if number == 0x71:
        long[31] = long[31] & 0x7F | 0x40
    else:
        long[55], long[56] = long[55] | 0x80, 0
    other = cx.room(2 * size)
    assert cx.call("cx_eddsa_sign_no_throw", cx.key(number, bytes(long)), md, text, length, other, 2 * size) == 0
    assert cx.read(other, 2 * size) == expected
    context, digest, steps = cx.room(430), cx.room(114), cx.room(114)
    assert cx.call("cx_eddsa_sign_init_first_hash", context, key, md) == 0
    for name, last in (("cx_eddsa_sign_init_second_hash", False), ("cx_eddsa_sign_hash", True)):
        assert cx.call("cx_eddsa_update_hash", context, text, length) == 0
        assert cx.call("cx_eddsa_final_hash", context, digest, 2 * size - 1) == CxStatus.INVALID_PARAMETER
        assert cx.call("cx_eddsa_final_hash", context, digest, 2 * size) == 0
        arguments = (key, md, digest, 2 * size, steps, 2 * size)
        assert cx.call(name, *(arguments if last else (context, *arguments))) == 0
    assert cx.read(steps, 2 * size) == expected
    public = cx.room(140)
    assert cx.call("cx_eddsa_get_public_key_no_throw", key, md, public, 0, 0, 0, 0) == 0
    assert cx.call("cx_eddsa_verify_init_hash", context, public, md, steps, size) == 0
    assert cx.call("cx_eddsa_update_hash", context, text, length) == 0
    assert cx.call("cx_eddsa_final_hash", context, digest, 2 * size) == 0
    assert cx.call("cx_eddsa_verify_hash", public, digest, 2 * size, steps, 2 * size) == 1


@pytest.mark.parametrize("md", [5, KECCAK, SHA3, BLAKE2B, SHAKE256])
def test_eddsa_holds_with_every_hash(md):
    """Whatever hash an app signs with verifies with that hash, and with no other one."""
    cx = Keys()
    private, target, public, text = cx.key(0x71, b"\7" * 32), cx.room(64), cx.room(140), cx.put(b"a word")
    assert cx.call("cx_eddsa_get_public_key_no_throw", private, md, public, 0, 0, 0, 0) == 0
    assert cx.call("cx_eddsa_sign_no_throw", private, md, text, 6, target, 64) == 0
    for other in (5, KECCAK, SHA3, BLAKE2B, SHAKE256):
        assert cx.call("cx_eddsa_verify_no_throw", public, other, text, 6, target, 64) == (other == md)


def test_scalar_and_prefix_are_given_if_asked_for():
    """The scalar comes big endian and the prefix as it is; too little room for either is refused."""
    cx = Keys()
    private, a, h = cx.key(0x71, b"\7" * 32), cx.room(32), cx.room(32)
    assert cx.call("cx_eddsa_get_public_key_no_throw", private, 5, 0, a, 32, h, 32) == 0
    digest = bytearray(hashlib.sha512(b"\7" * 32).digest())
    assert cx.read(h, 32) == digest[32:]
    assert cx.read(a, 32)[1:31] == bytes(reversed(digest[:32]))[1:31]
    for rooms in ((a, 31, h, 32), (a, 32, h, 31), (a, 0, 0, 0)):
        status = cx.call("cx_eddsa_get_public_key_no_throw", private, 5, 0, *rooms)
        assert status == CxStatus.INVALID_PARAMETER


@pytest.mark.parametrize("row", vectors("bip340"))
def test_schnorr_is_that_of_bip_340(row):
    """Each vector of BIP-340 signs and verifies as it says."""
    cx, message, signature = Keys(), bytes.fromhex(row["message"]), bytes.fromhex(row["signature"])
    text = cx.put(message)
    if row["private"]:
        target, room = cx.put(bytes.fromhex(row["auxiliary"]).ljust(64, b"\0")), cx.word(64)
        key = cx.key(0x21, bytes.fromhex(row["private"]))
        arguments = (BIP340 | PROVIDED, 3, text, len(message), target, room)
        assert cx.call("cx_ecschnorr_sign_no_throw", key, *arguments) == 0
        assert cx.read(target, cx.number(room)) == signature
    public = cx.key(0x21, b"\4" + bytes.fromhex(row["public"]) + bytes(32))
    arguments = (BIP340, 3, text, len(message), cx.put(signature), len(signature))
    assert cx.call("cx_ecschnorr_verify", public, *arguments) == row["good"]


@pytest.mark.parametrize("form", [ISO_XY, ISO_X, BSI, ZILLIQA, LIBSECP, BIP340])
@pytest.mark.parametrize("number", [0x21, 0x22])
@pytest.mark.parametrize("mode", [TRUE_RANDOM, PROVIDED])
def test_schnorr_holds_in_every_form(form, number, mode):
    """What is signed in one form is verified in that form alone, and not for another message."""
    cx = Keys(random=bytes(range(3, 200)))
    private, public = cx.pair(number)
    target, room, text = cx.put(b"\x11" * 100), cx.word(100), cx.put(b"message")
    status = cx.call("cx_ecschnorr_sign_no_throw", cx.key(number, private), form | mode, 3, text, 7, target, room)
    if form == BIP340 and number != 0x21:
        assert status == CxStatus.EC_INVALID_CURVE
        return
    assert status == 0
    key, length = cx.key(number, public), cx.number(room)
    forms = (ISO_XY, ISO_X, BSI, ZILLIQA, LIBSECP, *((BIP340,) if number == 0x21 else ()))
    for other in forms:
        assert cx.call("cx_ecschnorr_verify", key, other, 3, text, 7, target, length) == (other == form)
    assert cx.call("cx_ecschnorr_verify", key, form, 3, text, 6, target, length) == 0
    assert cx.call("cx_ecschnorr_verify", key, form, 5, text, 7, target, length) == 0


def test_zilliqa_is_the_published_equation():
    """The challenge is the hash of both points, compressed, and the message: s = k - r d, r reduced."""
    cx, order = Keys(), DOMAINS[0x21].order
    d, k = 0xABCDEF, 0x123456789
    target, room = cx.put(k.to_bytes(32, "big").ljust(100, b"\0")), cx.word(100)
    key = cx.key(0x21, d.to_bytes(32, "big"))
    assert cx.call("cx_ecschnorr_sign_no_throw", key, ZILLIQA | PROVIDED, 3, cx.put(b"m"), 1, target, room) == 0

    def compressed(scalar):
        public = ec.derive_private_key(scalar, ec.SECP256K1()).public_key().public_numbers()
        return bytes((2 + (public.y & 1),)) + public.x.to_bytes(32, "big")

    r = int.from_bytes(hashlib.sha256(compressed(k) + compressed(d) + b"m").digest(), "big") % order
    assert utils.decode_dss_signature(cx.read(target, cx.number(room))) == (r, (k - r * d) % order)


@pytest.mark.parametrize("row", vectors("ecdh"))
def test_ecdh_is_that_of_wycheproof(row):
    """A secret is the one that Wycheproof has; points that are none give none."""
    number = row["curve"]
    size = DOMAINS[number].size_bytes
    cx, public = Keys(), bytes.fromhex(row["public"])
    private = (int(row["private"], 16)).to_bytes(size, "big")
    target = cx.room(size)
    arguments = (2 << 12, cx.put(public), len(public), target, size)
    status = cx.call("cx_ecdh_no_throw", cx.key(number, private), *arguments)
    assert (status == 0) == row["good"]
    if not status:
        assert cx.read(target, size) == bytes.fromhex(row["shared"])


@pytest.mark.parametrize("row", vectors("x"))
def test_x_functions_are_those_of_rfc_7748(row):
    """X25519 and X448 give what Wycheproof has, also for points of small order; as the SDK has it, turned around."""
    name, size = ("cx_x25519", 32) if row["curve"] == 0x81 else ("cx_x448", 56)
    cx = Keys()
    target = cx.put(bytes.fromhex(row["public"]))
    assert cx.call(name, target, cx.put(bytes.fromhex(row["private"])), size) == 0
    assert bytes(reversed(cx.read(target, size))) == bytes.fromhex(row["shared"])


def test_montgomery_keys_agree():
    """Two pairs of Curve25519 agree on x, which is that of X25519 with both turned around."""
    cx = Keys()
    (one, one_public), (other, other_public) = cx.pair(0x81), cx.pair(0x81)
    shared = []
    for private, public in ((one, other_public), (other, one_public)):
        target = cx.room(32)
        assert cx.call("cx_ecdh_no_throw", cx.key(0x81, private), 2 << 12, cx.put(public), 65, target, 32) == 0
        shared.append(cx.read(target, 32))
    assert shared[0] == shared[1]
    target = cx.put(bytes(reversed(other_public[1:33])))
    assert cx.call("cx_x25519", target, cx.put(bytes(reversed(one))), 32) == 0
    assert cx.read(target, 32) == shared[0]


def test_ecdh_refuses_what_does_not_fit():
    """Another length, too little room, no form, and Edwards curves are refused with the SDK's own numbers."""
    cx = Keys()
    private, public = cx.pair(0x21)
    key, point, target = cx.key(0x21, private), cx.put(public), cx.room(65)
    assert cx.call("cx_ecdh_no_throw", key, 1 << 12, point, 65, target, 65) == 0
    assert cx.read(target, 1) == b"\4"
    assert cx.call("cx_ecdh_no_throw", key, 1 << 12, point, 64, target, 65) == CxStatus.INVALID_PARAMETER
    assert cx.call("cx_ecdh_no_throw", key, 1 << 12, point, 65, target, 64) == 2
    assert cx.call("cx_ecdh_no_throw", key, 0, point, 65, target, 65) == CxStatus.INVALID_PARAMETER
    assert cx.call("cx_ecdh_no_throw", cx.key(0x71, private), 1 << 12, point, 65, target, 65) == 2


@given(st.binary(max_size=80))
@settings(max_examples=200)
def test_der_reads_only_what_it_would_write(data):
    """Random bytes are a signature only if they are the one encoding of two numbers."""
    spans = decode(data)
    if spans is not None:
        (r, r_size), (s, s_size) = spans
        assert encode(data[r : r + r_size], data[s : s + s_size]) == data


@given(st.binary(max_size=140), st.binary(max_size=140))
@settings(max_examples=100)
def test_der_comes_back(r, s):
    """Two numbers of any length come back without their zeros; every truncation and every byte more is refused."""
    text = encode(r, s)
    spans = decode(text)
    assert [text[at : at + size] for at, size in spans] == [r.lstrip(b"\0"), s.lstrip(b"\0")]
    assert all(decode(text[:length]) is None for length in range(len(text)))
    assert decode(text + b"\0") is None


def test_der_by_call():
    """The calls write and find r and s, and answer 0 for what does not fit."""
    cx = Keys()
    target, r, s = cx.room(80), cx.put(b"\0\x80"), cx.put(b"\1" * 32)
    length = cx.call("cx_ecfp_encode_sig_der", target, 80, r, 2, s, 32)
    assert cx.read(target, length) == bytes.fromhex("302602020080 0220") + b"\1" * 32
    assert cx.call("cx_ecfp_encode_sig_der", target, length - 1, r, 2, s, 32) == 0
    found = [cx.word(0) for _ in range(4)]
    assert cx.call("cx_ecfp_decode_sig_der", target, length, 32, *found) == 1
    assert [cx.number(at) for at in found] == [target + 5, 1, target + 8, 32]
    assert cx.call("cx_ecfp_decode_sig_der", target, length, 31, *found) == 0
    assert cx.call("cx_ecfp_decode_sig_der", target, length - 1, 32, *found) == 0


@pytest.mark.parametrize("number", sorted(DOMAINS), ids=lambda number: DOMAINS[number].name)
def test_pair_of_keys_fits_together(number):
    """A new pair's public key is that of its private key; kept, the private key gives the same one."""
    cx = Keys()
    private, public = cx.pair(number)
    size = DOMAINS[number].size_bytes
    assert (len(private), len(public), public[0]) == (size, 1 + 2 * size, 4)
    other = cx.room(150)
    md = hash_of(number)
    assert cx.call("cx_ecfp_generate_pair2_no_throw", number, other, cx.key(number, private), 1, md) == 0
    assert cx.read(other + 8, 1 + 2 * size) == public
    wrong = cx.key(number, private[:-1])
    assert cx.call("cx_ecfp_generate_pair2_no_throw", number, other, wrong, 1, md) == CxStatus.INVALID_PARAMETER


def test_private_key_is_in_no_text():
    """What holds a private key does not show it."""
    assert "5a5a" not in repr(Key(curve=curve_of(0x71), value=b"ZZZZ")) + repr(expand(curve_of(0x71), 5, b"Z" * 32))
    assert "ZZ" not in repr(Key(curve=curve_of(0x71), value=b"ZZZZ"))
    assert "scalar" not in repr(expand(curve_of(0x71), 5, b"Z" * 32))


@pytest.mark.parametrize("name", ["cx_ecfp_add_point_no_throw", "cx_ecdsa_sign_no_throw", "cx_math_add_no_throw"])
def test_function_takes_the_unit_for_itself(name):
    """A function that finds the arithmetic unit in use fails, and nobody has it afterwards, as with the real library."""
    cx = Keys()
    assert cx.system("cx_bn_lock", 32, 0) == 0
    assert cx.call(name, *[cx.word(0)] * 8) == CxStatus.NOT_UNLOCKED
    assert cx.system("cx_bn_is_locked") == 0


YES_OR_NO = {
    "cx_ecdsa_verify_no_throw", "cx_ecschnorr_verify", "cx_eddsa_verify_no_throw", "cx_eddsa_verify_hash",
    "cx_ecfp_encode_sig_der", "cx_ecfp_decode_sig_der", "cx_encode_coord", "cx_decode_coord",
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(LIBRARY))
@pytest.mark.parametrize("junk", [*WILD, 1, 0x21, 0x20100040])
def test_function_with_junk_is_an_answer(name, junk):
    """Pointers and lengths that are none give an answer of the SDK; what answers yes or no says no, never yes."""
    answer = Keys().call(name, *[junk] * 8)
    assert 0 <= answer < 2**32
    if name in YES_OR_NO:
        assert answer == 0


@pytest.mark.parametrize("name", sorted(LIBRARY))
@given(st.data())
@settings(max_examples=12, deadline=None)
def test_random_arguments_are_an_answer(name, data):
    """Whatever an app passes, the call answers and nothing of ours is raised."""
    word = st.one_of(
        st.integers(0, 2**32 - 1),
        st.integers(0, 80),
        st.integers(0x20100000, 0x20100400),
        st.sampled_from(sorted(DOMAINS)),
    )
    cx = Keys()
    cx.cpu.write(0x20100000, data.draw(st.binary(min_size=64, max_size=64)) * 8)
    for at in range(0, 256, 64):
        cx.cpu.write(
            0x20100000 + at,
            struct.pack(
                "<II", data.draw(st.sampled_from(sorted(DOMAINS))), data.draw(st.sampled_from([32, 48, 57, 64, 65, 66]))
            ),
        )
    assert 0 <= cx.call(name, *[data.draw(word) for _ in range(8)]) < 2**32
