"""Calls of the shared library as an app makes them, on memory without a processor; and the same by the real library."""

import dataclasses
import struct

from native_program import INFO, native

from tallystick.device.native import program as loop
from tallystick.device.native.cpu import Register, Trap
from tallystick.device.native.handler import HANDLERS, LIBRARY
from tallystick.device.native.machine import Machine
from tallystick.device.native.table import NAMES
from tallystick.device.sandbox.shared_library import find_shared_library, speculos_folder
from tallystick.wire.syscall import Log, Outcome, Random

#: where a test's buffers lie
RAM = 0x20100000
#: nothing of an app's
WILD = (0, 0x30000000, 0xFFFFFFFF, RAM - 1, RAM + 28 * 1024)


class PlainCpu:
    """Memory with rights that nobody checks, and registers: enough for everything but running code."""

    def __init__(self):
        self.pages = {}
        self.registers = dict.fromkeys(Register, 0)

    def map(self, address, size_bytes, access):
        """Give memory."""
        self.pages[address] = bytearray(size_bytes)

    is_watched = False

    def block(self, address):
        """Every look goes through this processor."""

    def protect(self, address, size_bytes, access):
        """Rights are not looked at."""

    def _find(self, address, size):
        for start, page in self.pages.items():
            if start <= address and address + size <= start + len(page):
                return page, address - start
        raise AssertionError(f"memory at {address:#x} that nobody mapped")

    def read(self, address, size_bytes):
        """Return memory."""
        page, at = self._find(address, size_bytes)
        return bytes(page[at : at + size_bytes])

    def write(self, address, data):
        """Change memory."""
        page, at = self._find(address, len(data))
        page[at : at + len(data)] = data

    def get(self, register):
        """Return a register."""
        return self.registers[register]

    def set(self, register, value):
        """Set a register."""
        self.registers[register] = value & 0xFFFFFFFF


class Cx:
    """One app's memory, and calls on it; `random` is what the OS draws from, over and over.

    Without a level, it is an app of the last firmware of `model` before there were levels.
    """

    #: system calls by number
    names = NAMES

    def __init__(self, *, random=bytes(range(256)), cpu=None, library=b"", level=26, model=INFO.model):
        self.cpu = cpu or PlainCpu()
        info = dataclasses.replace(INFO, model=model)
        self.machine = Machine(self.cpu, native(b"\x03\xdf" * 8, library=library, level=level), info)
        self.random = random
        self.drawn = 0
        self.thrown = 0
        self.ram = self.free = self.machine.generation.ram

    def room(self, size):
        """Return the address of `size` bytes that are nobody's yet."""
        address = self.free
        self.free += -(-size // 16) * 16 + 16
        return address

    def put(self, data):
        """Return the address of a copy of `data`."""
        address = self.room(len(data))
        self.cpu.write(address, data)
        return address

    def word(self, value):
        """Return the address of a word."""
        return self.put(struct.pack("<I", value))

    def fresh(self):
        """Clear all that was put, for the next case."""
        self.cpu.write(self.ram, bytes(self.free - self.ram))
        self.free = self.ram

    def read(self, address, size):
        """Return what stands at an address."""
        return self.cpu.read(address, size)

    def number(self, address):
        """Return the word at an address."""
        return int.from_bytes(self.read(address, 4), "little")

    def _outcome(self, request):
        if isinstance(request, Log):
            return Outcome()
        assert isinstance(request, Random), request
        data = bytes(self.random[(self.drawn + at) % len(self.random)] for at in range(request.size_bytes))
        self.drawn += request.size_bytes
        return Outcome(value=data)

    def drive(self, running):
        """Run what asks the OS to its end, as the OS would; most calls ask nothing."""
        outcome = None
        try:
            while running is not None:
                outcome = self._outcome(running.send(outcome))
        except StopIteration:
            pass

    def call(self, name, *arguments):
        """Return what a function of the library answers (32 bits), called as the stubs of an app do."""
        generation, cpu = self.machine.generation, self.cpu
        words = [value & 0xFFFFFFFF for value in arguments] + [0] * (12 - len(arguments))
        sp = generation.stack - 256
        cpu.write(sp, struct.pack("<10I", *words[:2], *words[4:]))
        for register, value in zip(
            (Register.R0, Register.R2, Register.R3, Register.SP),
            (generation.functions.index(name), *words[2:4], sp),
            strict=True,
        ):
            cpu.set(register, value)
        self.drive(loop._library(self.machine, LIBRARY))
        return cpu.get(Register.R0)

    def system(self, name, *arguments):
        """Return what a system call answers; `thrown` is the exception it throws."""
        number = next(number for number, found in self.names.items() if found == name)
        words = [value & 0xFFFFFFFF for value in arguments] + [0] * (12 - len(arguments))
        sp = self.machine.generation.stack - 256
        self.cpu.write(sp, struct.pack("<12I", *words))
        self.cpu.set(Register.R0, number)
        self.cpu.set(Register.R1, sp)
        self.drive(loop._system(self.machine, HANDLERS))
        self.thrown = self.cpu.get(Register.R1)
        return self.cpu.get(Register.R0)


class RealCx(Cx):
    """The same calls, done by the real library's own code; system calls that it makes are ours."""

    def call(self, name, *arguments):
        """Return what the library's own function answers (32 bits)."""
        words = tuple(value & 0xFFFFFFFF for value in arguments)
        cpu, generation = self.cpu, self.machine.generation
        sp = generation.stack - 256
        for register, value in zip((Register.R0, Register.R1, Register.R2, Register.R3), words, strict=False):
            cpu.set(register, value)
        cpu.write(sp, struct.pack(f"<{max(0, len(words) - 4)}I", *words[4:]))
        cpu.set(Register.SP, sp)
        cpu.set(Register.LR, generation.flash | 1)
        cpu.set(Register.PC, self.machine.library_function(generation.functions.index(name)) | 1)
        while True:
            stop = cpu.run(budget=1 << 28)
            assert isinstance(stop, Trap), (name, stop, hex(cpu.get(Register.PC)))
            if stop.number == 3:
                return cpu.get(Register.R0)
            assert stop.number == 1, stop
            self.drive(loop._system(self.machine, HANDLERS))


def real_library(model="nanox", level=26):
    """Return the shared library of a Speculos install (`TALLYSTICK_SPECULOS` may name its package), or nothing."""
    return find_shared_library(speculos_folder(""), model=model, level=level)
