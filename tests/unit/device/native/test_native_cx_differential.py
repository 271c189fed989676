"""Every function that is answered here, beside the real shared library's own code, on the same random input.

The library is that of a Speculos install (`TALLYSTICK_SPECULOS` names its package); without one nothing can be compared.
What is compared: answers, outputs, and contexts but for addresses and bytes that nobody will read.
"""

import random

import pytest
from cx_machine import Cx, RealCx, real_library

from tallystick.device.native.cx_set import LIBRARY
from tallystick.device.native.worker import UnicornCpu

LEVELS = (22, 24, 26, 27)
SIZES = (0, 1, 15, 16, 17, 55, 56, 63, 64, 65, 111, 112, 127, 128, 129, 135, 136, 137, 200, 300)
CHAINS = {
    "ripemd160": ("cx_ripemd160_init_no_throw", "cx_ripemd160", 1, 64, 96),
    "sha224": ("cx_sha224_init_no_throw", "cx_sha256", 2, 64, 108),
    "sha256": ("cx_sha256_init_no_throw", "cx_sha256", 3, 64, 108),
    "sha384": ("cx_sha384_init_no_throw", "cx_sha512", 4, 128, 204),
    "sha512": ("cx_sha512_init_no_throw", "cx_sha512", 5, 128, 204),
}
SPONGES = {
    "sha3": ("cx_sha3_init_no_throw", (224, 256, 384, 512, 128, 200)),
    "keccak": ("cx_keccak_init_no_throw", (224, 256, 384, 512, 128, 1)),
    "shake128": ("cx_shake128_init_no_throw", (128, 256, 1344, 2000, 9)),
    "shake256": ("cx_shake256_init_no_throw", (128, 256, 1088, 2000, 12)),
}
MODES = (4, 0, 6, 2)
SCENARIOS = {}


def scenario(*names):
    """Register what a function does, under the names of the library's functions that it compares."""

    def keep(function):
        for name in names:
            assert name in LIBRARY, name
            SCENARIOS.setdefault(name, []).append(function)
        return function

    return keep


def some(rng, size):
    """Return random bytes."""
    return rng.randbytes(size)


def alive(cx, context, *, block_at, block_size, size, waiting_at=8):
    """Return a context but for the address it begins with and what its block held before."""
    raw = bytearray(cx.read(context, size))
    raw[:4] = bytes(4)
    waiting = int.from_bytes(raw[waiting_at : waiting_at + 4], "little")
    raw[block_at + waiting : block_at + block_size] = bytes(block_size - waiting)
    return bytes(raw)


@scenario(
    *(f"cx_{name}" for name in ("hash_init", "hash_init_ex", "hash_update", "hash_final", "hash_get_size")),
    *(row[0] for row in CHAINS.values()),
    *(f"cx_{name}_{end}" for name in ("ripemd160", "sha256", "sha512") for end in ("update", "final")),
)
def chains(cx, rng):
    """SHA-2 and RIPEMD-160 in pieces, by their own names and by the general ones, and copies that go on."""
    for init, family, md, block, size in CHAINS.values():
        for general in (0, 1, 2):
            cx.fresh()
            context, copy, out = cx.put(some(rng, size)), cx.room(size), cx.room(64)
            if general == 2:
                yield cx.call("cx_hash_init_ex", context, md, rng.choice((20, 28, 32, 48, 64)))
            yield cx.call("cx_hash_init", context, md) if general else cx.call(init, context)
            for _ in range(3):
                data = some(rng, rng.choice(SIZES))
                name = "cx_hash_update" if general else f"{family}_update"
                name = name if name.startswith("cx_") else f"cx_{name}"
                yield cx.call(name.replace("cx_cx_", "cx_"), context, cx.put(data), len(data))
                yield alive(cx, context, block_at=12, block_size=block, size=size)
            cx.cpu.write(copy, cx.read(context, size))
            yield cx.call("cx_hash_get_size", context)
            for one in (context, copy):
                name = "cx_hash_final" if general else f"cx_{family.removeprefix('cx_')}_final"
                yield cx.call(name, one, out)
                yield cx.read(out, 64)
            yield cx.read(context, 8)[4:]


@scenario(
    "cx_sha3_update",
    "cx_sha3_final",
    "cx_sha3_get_output_size",
    "cx_sha3_xof_init_no_throw",
    *(row[0] for row in SPONGES.values()),
)
def sponges(cx, rng):
    """SHA-3, Keccak and SHAKE of every size, in pieces; the SDK's odd sizes too."""
    cases = [(name, init, (bits,)) for name, (init, sizes) in SPONGES.items() for bits in sizes]
    cases += [("xof", "cx_sha3_xof_init_no_throw", (s, n)) for s in (128, 256, 100) for n in (1, 32, 250)]
    for _name, init, arguments in cases:
        cx.fresh()
        context, out = cx.put(bytes(424)), cx.room(256)
        status = cx.call(init, context, *arguments)
        yield status
        if status:
            continue
        for _ in range(3):
            data = some(rng, rng.choice(SIZES))
            yield cx.call("cx_sha3_update", context, cx.put(data), len(data))
            yield alive(cx, context, block_at=20, block_size=200, size=424, waiting_at=16)
        yield cx.call("cx_sha3_get_output_size", context)
        yield cx.call("cx_hash_get_size", context)
        yield cx.call("cx_sha3_final", context, out)
        yield cx.read(out, 256)


@scenario(
    "cx_blake2b",
    "cx_blake2b_final",
    "cx_blake2b_get_output_size",
    "cx_blake2b_init2_no_throw",
    "cx_blake2b_init_no_throw",
    "cx_blake2b_update",
)
def blake(cx, rng):
    """BLAKE2b with and without salt and personalization, in pieces and at once."""
    for bits in (8, 160, 256, 512, 0, 7, 520):
        for salted in (False, True):
            cx.fresh()
            context, out = cx.put(bytes(256)), cx.room(64)
            salt, person = some(rng, rng.randrange(17)), some(rng, rng.randrange(17))
            if salted:
                extra = (cx.put(salt), len(salt), cx.put(person), len(person))
                status = cx.call("cx_blake2b_init2_no_throw", context, bits, *extra)
            else:
                status = cx.call("cx_blake2b_init_no_throw", context, bits)
            yield status
            if status:
                continue
            for _ in range(3):
                data = some(rng, rng.choice(SIZES))
                yield cx.call("cx_blake2b_update", context, cx.put(data), len(data))
                yield alive(cx, context, block_at=112, block_size=128, size=249, waiting_at=240)
            yield cx.call("cx_blake2b_get_output_size", context)
            if salted:
                status = cx.call("cx_blake2b_final", context, out)
            else:
                status = cx.call("cx_blake2b", context, 1, cx.put(b"end"), 3, out, rng.choice((64, bits // 8 - 1)))
            yield status
            if status:
                continue
            yield cx.read(out, 64)
            yield cx.read(context + 112, bits // 8)


@scenario("cx_hash_no_throw", "cx_hash_init_ex", "cx_hash_get_info")
def general(cx, rng):
    """Every number of an algorithm, good and bad, with every size, through the general functions."""
    for md in range(16):
        info = cx.call("cx_hash_get_info", md)
        yield bool(info)
        if info:
            yield cx.read(info, 16)
            yield [bool(cx.number(info + at)) for at in range(16, 36, 4)]
        for size in (16, 20, 28, 32, 48, 64, 100):
            cx.fresh()
            context, out = cx.put(bytes(424)), cx.room(128)
            status = cx.call("cx_hash_init_ex", context, md, size)
            yield status
            if status:
                continue
            data = some(rng, rng.choice(SIZES))
            yield cx.call("cx_hash_no_throw", context, 0, cx.put(data), len(data), 0, 0)
            yield cx.call("cx_hash_no_throw", context, 1, cx.put(data), len(data), out, rng.choice((128, size - 1)))
            yield cx.read(out, 128)


@scenario("cx_hash_ripemd160", "cx_hash_sha256", "cx_hash_sha512", "cx_hmac_sha256", "cx_hmac_sha512")
def at_once(cx, rng):
    """Hashes and MACs in one call, with and without room."""
    for name in ("ripemd160", "sha256", "sha512"):
        for size in SIZES:
            cx.fresh()
            data, out = some(rng, size), cx.room(64)
            yield cx.call(f"cx_hash_{name}", cx.put(data), size, out, rng.choice((64, 64, 19)))
            yield cx.read(out, 64)
    for name in ("sha256", "sha512"):
        for size in SIZES:
            cx.fresh()
            key, data, out = some(rng, rng.choice(SIZES)), some(rng, size), cx.room(64)
            pointer = rng.choice((cx.put(key), 0))
            room = rng.choice((64, 32, 10))
            yield cx.call(f"cx_hmac_{name}", pointer, len(key) if pointer else 0, cx.put(data), size, out, room)
            yield cx.read(out, 64)


@scenario(
    "cx_hmac_init",
    "cx_hmac_update",
    "cx_hmac_final",
    "cx_hmac_no_throw",
    "cx_hmac_ripemd160_init_no_throw",
    "cx_hmac_sha224_init",
    "cx_hmac_sha256_init_no_throw",
    "cx_hmac_sha384_init",
    "cx_hmac_sha512_init_no_throw",
)
def hmacs(cx, rng):
    """HMAC in pieces, by every hash, also by those it is not made of; what follows the end, and copies."""
    own = dict(
        zip(range(1, 6), (f"cx_hmac_{n}" for n in (
            "ripemd160_init_no_throw", "sha224_init", "sha256_init_no_throw", "sha384_init", "sha512_init_no_throw",
        )), strict=True)
    )  # fmt: skip
    for md in (*range(1, 11), 3, 5, 1):
        cx.fresh()
        context, out = cx.put(some(rng, 400)), cx.room(64)
        key = some(rng, rng.choice(SIZES))
        if rng.random() < 0.5 and md in own:
            status = cx.call(own[md], context, cx.put(key), len(key))
        else:
            status = cx.call("cx_hmac_init", context, md, cx.put(key), len(key))
        yield status
        if status:
            continue
        yield cx.read(context, 128)
        data = some(rng, rng.choice(SIZES))
        yield cx.call("cx_hmac_update", context, cx.put(data), len(data))
        copy = cx.put(cx.read(context, 400))
        length = cx.word(rng.choice((64, 12)))
        yield cx.call("cx_hmac_final", copy, out, length)
        yield cx.read(out, 64), cx.number(length)
        for mode in (0, 1, 0x8001):
            yield cx.call("cx_hmac_no_throw", context, mode, cx.put(data), len(data), out, rng.choice((64, 8)))
            yield cx.read(out, 64), cx.read(context, 128)
            if mode == 0x8001:
                break


@scenario("cx_hkdf_extract", "cx_hkdf_expand", "cx_pbkdf2_hmac", "cx_pbkdf2_no_throw")
def derived(cx, rng):
    """HKDF and PBKDF2 by every hash, all lengths."""
    for md in range(1, 6):
        cx.fresh()
        key, salt, info, out = (some(rng, rng.choice(SIZES)) for _ in range(4))
        out = cx.room(200)
        cx.call("cx_hkdf_extract", md, cx.put(key), len(key), rng.choice((0, cx.put(salt))), len(salt), out)
        yield cx.read(out, 200)
        cx.call("cx_hkdf_expand", md, cx.put(key), len(key), cx.put(info), len(info), out, rng.choice((1, 32, 200)))
        yield cx.read(out, 200)
        for name in ("cx_pbkdf2_hmac", "cx_pbkdf2_no_throw"):
            arguments = (md, cx.put(key), len(key), cx.put(salt), len(salt), rng.choice((0, 1, 2, 5)), out)
            yield cx.call(name, *arguments, rng.choice((0, 20, 64, 100)))
            yield cx.read(out, 200)


@scenario("cx_aes_init_key_no_throw", "cx_aes_enc_block", "cx_aes_dec_block")
def blocks(cx, rng):
    """Single blocks with every size of key."""
    for size in (16, 24, 32, 0, 17):
        cx.fresh()
        key, out, block = cx.put(bytes(36)), cx.room(16), cx.put(some(rng, 16))
        yield cx.call("cx_aes_init_key_no_throw", cx.put(some(rng, max(size, 1))), size, key)
        yield cx.read(key, 36)
        if cx.number(key):
            yield cx.call("cx_aes_enc_block", key, block, out), cx.read(out, 16)
            yield cx.call("cx_aes_dec_block", key, block, out), cx.read(out, 16)


@scenario("cx_aes_iv_no_throw", "cx_aes_no_throw")
def aes_at_once(cx, rng):
    """AES at once: modes, chains, paddings and lengths, those that do not go together too."""
    for _ in range(150):
        cx.fresh()
        key, out = cx.put(bytes(36)), cx.put(some(rng, 128))
        cx.call("cx_aes_init_key_no_throw", cx.put(some(rng, 32)), rng.choice((16, 24, 32)), key)
        mode = rng.choice(MODES) | rng.choice((0, 64, 128, 64, 192)) | rng.choice((0, 8, 16, 24))
        if mode & 0x1C2 == 0x082:  # the library takes a MAC over a stream for one, and reads what it never wrote
            continue
        size = rng.choice((0, 1, 8, 15, 16, 17, 31, 32, 33, 48, 64))
        length, data = cx.word(rng.choice((128, 128, 64, 16))), cx.put(some(rng, size))
        if rng.random() < 0.5:
            yield mode, size, cx.call("cx_aes_no_throw", key, mode, data, size, out, length)
        else:
            vector = rng.choice((16, 16, 16, 8))
            yield (
                mode,
                size,
                cx.call("cx_aes_iv_no_throw", key, mode, cx.put(some(rng, 16)), vector, data, size, out, length),
            )
        yield cx.read(out, 128), cx.number(length)


@scenario(
    *(f"cx_cipher_{name}" for name in ("init", "setup", "setkey", "setiv", "set_padding", "update", "finish")),
    "cx_cipher_enc_dec",
    "cx_cipher_reset",
)
def ciphers(cx, rng):
    """Ciphers in steps, in pieces of every size."""
    for _ in range(80):
        cx.fresh()
        context, key = cx.put(some(rng, 88)), cx.put(bytes(36))
        out, vector = cx.put(bytes(256)), cx.put(some(rng, 16))
        number, chain, operation = rng.choice((1, 2, 3, 4)), rng.choice((0, 64, 128, 192)), rng.choice((4, 4, 0, 6, 2))
        yield cx.call("cx_cipher_init", context)
        yield cx.call("cx_cipher_setup", context, number, chain)
        cx.cpu.write(context + 80, key.to_bytes(4, "little"))
        status = cx.call("cx_cipher_setup", context, number, chain)
        yield status
        if status:
            continue
        bits = rng.choice((128, 192, 256, 64 + 64 * number, 64 + 64 * number, 64 + 64 * number))
        status = cx.call("cx_cipher_setkey", context, cx.put(some(rng, 32)), bits, operation)
        yield status, cx.read(key, 36)
        if status:
            continue
        yield cx.call("cx_cipher_set_padding", context, rng.choice((0, 8, 16)))
        if rng.random() < 0.3:
            data = some(rng, rng.choice((0, 16, 30, 64)))
            length = cx.word(256)
            yield cx.call("cx_cipher_enc_dec", context, vector, 16, cx.put(data), len(data), out, length)
            yield cx.read(out, 256), cx.number(length)
            continue
        yield cx.call("cx_cipher_setiv", context, vector, 16)
        at = out
        for _ in range(3):
            data = some(rng, rng.choice((0, 1, 8, 15, 16, 17, 32, 33)))
            length = cx.word(100)
            yield cx.call("cx_cipher_update", context, cx.put(data), len(data), at, length)
            yield cx.number(length), cx.read(out, 256)
            at += cx.number(length)
        length = cx.word(100)
        yield cx.call("cx_cipher_finish", context, at, length), cx.number(length), cx.read(out, 256)
        cx.call("cx_cipher_reset", context)
        yield cx.read(context + 4, 8), cx.read(context + 20, 44)


@scenario("cx_cmac", "cx_cmac_start", "cx_cmac_update", "cx_cmac_finish")
def cmacs(cx, rng):
    """CMAC at once and in pieces."""
    for number in (1, 2, 3):
        for size in (0, 1, 15, 16, 17, 32, 40, 64):
            cx.fresh()
            secret, data, out = some(rng, 32), some(rng, size), cx.room(16)
            bits = 64 + 64 * number
            yield cx.call("cx_cmac", number, cx.put(secret), bits, cx.put(data), size, out), cx.read(out, 16)
            context = cx.put(bytes(88))
            cx.cpu.write(context + 80, cx.put(bytes(36)).to_bytes(4, "little"))
            yield cx.call("cx_cipher_setup", context, number, 0)
            yield cx.call("cx_cmac_start", context, cx.put(secret), bits)
            for piece in (data[: size // 3], data[size // 3 :], b"more"):
                yield cx.call("cx_cmac_update", context, cx.put(piece), len(piece))
            yield cx.call("cx_cmac_finish", context, out), cx.read(out, 16)


@scenario(
    "cx_aes_siv_encrypt",
    "cx_aes_siv_decrypt",
    *(f"cx_aes_siv_{name}" for name in ("init", "set_key", "start", "update_aad", "finish", "update", "update_mac", "reset")),
)  # fmt: skip
def sivs(cx, rng):
    """AES-SIV at once, with right and wrong tags, and in steps."""
    for number in (1, 2, 3):
        for size in (0, 1, 15, 16, 17, 32, 50):
            cx.fresh()
            siv, cipher, key = cx.put(bytes(96)), cx.put(bytes(88)), cx.put(bytes(36))
            cx.cpu.write(siv + 84, number.to_bytes(4, "little"))
            cx.cpu.write(siv + 92, cipher.to_bytes(4, "little"))
            yield cx.call("cx_aes_siv_init", siv)
            cx.cpu.write(cipher + 80, key.to_bytes(4, "little"))
            yield cx.call("cx_aes_siv_set_key", siv, cx.put(some(rng, 64)), 2 * (64 + 64 * number))
            data, aad = cx.put(some(rng, size)), some(rng, rng.choice(SIZES))
            out, tag, back = cx.room(64), cx.room(16), cx.room(64)
            yield cx.call("cx_aes_siv_encrypt", siv, data, size, cx.put(aad), len(aad), out, tag)
            yield cx.read(out, 64), cx.read(tag, 16), cx.read(siv, 92)
            yield cx.call("cx_aes_siv_decrypt", siv, out, size, cx.put(aad), len(aad), back, tag)
            yield cx.read(back, 64)
            cx.cpu.write(tag, b"wrong")
            yield cx.call("cx_aes_siv_decrypt", siv, out, size, cx.put(aad), len(aad), back, tag)
            yield cx.call("cx_aes_siv_start", siv, 4, 0, 0)
            yield cx.call("cx_aes_siv_update_aad", siv, 0, 0)
            yield cx.call("cx_aes_siv_update_mac", siv, cx.put(aad), len(aad))
            yield cx.call("cx_aes_siv_finish", siv, data, size, tag), cx.read(tag, 16)
            yield cx.call("cx_aes_siv_update", siv, data, out, size), cx.read(out, 64)
            yield cx.call("cx_aes_siv_reset", siv)
            yield cx.call("cx_aes_siv_set_key", siv, cx.put(some(rng, 80)), 520)


@scenario(*(name for name in LIBRARY if name.startswith("cx_aes_gcm_")))
def gcms(cx, rng):
    """AES-GCM at once and in pieces, with vectors of every length, right and wrong tags."""
    for size in (0, 1, 15, 16, 17, 33):
        for vector_size in (12, 1, 16, 20):
            cx.fresh()
            secret, vector = cx.put(some(rng, 32)), cx.put(some(rng, vector_size))
            key_size, aad = rng.choice((16, 24, 32)), some(rng, rng.choice((0, 1, 16, 20)))
            data, out, back, tag = cx.put(some(rng, size)), cx.room(48), cx.room(48), cx.room(16)
            # up to level 25 the library does not look at a tag's size, and reads behind its own
            tag_size = rng.choice((16, 12, 17 if cx.machine.generation.level > 25 else 4))
            pieces = (vector, vector_size, cx.put(aad), len(aad))
            for name, source, target in (("encrypt_and_tag", data, out), ("decrypt_and_auth", out, back)):
                context = cx.put(some(rng, 116))
                cx.call("cx_aes_gcm_init", context)
                yield cx.call("cx_aes_gcm_set_key", context, secret, key_size)
                yield cx.call(f"cx_aes_gcm_{name}", context, source, size, *pieces, target, tag, tag_size)
                yield cx.read(target, 48), cx.read(tag, 16), cx.read(context, 113)
                if tag_size > 16:
                    break
            cx.call("cx_aes_gcm_init", context)
            yield cx.call("cx_aes_gcm_set_key", context, secret, key_size)
            yield cx.call("cx_aes_gcm_start", context, 0, vector, vector_size)
            yield cx.call("cx_aes_gcm_update_aad", context, cx.put(aad), len(aad))
            yield cx.call("cx_aes_gcm_update", context, out, back, size), cx.read(back, 48)
            copy = cx.put(cx.read(context, 116))
            yield cx.call("cx_aes_gcm_finish", copy, back, 16), cx.read(back, 16), cx.read(copy, 113)
            yield cx.call("cx_aes_gcm_check_tag", context, tag, min(tag_size, 16)), cx.read(context, 113)


@scenario("cx_rng_rfc6979", "cx_rng_rfc6979_init", "cx_rng_rfc6979_next")
def nonces(cx, rng):
    """Nonces by RFC 6979 for orders of every size, one after the other."""
    for bits in (160, 192, 224, 233, 256, 384, 521):
        for md in (2, 3, 4, 5):
            cx.fresh()
            order = (rng.getrandbits(bits) | 1 << bits - 1 | 1).to_bytes(-(-bits // 8), "big")
            key, digest = some(rng, len(order)), some(rng, rng.choice((20, 28, 32, 48, 64)))
            digest = digest[: len(order)] if bits > 500 else digest
            out, context = cx.room(80), cx.put(bytes(620))
            seed = (cx.put(key), len(key), cx.put(digest), len(digest), cx.put(order), len(order))
            yield cx.call("cx_rng_rfc6979", md, *seed, out, 80), cx.read(out, 80)
            yield cx.call("cx_rng_rfc6979_init", context, md, *seed)
            for _ in range(2):
                yield cx.call("cx_rng_rfc6979_next", context, out, 80), cx.read(out, len(order))
            yield cx.read(context, 64), cx.read(context + 65, 64), cx.read(context + 129, len(order))
            yield cx.read(context + 196, 8), cx.read(context + 270, 6)


@scenario("cx_rng_no_throw")
def randoms(cx, rng):
    """Random bytes are what the OS gives."""
    out = cx.room(64)
    cx.call("cx_rng_no_throw", out, 50)
    yield cx.read(out, 64)


@scenario(
    "cx_crc16", "cx_crc16_update", "cx_crc32", "cx_crc32_update", "cx_memxor", "cx_constant_time_eq", "cx_swap_uint32"
)
def sums(cx, rng):
    """CRCs, and memory compared and added."""
    for size in SIZES:
        cx.fresh()
        data, other = some(rng, size), some(rng, size)
        yield cx.call("cx_crc16", cx.put(data), size)
        yield cx.call("cx_crc16_update", rng.getrandbits(16), cx.put(data), size)
        yield cx.call("cx_crc32", cx.put(data), size)
        yield cx.call("cx_crc32_update", rng.getrandbits(32), cx.put(data), size)
        target = cx.put(other)
        cx.call("cx_memxor", target, cx.put(data), size)
        yield cx.read(target, size)
        yield cx.call("cx_constant_time_eq", cx.put(data), cx.put(other), size)
        yield cx.call("cx_constant_time_eq", cx.put(data), cx.put(data), size)
        yield cx.call("cx_swap_uint32", rng.getrandbits(32))


@scenario("cx_swap_buffer32", "cx_swap_buffer64", "cx_swap_uint64")
def swaps(cx, rng):
    """Bytes of words turned round."""
    for count in (0, 1, 2, 5):
        for width in (32, 64):
            cx.fresh()
            target = cx.put(some(rng, 40))
            cx.call(f"cx_swap_buffer{width}", target, count)
            yield cx.read(target, 40)
    yield cx.call("cx_swap_uint64", *(rng.getrandbits(32) for _ in range(2))), cx.cpu.get(1)


def observe(make, function, seed):
    """Return what a scenario sees."""
    cx = make()
    return list(function(cx, random.Random(seed)))


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize(
    "function", {f.__name__: f for fs in SCENARIOS.values() for f in fs}.values(), ids=lambda f: f.__name__
)
def test_answers_are_those_of_the_real_library(function, level):
    """Whatever the real library's code answers to random input, and leaves in memory, is what is answered here."""
    library = real_library(level=level)
    if not library:
        pytest.skip("no Speculos install: TALLYSTICK_SPECULOS names the package of one")
    for seed in range(2):
        ours = observe(lambda: Cx(level=level), function, seed)
        theirs = observe(lambda: RealCx(cpu=UnicornCpu(), library=library, level=level), function, seed)
        assert len(ours) == len(theirs)
        for at, (one, other) in enumerate(zip(ours, theirs, strict=True)):
            assert one == other, (function.__name__, seed, at)


def test_every_function_is_compared():
    """No function is answered here that the comparison leaves out, but the one that takes code of the app."""
    assert set(LIBRARY) - set(SCENARIOS) == {"cx_rng_u32_range_func"}
