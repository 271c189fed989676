"""Two pages in an app's address space that the shared library would have had: what describes algorithms, and a scratch.

A running hash or cipher begins with the address of a description (`cx_hash_info_t`, `cx_cipher_info_t`), which apps look
into and compare. So a page of them is there, to read and to execute: the functions it names are stubs that call ours, as the
app's own do (native-apps 1). The other page is what CMAC works in. Both come into being when the first one is asked for.
"""

from __future__ import annotations

import struct
from typing import Final

from tallystick.device.native.cpu import PAGE_BYTES, Access
from tallystick.device.native.cx_algorithm import Md
from tallystick.device.native.cx_digest import HASHES, kind_of
from tallystick.device.native.cx_error import CxError, CxStatus
from tallystick.device.native.library_table import FUNCTIONS
from tallystick.device.native.memory import Memory

__all__ = ["CMAC_BYTES", "CxPage"]

#: apart from everything that an app or a library is linked for
_PAGE: Final = 0x1F00_0000
_SCRATCH: Final = _PAGE + PAGE_BYTES
#: state, block and length of a running CMAC (`cx_cmac_context_t`)
CMAC_BYTES: Final = 36
_WORD: Final = struct.Struct("<I")
_PADDING: Final = struct.Struct("<2H")
_STUB: Final = struct.Struct("<4HI")
_CIPHER_INFO: Final = struct.Struct("<4I")
_CIPHERS: Final = (16, 24, 32)
_ORDER: Final = tuple(HASHES)
#: of each hash: what initializes, updates, ends, initializes with a size, and tells the size
_CHAIN_PARTS: Final = {
    Md.RIPEMD160: ("cx_ripemd160_init_no_throw", "cx_ripemd160"),
    Md.SHA224: ("cx_sha224_init_no_throw", "cx_sha256"),
    Md.SHA256: ("cx_sha256_init_no_throw", "cx_sha256"),
    Md.SHA384: ("cx_sha384_init_no_throw", "cx_sha512"),
    Md.SHA512: ("cx_sha512_init_no_throw", "cx_sha512"),
}
_SIZED_PARTS: Final = {
    Md.SHA3: ("cx_sha3_init_no_throw", "cx_sha3"),
    Md.KECCAK: ("cx_keccak_init_no_throw", "cx_sha3"),
    Md.SHAKE128: ("cx_shake128_init_no_throw", "cx_sha3"),
    Md.SHAKE256: ("cx_shake256_init_no_throw", "cx_sha3"),
    Md.BLAKE2B: ("cx_blake2b_init_no_throw", "cx_blake2b"),
    Md.GROESTL: ("cx_groestl_init_no_throw", "cx_groestl"),
}


class CxPage:
    """The pages of one app.

    `trampoline` is where its stubs call the shared library, whose functions are `functions` in their order. Before API levels a
    description does not say the size of a context; before there was a library (no trampoline) a context says its algorithm
    by number.
    """

    def __init__(self, memory: Memory, *, trampoline: int, functions: tuple[str, ...] = FUNCTIONS) -> None:
        self._memory = memory
        self._trampoline = trampoline
        self._functions = functions
        self._has_size = functions is FUNCTIONS
        self._info_bytes = 4 * (9 if self._has_size else 8)
        self._ciphers_at = _PAGE + self._info_bytes * len(_ORDER)
        self._paddings_at = self._ciphers_at + _CIPHER_INFO.size * len(_CIPHERS)
        self._stubs_at = self._paddings_at + _PADDING.size * 3
        self._there = False

    def info(self, md: Md) -> int:
        """Return what a context of this hash begins with: the address of its description, or its number.

        Raises CxError for a hash that the library of this firmware does not have.
        """
        if not self._trampoline:
            return md
        if _parts(md)[1] not in self._functions:
            raise CxError(CxStatus.INVALID_PARAMETER)
        self._map()
        return _PAGE + self._info_bytes * _ORDER.index(md)

    def hash_at(self, address: int) -> Md:
        """Return the hash described at `address`, by a library, too; raise CxError for none and BadPointer."""
        if not self._trampoline:
            return kind_of(address & 0xFF)[0]
        index, rest = divmod(address - _PAGE, self._info_bytes)
        if self._there and not rest and 0 <= index < len(_ORDER):
            return _ORDER[index]
        return kind_of(self._memory.read(address, 1)[0])[0]

    def cipher(self, key_bytes: int) -> int:
        """Return the address of what describes AES with a key of 16, 24 or 32 bytes."""
        self._map()
        return self._ciphers_at + _CIPHER_INFO.size * _CIPHERS.index(key_bytes)

    def cipher_at(self, address: int) -> int:
        """Return the size in bytes of the key of the cipher described there; raise CxError or BadPointer."""
        bits, _vector, block, _base = self._memory.words(address, 4)
        if bits // 8 not in _CIPHERS or bits % 8 or block != 16:
            raise CxError(CxStatus.INVALID_PARAMETER)
        return bits // 8

    def padding(self, kind: int) -> int:
        """Return the address that stands for a padding, 0 none, 1 and 2 those of ISO 9797: nothing in an app calls it."""
        self._map()
        return (self._paddings_at + _PADDING.size * kind) | 1

    def cmac(self) -> int:
        """Return the address of the running CMAC (`CMAC_BYTES`): as in the library, an app has one."""
        self._map()
        return _SCRATCH

    def _map(self) -> None:
        if self._there:
            return
        self._there = True
        page = b"".join(self._describe(md) for md in _ORDER)
        page += b"".join(_CIPHER_INFO.pack(8 * size, 16, 16, 0) for size in _CIPHERS)
        # bx lr; nop
        page += _PADDING.pack(0x4770, 0xBF00) * 3
        page += b"".join(self._stub(name) for name in _STUBS)
        self._memory.add(_PAGE, page, size_bytes=len(page), access=Access.READ | Access.EXECUTE)
        self._memory.add(_SCRATCH, b"", size_bytes=CMAC_BYTES, access=Access.READ | Access.WRITE)

    def _stub(self, name: str) -> bytes:
        """Return code that calls a function of the library: push {r0, r1}; movs r0, #number; ldr r1, [pc]; bx r1; address."""
        number = self._functions.index(name) if name in self._functions else 0
        return _STUB.pack(0xB403, 0x2000 | number, 0x4900, 0x4708, self._trampoline | 1)

    def _describe(self, md: Md) -> bytes:
        kind = HASHES[md]
        sizes = (kind.output_bytes, kind.block_bytes, *((kind.context_bytes,) if self._has_size else ()))
        addresses = (
            (self._stubs_at + _STUB.size * _STUBS.index(name)) | 1 if name in self._functions else 0
            for name in _parts(md)
        )
        return b"".join(_WORD.pack(word) for word in (md, *sizes, *addresses))


def _parts(md: Md) -> tuple[str, ...]:
    """Return the functions that a description names: to begin, go on, end, begin with a size, tell the size; "" for none."""
    if md in _CHAIN_PARTS:
        init, family = _CHAIN_PARTS[md]
        return init, f"{family}_update", f"{family}_final", "", ""
    init, family = _SIZED_PARTS[md]
    return "", f"{family}_update", f"{family}_final", init, f"{family}_get_output_size"


_STUBS: Final = tuple(dict.fromkeys(name for md in _ORDER for name in _parts(md) if name))
