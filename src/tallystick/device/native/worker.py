"""The program of one native app: an image, an emulated processor, and a socket to the OS. Nothing else imports unicorn.

Unicorn is GPL-2.0-only and a compiler at run time, so it is an extra that a user installs, and runs in the process of one
app, which holds no secret that the app may not have. Its memory for translated code is made before the lock: what runs
behind it can make none, so a native app's process is locked exactly as a Python app's.
"""

from __future__ import annotations

import hashlib
import os
import socket
from collections.abc import Callable, Generator, Sequence
from typing import Any

import unicorn
from unicorn import arm_const

from tallystick.device.native.cpu import Access, Exhausted, Fault, FaultKind, Register, Stop, Trap
from tallystick.device.native.program import program
from tallystick.errors import TallyError
from tallystick.wire.native import MAX_NATIVE, NativeImage
from tallystick.wire.syscall import MAX_MESSAGE, DeviceInfo, Exit, Outcome, Request

__all__ = ["UnicornCpu", "prepare", "warm"]

#: translated code of one app; the default is a gigabyte of addresses
_CODE_BYTES = 16 << 20
_SVC_EXCEPTION = 2
_SVC_OPCODE = 0xDF
_REGISTERS = tuple(
    getattr(arm_const, f"UC_ARM_REG_{name}")
    for name in (*(f"R{number}" for number in range(13)), "SP", "LR", "PC", "XPSR")
)
_READS = (unicorn.UC_MEM_READ_UNMAPPED, unicorn.UC_MEM_READ_PROT)
_WRITES = (unicorn.UC_MEM_WRITE_UNMAPPED, unicorn.UC_MEM_WRITE_PROT)


class UnicornCpu:
    """An M-class processor in Thumb state."""

    def __init__(self) -> None:
        self._uc: Any = unicorn.Uc(unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB | unicorn.UC_MODE_MCLASS)
        self._uc.ctl_set_cpu_model(arm_const.UC_CPU_ARM_CORTEX_M33)
        self._uc.ctl_set_tcg_buffer_size(_CODE_BYTES)
        self._uc.hook_add(unicorn.UC_HOOK_INTR, self._interrupted)
        self._uc.hook_add(unicorn.UC_HOOK_MEM_INVALID, self._refused)
        self._interrupt: int | None = None
        self._fault: tuple[FaultKind, int] | None = None

    def map(self, address: int, size_bytes: int, access: Access) -> None:
        """Give whole pages with these rights; see `tallystick.device.native.cpu.Cpu`."""
        self._uc.mem_map(address, size_bytes, int(access))

    def protect(self, address: int, size_bytes: int, access: Access) -> None:
        """Change the rights of whole pages."""
        self._uc.mem_protect(address, size_bytes, int(access))

    def read(self, address: int, size_bytes: int) -> bytes:
        """Return memory."""
        return bytes(self._uc.mem_read(address, size_bytes))

    def write(self, address: int, data: bytes) -> None:
        """Change memory."""
        self._uc.mem_write(address, data)

    def get(self, register: Register) -> int:
        """Return a register."""
        return int(self._uc.reg_read(_REGISTERS[register]))

    def set(self, register: Register, value: int) -> None:
        """Set a register."""
        self._uc.reg_write(_REGISTERS[register], value & 0xFFFF_FFFF)

    def save(self) -> Sequence[int]:
        """Return r0 to r15."""
        return tuple(self._uc.reg_read_batch(_REGISTERS[:16]))

    def run(self, *, budget: int) -> Stop:
        """Run until a trap, a fault or the end of `budget`."""
        self._forget()
        try:
            # no address of an app is ever the one to stop at
            self._uc.emu_start(self.get(Register.PC) | 1, 0xFFFF_FFFE, count=budget)
        except unicorn.UcError as error:
            return self._failed(error)
        if self._fault is not None:
            return Fault(*self._fault, self.get(Register.PC))
        if self._interrupt is None:
            return Exhausted()
        pc = self.get(Register.PC)
        if self._interrupt == _SVC_EXCEPTION:
            number, opcode = self.read(pc - 2, 2)
            if opcode == _SVC_OPCODE:
                return Trap(number)
        return Fault(FaultKind.EXCEPTION, self._interrupt, pc)

    def _forget(self) -> None:
        self._interrupt = self._fault = None

    def _failed(self, error: Any) -> Fault:
        pc = self.get(Register.PC)
        if self._fault is not None:
            return Fault(*self._fault, pc)
        return Fault(FaultKind.EXCEPTION if error.errno == unicorn.UC_ERR_EXCEPTION else FaultKind.INSTRUCTION, pc, pc)

    def _interrupted(self, uc: Any, number: int, _data: object) -> None:
        self._interrupt = number
        uc.emu_stop()

    def _refused(self, _uc: Any, access: int, address: int, _size: int, _value: int, _data: object) -> bool:
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
    cpu._uc.mem_unmap(address, 1024)  # noqa: SLF001 -- its own maker
    return cpu


def _serve(link: socket.socket, cpu: UnicornCpu, image: NativeImage) -> None:
    """Drive the app over `link` until it exits or the link closes."""
    running: Generator[Request, Any, None] = program(cpu, image, DeviceInfo.from_bytes(link.recv(MAX_MESSAGE)))
    outcome: Outcome | None = None
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
        answer = link.recv(MAX_MESSAGE + 1)
        if not answer:
            running.close()
            return
        outcome = Outcome.from_bytes(answer, request)


def _part(link: socket.socket, last: Exit) -> None:
    """Say the last word and wait to be ended: what is gone already cannot be looked at, and its word would not count."""
    link.send(last.to_bytes())
    link.recv(1)
