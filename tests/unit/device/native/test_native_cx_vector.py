"""Hashes, MACs, ciphers, nonces and sums of native apps: values of standards, through the calls that apps make."""

import json
from pathlib import Path

import pytest
from cx_machine import Cx

from tallystick.device.native.cx_algorithm import Md

VECTORS = json.loads((Path(__file__).parents[3] / "vectors" / "native_cx.json").read_text())
CHAINS = {"ECB": 0, "CBC": 64, "CTR": 128}
ENCRYPT, DECRYPT = 4, 0


def of(group, name):
    """Return bytes of the vectors."""
    return bytes.fromhex(VECTORS[group][name])


@pytest.mark.parametrize(("name", "bits", "data", "digest"), VECTORS["hashes"]["cases"])
def test_hashes_of_the_standards(name, bits, data, digest):
    """Every hash gives what its standard says, whole and by single bytes."""
    cx, data = Cx(), bytes.fromhex(data)
    for size in (len(data) or 1, 1):
        context, out = cx.room(424), cx.room(64)
        assert cx.call("cx_hash_init_ex", context, Md[name], bits // 8) == 0
        for at in range(0, len(data), size):
            assert cx.call("cx_hash_update", context, cx.put(data[at : at + size]), len(data[at : at + size])) == 0
        assert cx.call("cx_hash_final", context, out) == 0
        assert cx.read(out, bits // 8).hex() == digest


@pytest.mark.parametrize(("name", "mac"), VECTORS["hmac"]["cases"].items())
def test_hmacs_of_the_standards(name, mac):
    """Every HMAC gives what its standard says, and tells its size."""
    cx, key, data = Cx(), of("hmac", "key"), of("hmac", "data")
    context, out, length = cx.room(400), cx.room(64), cx.word(64)
    assert cx.call("cx_hmac_init", context, Md[name], cx.put(key), len(key)) == 0
    assert cx.call("cx_hmac_update", context, cx.put(data), len(data)) == 0
    assert cx.call("cx_hmac_final", context, out, length) == 0
    assert cx.read(out, cx.number(length)).hex() == mac


def test_hkdf_of_the_standard():
    """Extract and expand give the keys of the standard's first case."""
    cx, (ikm, salt, info) = Cx(), (of("hkdf", name) for name in ("ikm", "salt", "info"))
    prk, okm = cx.room(32), cx.room(42)
    cx.call("cx_hkdf_extract", Md.SHA256, cx.put(ikm), len(ikm), cx.put(salt), len(salt), prk)
    cx.call("cx_hkdf_expand", Md.SHA256, prk, 32, cx.put(info), len(info), okm, 42)
    assert (cx.read(prk, 32), cx.read(okm, 42)) == (of("hkdf", "prk"), of("hkdf", "okm"))


@pytest.mark.parametrize("name", ["cx_pbkdf2_hmac", "cx_pbkdf2_no_throw"])
def test_pbkdf2_of_the_standard(name):
    """A password and salt give the key of the standard."""
    cx, password, salt, out = Cx(), of("pbkdf2", "password"), of("pbkdf2", "salt"), of("pbkdf2", "key")
    target = cx.room(64)
    arguments = (cx.put(password), len(password), cx.put(salt), len(salt), VECTORS["pbkdf2"]["rounds"], target, 64)
    assert cx.call(name, Md.SHA256, *arguments) == 0
    assert cx.read(target, 64) == out


def key_of(cx, raw):
    """Return the address of a key made of raw bytes."""
    key = cx.room(36)
    assert cx.call("cx_aes_init_key_no_throw", cx.put(raw), len(raw), key) == 0
    return key


@pytest.mark.parametrize(("chain", "key", "vector", "cipher"), VECTORS["aes"]["cases"])
def test_aes_of_the_standard(chain, key, vector, cipher):
    """AES gives the standard's blocks both ways, at once and through a cipher in steps."""
    cx, vector, cipher = Cx(), bytes.fromhex(vector), bytes.fromhex(cipher)
    text, size = of("aes", "text")[: len(cipher)], len(cipher)
    address, out = key_of(cx, bytes.fromhex(key)), cx.room(64)
    for operation, source, wanted in ((ENCRYPT, text, cipher), (DECRYPT, cipher, text)):
        # a stream is enciphered both ways
        mode = (ENCRYPT if chain == "CTR" else operation) | CHAINS[chain]
        length = cx.word(size)
        arguments = (cx.put(vector), len(vector), cx.put(source), size, out, length)
        assert cx.call("cx_aes_iv_no_throw", address, mode, *arguments) == 0
        assert (cx.read(out, size), cx.number(length)) == (wanted, size)


@pytest.mark.parametrize(("size", "mac"), VECTORS["cmac"]["cases"].items())
def test_cmac_of_the_standard(size, mac):
    """AES-CMAC gives the standard's values for texts of whole blocks and of others."""
    cx, text, out = Cx(), of("aes", "text")[: int(size)], None
    out = cx.room(16)
    assert cx.call("cx_cmac", 1, cx.put(of("cmac", "key")), 128, cx.put(text), len(text), out) == 0
    assert cx.read(out, 16).hex() == mac


@pytest.mark.parametrize(("vector", "cipher", "tag"), VECTORS["gcm"]["cases"])
def test_gcm_of_the_standard(vector, cipher, tag):
    """AES-GCM gives cipher and tag of the specification and takes them back; another tag gives zeros."""
    cx, text, data = Cx(), of("gcm", "text"), of("gcm", "data")
    vector, cipher, tag = (bytes.fromhex(value) for value in (vector, cipher, tag))
    common = (len(text), cx.put(vector), len(vector), cx.put(data), len(data))
    out, made = cx.room(64), cx.room(16)

    def fresh():
        context = cx.room(116)
        cx.call("cx_aes_gcm_init", context)
        assert cx.call("cx_aes_gcm_set_key", context, cx.put(of("gcm", "key")), 16) == 0
        return context

    assert cx.call("cx_aes_gcm_encrypt_and_tag", fresh(), cx.put(text), *common, out, made, 16) == 0
    assert (cx.read(out, len(text)), cx.read(made, 16)) == (cipher, tag)
    assert cx.call("cx_aes_gcm_decrypt_and_auth", fresh(), cx.put(cipher), *common, out, made, 16) == 0
    assert cx.read(out, len(text)) == text
    wrong = cx.put(bytes(16))
    assert cx.call("cx_aes_gcm_decrypt_and_auth", fresh(), cx.put(cipher), *common, out, wrong, 16) == 0xFFFFFF87
    assert cx.read(out, len(text)) == bytes(len(text))


def siv_of(cx, key):
    """Return the address of a SIV context with a cipher of its own."""
    siv, cipher = cx.room(96), cx.room(88)
    cx.cpu.write(siv + 84, b"\1")
    cx.cpu.write(siv + 92, cipher.to_bytes(4, "little"))
    assert cx.call("cx_aes_siv_init", siv) == 0
    cx.cpu.write(cipher + 80, cx.room(36).to_bytes(4, "little"))
    assert cx.call("cx_aes_siv_set_key", siv, cx.put(key), 8 * len(key)) == 0
    return siv


def test_siv_of_the_standard():
    """AES-SIV gives tag and cipher of the standard and takes them back; another tag is refused."""
    cx, (key, data, text) = Cx(), (of("siv", name) for name in ("key", "data", "text"))
    out, tag, size = cx.room(16), cx.room(16), len(text)
    siv = siv_of(cx, key)
    assert cx.call("cx_aes_siv_encrypt", siv, cx.put(text), size, cx.put(data), len(data), out, tag) == 0
    assert (cx.read(out, size), cx.read(tag, 16)) == (of("siv", "cipher"), of("siv", "tag"))
    back = cx.room(16)
    assert cx.call("cx_aes_siv_decrypt", siv, out, size, cx.put(data), len(data), back, tag) == 0
    assert cx.read(back, size) == text
    assert cx.call("cx_aes_siv_decrypt", siv, out, size, cx.put(b"x"), 1, back, tag) == 0xFFFFFF87


@pytest.mark.parametrize(("order", "key", "nonce"), VECTORS["rfc6979"]["cases"])
def test_nonces_of_the_standard(order, key, nonce):
    """RFC 6979 gives the standard's nonces, also for an order that is no whole number of bytes."""
    cx, (order, key, nonce) = Cx(), (bytes.fromhex(value) for value in (order, key, nonce))
    digest, out = cx.room(32), cx.room(32)
    assert cx.call("cx_hash_sha256", cx.put(b"sample"), 6, digest, 32) == 32
    seed = (cx.put(key), len(key), digest, 32, cx.put(order), len(order))
    assert cx.call("cx_rng_rfc6979", Md.SHA256, *seed, out, len(order)) == 0
    assert cx.read(out, len(order)) == nonce


def test_sums_of_the_standards():
    """Both sums give their check values, whole, in two pieces, and by the unit."""
    cx, data = Cx(), of("crc", "data")
    crc16, crc32 = (int(VECTORS["crc"][name], 16) for name in ("crc16", "crc32"))
    address, size = cx.put(data), len(data)
    assert (cx.call("cx_crc16", address, size), cx.call("cx_crc32", address, size)) == (crc16, crc32)
    assert cx.call("cx_crc16_update", cx.call("cx_crc16", address, 4), address + 4, size - 4) == crc16
    assert cx.call("cx_crc32_update", cx.call("cx_crc32", address, 4), address + 4, size - 4) == crc32
    assert cx.system("cx_crc_hw", 0, 0xFFFF, address, size) == crc16
    assert cx.system("cx_crc_hw", 1, 0xFFFFFFFF, address, size) == crc32
    assert cx.system("cx_crc_hw", 2, 0, address, size) == 0
