"""The program of one native app: an image, an emulated processor, and a socket to the OS. Nothing else imports unicorn.

Unicorn is GPL-2.0-only and a compiler at run time, so it is an extra that a user installs, and runs in the process of one
app, which holds no secret that the app may not have. Its memory for translated code is made before the lock: what runs
behind it can make none, so a native app's process is locked exactly as a Python app's.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import socket
from collections.abc import Callable, Generator, Sequence
from mmap import mmap
from typing import Any, Final

import unicorn
from unicorn import arm_const
from unicorn.unicorn_py3.unicorn import uclib

from tallystick.device.native.cpu import Access, Exhausted, Fault, FaultKind, Register, Stop, Trap
from tallystick.device.native.host_memory import HostMemory, Span
from tallystick.device.native.program import program
from tallystick.errors import TallyError
from tallystick.wire.native import MAX_NATIVE, NativeImage
from tallystick.wire.syscall import MAX_MESSAGE, DeviceInfo, Exit, Outcome, Request

__all__ = ["UnicornCpu", "prepare"]

#: translated code of one app; the default is a gigabyte of addresses
_CODE_BYTES = 16 << 20
_SVC_EXCEPTION = 2
_SVC_OPCODE = 0xDF
#: no number of an exception
_NOT_INTERRUPTED: Final = -1
_TRAPS: Final = tuple(Trap(number) for number in range(256))
#: no address of an app is ever the one to stop at
_NOWHERE: Final = 0xFFFF_FFFE
_IDS: Final = tuple(
    getattr(arm_const, f"UC_ARM_REG_{name}")
    for name in (*(f"R{number}" for number in range(13)), "SP", "LR", "PC", "XPSR")
)
#: registers that are looked at after each stretch: read together, and written together before the next
_HOT: Final = (Register.R0, Register.R1, Register.R2, Register.R3, Register.SP, Register.LR, Register.PC)
_IS_HOT: Final = tuple(register in _HOT for register in Register)
_PC: Final = int(Register.PC)
_READS = (unicorn.UC_MEM_READ_UNMAPPED, unicorn.UC_MEM_READ_PROT)
_WRITES = (unicorn.UC_MEM_WRITE_UNMAPPED, unicorn.UC_MEM_WRITE_PROT)

# The binding checks and converts at each call; a trap is answered some hundred times for one screen, so those calls are made
# on the library itself, with arguments that are objects of C already: they say their type, and nothing is converted. Nobody
# else runs in this process that would want the interpreter meanwhile.
_LIBRARY: Final = ctypes.PyDLL(uclib._name)  # noqa: SLF001 -- the file it was loaded from
_START: Final = _LIBRARY.uc_emu_start
_STOP: Final = _LIBRARY.uc_emu_stop
_READ_ALL: Final = _LIBRARY.uc_reg_read_batch
_WRITE_ALL: Final = _LIBRARY.uc_reg_write_batch
_ADD_HOOK: Final = _LIBRARY.uc_hook_add
_ADD_HOOK.argtypes = (
    *(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p),
    *(ctypes.c_uint64, ctypes.c_uint64),
)
_INTERRUPTED: Final = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_uint32, ctypes.c_void_p)
_REFUSED: Final = ctypes.CFUNCTYPE(
    *(ctypes.c_bool, ctypes.c_void_p, ctypes.c_int, ctypes.c_uint64, ctypes.c_int, ctypes.c_int64, ctypes.c_void_p)
)


class UnicornCpu:
    """An M-class processor in Thumb state."""

    def __init__(self) -> None:
        self._uc: Any = unicorn.Uc(unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB | unicorn.UC_MODE_MCLASS)
        self._uc.ctl_set_cpu_model(arm_const.UC_CPU_ARM_CORTEX_M33)
        self._uc.ctl_set_tcg_buffer_size(_CODE_BYTES)
        self._handle: int = self._uc._uch.value  # noqa: SLF001 -- what the library calls it
        #: why it stopped, as the hooks noted it
        self._interrupt = _NOT_INTERRUPTED
        self._fault: tuple[FaultKind, int] | None = None
        self._memory = HostMemory()
        #: where the instruction before is known to be a trap, and which
        self._traps: dict[int, Trap] = {}
        numbers = (ctypes.c_uint64 * len(_IDS))()
        #: the registers, those that are not hot left alone
        self._values = memoryview(numbers).cast("B").cast("Q")
        start, size, count = ctypes.addressof(numbers), ctypes.sizeof(ctypes.c_uint64), len(_HOT)
        ids = (ctypes.c_int * count)(*(_IDS[register] for register in _HOT))
        places = (ctypes.c_void_p * count)(*(start + size * register for register in _HOT))
        handle = ctypes.c_void_p(self._handle)
        self._read = (handle, ids, places, ctypes.c_int(count))
        # the program counter is told at the start
        self._written = (handle, ids, places, ctypes.c_int(count - 1))
        self._begin, self._budget = ctypes.c_uint64(), ctypes.c_size_t()
        self._started = (handle, self._begin, ctypes.c_uint64(_NOWHERE), ctypes.c_uint64(0), self._budget)
        self._is_changed = False
        # both are called by the library for as long as it knows them
        self._hooks: tuple[Any, ...] = (_INTERRUPTED(self._interrupted), _REFUSED(self._refused))
        for kind, hook in (
            (unicorn.UC_HOOK_INTR, self._hooks[0]),
            (unicorn.UC_HOOK_INTR, _STOP),  # its only argument is what each hook is given first
            (unicorn.UC_HOOK_MEM_INVALID, self._hooks[1]),
        ):
            _ADD_HOOK(
                self._handle, ctypes.byref(ctypes.c_size_t()), kind, ctypes.cast(hook, ctypes.c_void_p), None, 1, 0
            )

    def close(self) -> None:
        """Give everything back; no other call may follow."""
        self._uc = None
        self._hooks = ()
        self._memory.clear()

    def map(self, address: int, size_bytes: int, access: Access) -> None:
        """Give whole pages with these rights; see `tallystick.device.native.cpu.Cpu`."""
        self._add(HostMemory.fresh(address, size_bytes, access))

    def unmap(self, address: int, size_bytes: int) -> None:
        """Take whole pages back, of one `map`."""
        self._uc.mem_unmap(address, size_bytes)
        self._memory.remove(address)
        self._traps.clear()

    @property
    def is_watched(self) -> bool:
        """Nobody is told of anything."""
        return False

    def block(self, address: int) -> mmap | None:
        """Return the memory that was mapped there."""
        return self._memory.block(address)

    def protect(self, address: int, size_bytes: int, access: Access) -> None:
        """Change the rights of whole pages."""
        for span, parts in self._memory.cut(address, size_bytes, access):
            self.unmap(span.start, span.end - span.start)
            for part in parts:
                self._add(part)

    def read(self, address: int, size_bytes: int) -> bytes:
        """Return memory."""
        found = self._memory.read(address, size_bytes)
        return bytes(self._uc.mem_read(address, size_bytes)) if found is None else found

    def write(self, address: int, data: bytes) -> None:
        """Change memory; what code was translated into is forgotten with it."""
        if not self._memory.write(address, data):
            self._uc.mem_write(address, data)
            self._uc.ctl_remove_cache(address, address + len(data))
            self._traps.clear()

    def patch(self, address: int, data: bytes) -> None:
        """Change code."""
        self.write(address, data)

    def get(self, register: Register) -> int:
        """Return a register."""
        return self._values[register] if _IS_HOT[register] else int(self._uc.reg_read(_IDS[register]))

    def set(self, register: Register, value: int) -> None:
        """Set a register."""
        if _IS_HOT[register]:
            self._values[register] = value & 0xFFFF_FFFF
            self._is_changed = True
        else:
            self._uc.reg_write(_IDS[register], value & 0xFFFF_FFFF)

    def save(self) -> Sequence[int]:
        """Return r0 to r15."""
        return tuple(self.get(register) for register in Register if register <= Register.PC)

    def run(self, *, budget: int) -> Stop:
        """Run until a trap, a fault or the end of `budget`."""
        self._interrupt = _NOT_INTERRUPTED
        if self._is_changed:
            _WRITE_ALL(*self._written)
            self._is_changed = False
        values = self._values
        self._begin.value, self._budget.value = values[_PC] | 1, budget
        error = _START(*self._started)
        _READ_ALL(*self._read)
        if not error and self._interrupt == _SVC_EXCEPTION and self._fault is None:
            return self._traps.get(values[_PC]) or self._trap(values[_PC])
        return self._stopped(error, values[_PC])

    def _trap(self, pc: int) -> Stop:
        """Return which trap lies before `pc`, and know it from then on."""
        number, opcode = self._memory.read(pc - 2, 2) or (0, 0)
        if opcode != _SVC_OPCODE:
            return Fault(FaultKind.EXCEPTION, _SVC_EXCEPTION, pc)
        self._traps[pc] = _TRAPS[number]
        return _TRAPS[number]

    def _add(self, span: Span) -> None:
        self._uc.mem_map_ptr(span.start, span.end - span.start, int(span.access), span.place)
        self._memory.add(span)

    def _stopped(self, error: int, pc: int) -> Stop:
        """Return why it stopped, where that was no trap."""
        fault, self._fault = self._fault, None
        if fault is not None:
            return Fault(*fault, pc)
        if error:
            return Fault(FaultKind.EXCEPTION if error == unicorn.UC_ERR_EXCEPTION else FaultKind.INSTRUCTION, pc, pc)
        if self._interrupt == _NOT_INTERRUPTED:
            return Exhausted()
        return Fault(FaultKind.EXCEPTION, self._interrupt, pc)

    def _interrupted(self, _handle: int, number: int, _data: object) -> None:
        self._interrupt = number

    def _refused(self, _handle: int, access: int, address: int, _size: int, _value: int, _data: object) -> bool:
        kind = FaultKind.READ if access in _READS else FaultKind.WRITE if access in _WRITES else FaultKind.EXECUTE
        self._fault = kind, address
        return False


def prepare(arguments: list[str]) -> Callable[[], int]:
    """Read the image and start up the processor; return the app's work. Arguments: descriptors of socket and image."""
    link_fd, image_fd = (int(argument) for argument in arguments)
    with os.fdopen(image_fd, "rb") as file:
        raw = file.read(MAX_NATIVE + 1)
    hashlib.sha256(b"").digest()  # the first hash reads the library's configuration
    link = socket.socket(fileno=link_fd)
    cpu = warm()

    def work() -> int:
        _serve(link, cpu, NativeImage.from_bytes(raw))
        return 0

    return work


def warm() -> UnicornCpu:
    """Return a processor whose memory for translated code is there: it has run one instruction, and forgot it."""
    cpu = UnicornCpu()
    address = 0x10000
    cpu.map(address, 1024, Access.READ | Access.EXECUTE)
    cpu.write(address, bytes.fromhex("00bf01df"))  # nop; svc 1
    cpu.set(Register.PC, address | 1)
    cpu.run(budget=2)
    cpu.unmap(address, 1024)
    return cpu


def _serve(link: socket.socket, cpu: UnicornCpu, image: NativeImage) -> None:
    """Drive the app over `link` until it exits or the link closes."""
    running: Generator[Request, Any, None] = program(cpu, image, DeviceInfo.from_bytes(link.recv(MAX_MESSAGE)))
    outcome: Outcome | None = None
    # memory for the longest message would be given and taken back for each
    room = memoryview(bytearray(MAX_MESSAGE + 1))
    while True:
        try:
            request = running.send(outcome)
        except StopIteration:
            _part(link, Exit())
            return
        except TallyError as error:
            _part(link, Exit(error.message))
            return
        link.send(request.to_bytes())
        answer = bytes(room[: link.recv_into(room)])
        if not answer:
            running.close()
            return
        outcome = Outcome.from_bytes(answer, request)


def _part(link: socket.socket, last: Exit) -> None:
    """Say the last word and wait to be ended: what is gone already cannot be looked at, and its word would not count."""
    link.send(last.to_bytes())
    link.recv(1)
