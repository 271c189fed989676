"""RSA, DES and Groestl as system calls of firmware 1.6, beside OpenSSL and the standards."""

import hashlib
import struct

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa, utils
from test_native_old_call import DATA, LAST, OUT, RAM, result, run

from tallystick.crypto.groestl import groestl
from tallystick.wire.syscall import Outcome

PKCS1, PSS, OAEP = 3 << 3, 4 << 3, 5 << 3
HASHES = {2: hashes.SHA224(), 3: hashes.SHA256(), 4: hashes.SHA384(), 5: hashes.SHA512()}
SIZE = 128
# the first primes above SHAKE256 of "p" and of "q", their two highest bits set: one key for all runs
P = 0xCDE786BFE1D6DEA5B32CBA7FEBEDD6FF144AB0E03FE85108C6270A719D572195FA1582DB7EF56120100E08F058953F0F126CBA361291EFA836A731F506A09AF1
Q = 0xED8E1BEC7CD9BDADDFF81FAC8BF5773F7413082C1BB11D415B23BF376F872BA21265DDEA3BEE44089E3FD5B584AE71500D71BC1825BCACFA7F7B5B42D254F67D
D = pow(65537, -1, (P - 1) * (Q - 1))
KEY = rsa.RSAPrivateNumbers(
    P, Q, D, D % (P - 1), D % (Q - 1), pow(Q, -1, P), rsa.RSAPublicNumbers(65537, P * Q)
).private_key()
NUMBERS = KEY.private_numbers()
MODULUS = NUMBERS.public_numbers.n.to_bytes(SIZE, "big")
EXPONENT = NUMBERS.d.to_bytes(SIZE, "big")
PUBLIC = struct.pack("<I", SIZE) + b"\0\1\0\1" + MODULUS
PRIVATE = struct.pack("<I", SIZE) + EXPONENT + MODULUS
RANDOM = bytes(range(7, 7 + SIZE))
REFUSED = "ended with exception 0x2"


def scheme(kind, algorithm):
    """Return OpenSSL's name of a padding."""
    if kind == PKCS1:
        return padding.PKCS1v15()
    if kind == PSS:
        return padding.PSS(padding.MGF1(algorithm), algorithm.digest_size)
    return padding.OAEP(padding.MGF1(algorithm), algorithm, None)


def digest_of(algorithm):
    """Return the digest of a message."""
    return hashlib.new(algorithm.name, b"message").digest()


@pytest.mark.parametrize("kind", [PKCS1, PSS])
@pytest.mark.parametrize("number", [2, 3, 4])
def test_signature_is_one_to_openssl(kind, number):
    """A signature that is made verifies with OpenSSL, and one of OpenSSL's verifies here, but not for another digest."""
    algorithm = HASHES[number]
    digest = digest_of(algorithm)
    size = len(digest)
    made = run(
        ("cx_rsa_sign", DATA, kind | 1, number, DATA + 260, size, OUT, SIZE),
        data=PRIVATE + digest,
        answers=[Outcome(value=RANDOM[:size])],
    )
    assert result(made) == SIZE
    name = scheme(kind, algorithm)
    KEY.public_key().verify(made.cpu.read(OUT, SIZE), digest, name, utils.Prehashed(algorithm))
    with pytest.raises(InvalidSignature):
        KEY.public_key().verify(made.cpu.read(OUT, SIZE), digest[::-1], name, utils.Prehashed(algorithm))
    other = KEY.sign(digest, name, utils.Prehashed(algorithm))
    for shown, holds in ((digest, 1), (digest[::-1], 0)):
        call = ("cx_rsa_verify", DATA, kind, number, DATA + 136, size, DATA + 136 + size, SIZE)
        assert result(run(call, data=PUBLIC + shown + other)) == holds


@pytest.mark.parametrize("kind", [PKCS1, PSS])
def test_number_that_is_no_signature_does_not_verify(kind):
    """A number that is not below the modulus, one of another length and one that decrypts to nothing are no signatures."""
    for wrong in (b"\xff" * SIZE, MODULUS, bytes(SIZE), b"\x01" * SIZE, b"\x01" * (SIZE - 1)):
        call = ("cx_rsa_verify", DATA, kind, 3, DATA + 136, 32, DATA + 168, len(wrong))
        assert result(run(call, data=PUBLIC + bytes(32) + wrong)) == 0


def test_signature_that_does_not_fit_its_key_is_refused():
    """PSS with SHA-512 needs more than 1024 bits; other paddings, hashes, digests and rooms are refused as well."""
    digest = bytes(64)
    for mode, number, size, room in (
        (PSS, 5, 64, SIZE), (OAEP, 3, 32, SIZE), (PKCS1, 1, 20, SIZE), (PKCS1, 3, 31, SIZE), (PKCS1, 3, 32, SIZE - 1),
    ):  # fmt: skip
        call = ("cx_rsa_sign", DATA, mode, number, DATA + 260, size, OUT, room)
        made = run(call, data=PRIVATE + digest, answers=[Outcome(value=RANDOM[:size])])
        assert REFUSED in made.crash
    wrong = struct.pack("<I", 127) + PRIVATE[4:]
    made = run(("cx_rsa_sign", DATA, PKCS1, 3, DATA + 260, 32, OUT, SIZE), data=wrong + digest)
    assert REFUSED in made.crash


@pytest.mark.parametrize(("kind", "number"), [(PKCS1, 0), (OAEP, 3), (OAEP, 2)])
@pytest.mark.parametrize("message", [b"", b"m", b"a message of some length"])
def test_message_comes_back_from_openssl(kind, number, message):
    """What is encrypted here OpenSSL decrypts, and the other way round."""
    name = scheme(kind, HASHES.get(number))
    call = ("cx_rsa_encrypt", DATA, kind, number, DATA + 136, len(message), OUT, SIZE)
    made = run(call, data=PUBLIC + message + b" ", answers=[Outcome(value=RANDOM)])
    assert result(made) == SIZE
    assert KEY.decrypt(made.cpu.read(OUT, SIZE), name) == message
    secret = KEY.public_key().encrypt(message, name)
    made = run(("cx_rsa_decrypt", DATA, kind, number, DATA + 260, SIZE, OUT, SIZE), data=PRIVATE + secret)
    assert (result(made), made.cpu.read(OUT, len(message))) == (len(message), message)


def test_plain_rsa_is_a_power():
    """Without a padding, a message is raised to the exponent as it is, and back."""
    message = b"number".rjust(SIZE, b"\0")
    made = run(
        ("cx_rsa_encrypt", DATA, 0, 0, DATA + 136, 6, OUT, SIZE),
        data=PUBLIC + b"number",
        answers=[Outcome(value=RANDOM)],
    )
    secret = made.cpu.read(OUT, SIZE)
    assert int.from_bytes(secret, "big") == pow(int.from_bytes(b"number", "big"), 65537, NUMBERS.public_numbers.n)
    made = run(("cx_rsa_decrypt", DATA, 0, 0, DATA + 260, SIZE, OUT, SIZE), data=PRIVATE + secret)
    assert (result(made), made.cpu.read(OUT, SIZE)) == (SIZE, message)


@pytest.mark.parametrize(("kind", "number"), [(PKCS1, 0), (OAEP, 3), (PSS, 3)])
def test_what_is_no_message_is_refused(kind, number):
    """A number that decrypts to no padding, and one that is not below the modulus, are exceptions."""
    for secret in (b"\0" * (SIZE - 1) + b"\2", b"\xff" * SIZE):
        made = run(("cx_rsa_decrypt", DATA, kind, number, DATA + 260, SIZE, OUT, SIZE), data=PRIVATE + secret)
        assert REFUSED in made.crash


def test_message_that_is_too_long_is_refused():
    """A message that leaves the padding no room is an exception."""
    for kind, size in ((PKCS1, SIZE - 10), (OAEP, SIZE - 65), (0, SIZE + 1)):
        call = ("cx_rsa_encrypt", DATA, kind, 3, DATA, size, OUT, SIZE)
        assert REFUSED in run(call, data=PUBLIC, answers=[Outcome(value=RANDOM)]).crash


def test_keys_are_laid_out():
    """A key is put together of exponent and modulus, or is zeros; other sizes are refused."""
    made = run(("cx_rsa_init_public_key", DATA, 3, DATA + 3, SIZE, OUT), data=b"\1\0\1" + MODULUS)
    assert (result(made), made.cpu.read(OUT, len(PUBLIC))) == (SIZE, PUBLIC)
    made = run(("cx_rsa_init_private_key", DATA, SIZE, DATA + SIZE, SIZE, OUT), data=EXPONENT + MODULUS)
    assert (result(made), made.cpu.read(OUT, len(PRIVATE))) == (SIZE, PRIVATE)
    for name, size in (("public", len(PUBLIC)), ("private", len(PRIVATE))):
        made = run((f"cx_rsa_init_{name}_key", 0, 0, 0, SIZE, OUT))
        assert made.cpu.read(OUT, size) == struct.pack("<I", SIZE) + bytes(size - 4)
        for wrong in ((DATA, 5, DATA, SIZE + 1, OUT), (DATA, SIZE + 1, DATA, SIZE, OUT)):
            assert REFUSED in run((f"cx_rsa_init_{name}_key", *wrong), data=bytes(300)).crash


def test_pair_is_of_the_given_primes():
    """With primes of the app's own, the pair is the one they make."""
    primes = NUMBERS.p.to_bytes(SIZE // 2, "big") + NUMBERS.q.to_bytes(SIZE // 2, "big")
    made = run(("cx_rsa_generate_pair", SIZE, OUT, OUT + 200, 0, 0, DATA), data=primes)
    assert (result(made), made.cpu.read(OUT, len(PUBLIC))) == (SIZE, PUBLIC)
    private = int.from_bytes(made.cpu.read(OUT + 204, SIZE), "big")
    assert private * 65537 % ((NUMBERS.p - 1) * (NUMBERS.q - 1)) == 1
    assert made.cpu.read(OUT + 204 + SIZE, SIZE) == MODULUS


def test_new_pair_is_one_to_openssl():
    """A pair of random primes signs what OpenSSL verifies; its modulus has all its bits."""
    drawn = [Outcome(value=hashlib.shake_256(bytes((turn,))).digest(64)) for turn in range(2)]
    made = run(("cx_rsa_generate_pair", SIZE, OUT, OUT + 200, DATA, 3, 0), data=b"\1\0\1", answers=drawn)
    modulus = int.from_bytes(made.cpu.read(OUT + 8, SIZE), "big")
    assert modulus.bit_length() == 8 * SIZE
    private = int.from_bytes(made.cpu.read(OUT + 204, SIZE), "big")
    p, q = rsa.rsa_recover_prime_factors(modulus, 65537, private)
    public = rsa.RSAPublicNumbers(65537, modulus)
    parts = (rsa.rsa_crt_dmp1(private, p), rsa.rsa_crt_dmq1(private, q), rsa.rsa_crt_iqmp(p, q))
    assert rsa.RSAPrivateNumbers(p, q, private, *parts, public).private_key().key_size == 8 * SIZE


def test_des_and_groestl_are_those_of_the_standard():
    """DES gives the length of what it made, and refuses keys of three parts; Groestl runs as every hash does."""
    key, plain, secret = (
        bytes.fromhex(value) for value in ("133457799bbcdff1", "0123456789abcdef", "85e813540f0ab405")
    )
    init = ("cx_des_init_key", DATA, 8, RAM)
    assert result(run(init, data=key)) == 8
    made = run(init, ("cx_des_iv", RAM, 4, 0, 0, DATA + 8, 8, OUT, 8), data=key + plain)
    assert (result(made), made.cpu.read(OUT, 8)) == (8, secret)
    assert REFUSED in run(("cx_des_init_key", DATA, 24, RAM), data=key * 3).crash
    begin = ("cx_groestl_init", RAM, 256)
    assert result(run(begin)) == 8
    made = run(begin, ("cx_hash", RAM, LAST, DATA, 7, OUT, 32), data=b"message")
    assert (result(made), made.cpu.read(OUT, 32)) == (32, groestl(b"message", 256))
