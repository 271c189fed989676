"""One native app: its memory laid out, its processor, and what its handlers keep between calls."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from tallystick.device.native.cpu import Access, Cpu, Exhausted, Fault, Register, Trap
from tallystick.device.native.cx_aes_unit import AesUnit
from tallystick.device.native.cx_bn import NumberPool
from tallystick.device.native.cx_des import DesUnit
from tallystick.device.native.cx_page import CxPage
from tallystick.device.native.elf import Elf
from tallystick.device.native.generation import Generation, generation_of
from tallystick.device.native.library_table import FUNCTIONS
from tallystick.device.native.memory import BadPointer, Memory
from tallystick.device.native.window import FONT_PLACE, FONT_PLACES, Window
from tallystick.errors import RemoteProtocolError, TallyError
from tallystick.wire.call_library import LibraryEntry
from tallystick.wire.native import NativeImage, split_fonts
from tallystick.wire.syscall import DeviceInfo, Log, Outcome, Request, Response

if TYPE_CHECKING:
    from tallystick.device.native.nvm import Nvm

__all__ = ["Asking", "Crash", "Ended", "Handler", "Machine", "Throw"]

#: svc 2; add sp, #8; bx lr: the app's stub has pushed r0 and r1 (native-apps 1)
_TRAMPOLINE_CODE: Final = bytes.fromhex("02df02b07047")
_TABLE_SYMBOL: Final = "shared_exported_functions"
_MAX_LIBRARY_PARTS: Final = 4
#: parts of a library that are in no memory, from here on
_NOWHERE: Final = 0xE000_0000
#: where a library's own entry keeps the address of its table, for files without symbols
_TABLE_OFFSET: Final = 12
#: takes where the app's flash and RAM lie, and how many instructions it may need
_INIT_SYMBOL: Final = "pic_init"
_INIT_BUDGET: Final = 1000

#: a handler that asks the OS
Asking = Generator[Request, Outcome, int]
#: answers one call: arguments in, result (32 bits) out
Handler = Callable[["Machine", tuple[int, ...]], int | Asking]


class Throw(Exception):
    """A call ends with an exception in the app: `number` is one of the SDK's."""

    def __init__(self, number: int) -> None:
        super().__init__(f"exception {number:#x}")
        self.number = number


class Crash(TallyError):
    """The app may not go on; the message is its fault report."""

    code = "app_crash"


class Ended(Exception):
    """The app is done."""


class Machine:
    """What handlers work on: memory behind its checks, and what the app has under way."""

    def __init__(self, cpu: Cpu, native: NativeImage, info: DeviceInfo) -> None:
        self.cpu = cpu
        self.info = info
        self.image = native.image
        self.generation: Generation = generation_of(
            info.model,
            self.image.create.api_level,
            code=self.image.code,
            depth=0 if native.entry is None else native.entry.depth,
        )
        self.memory = Memory(cpu, self.generation)
        #: how it was called, where another app did
        self.entry = native.entry
        #: the APDU's answer that the app has sent, until it waits again
        self.response: Response | None = None
        #: the app's try context, by its own pointer
        self.try_context = 0
        self.last_call = "none"
        #: since the last APDU
        self.calls = 0
        self.nvm: Nvm | None = None
        #: the certificate that holds, for the calls about certificates
        self.trusted: object = None
        self.numbers = NumberPool()
        self.cx_page = CxPage(self.memory, trampoline=self.generation.trampoline, functions=self.generation.functions)
        self.aes = AesUnit(chains=self.generation.functions is FUNCTIONS)
        self.des = DesUnit()
        self.window = Window(self.memory, model=info.model)
        self._complained: set[str] = set()
        self._table = 0
        #: those of the shared library
        self.symbols: Mapping[str, int] = {}
        self._load(native.library)

    def complain(self, name: str, what: str) -> Generator[Request, Outcome, None]:
        """Tell the developer once, by name."""
        if name not in self._complained:
            self._complained.add(name)
            yield Log(f"{name}: {what}")

    def library_function(self, number: int) -> int:
        """Return the address of a function of the shared library (lowest bit set), or 0."""
        if not self._table or number >= len(self.generation.functions):
            return 0
        try:
            return self.memory.words(self._table + 4 * number, 1)[0]
        except BadPointer:
            return 0

    def report(self, fault: Fault | Exhausted) -> Crash:
        """Return what is told of a fault: where in the app, what it did, and the last call it made."""
        if isinstance(fault, Exhausted):
            return Crash(f"it computed without end at {self._where(self.cpu.get(Register.PC))}, after {self.last_call}")
        return Crash(
            f"{fault.kind.value} fault at {self._where(fault.pc)}, address {fault.address:#010x}, after {self.last_call}"
        )

    def _where(self, pc: int) -> str:
        offset = pc - self.generation.flash
        return f"app+{offset:#x}" if 0 <= offset < self.generation.flash_bytes else f"{pc:#010x}"

    def _load(self, library: bytes) -> None:
        generation, image = self.generation, self.image
        flash = image.code + image.data + image.parameters
        if len(flash) > generation.flash_bytes:
            raise Crash(f"an app of {len(flash)} bytes, {generation.flash_bytes} can be had")
        self.memory.add(generation.flash, flash, size_bytes=len(flash), access=Access.READ | Access.EXECUTE)
        self.memory.add(generation.ram, b"", size_bytes=generation.ram_bytes, access=Access.READ | Access.WRITE)
        if library:
            self._load_library(library)
        elif generation.trampoline:
            self._add_trampoline()
        if generation.trampoline:
            self.cpu.write(generation.trampoline, _TRAMPOLINE_CODE)
        if self.symbols.get(_INIT_SYMBOL):
            self._tell_place(self.symbols[_INIT_SYMBOL])
        self.cpu.set(Register.R9, generation.ram)
        self.cpu.set(Register.SP, generation.stack)
        self.cpu.set(Register.R0, 0)
        if self.entry is not None:
            self._enter(self.entry)
        self.cpu.set(Register.PC, (generation.flash + image.create.boot_offset) | 1)

    def _add_trampoline(self) -> None:
        size = len(_TRAMPOLINE_CODE)
        self.memory.add(self.generation.trampoline, b"", size_bytes=size, access=Access.READ | Access.EXECUTE)

    def _enter(self, entry: LibraryEntry) -> None:
        """Begin on the caller's RAM and stack, with its argument; raise Crash for those of another generation."""
        generation = self.generation
        if len(entry.ram) != generation.ram_bytes or not generation.ram < entry.stack <= generation.stack:
            raise Crash("its caller is of another generation")
        self.cpu.write(generation.ram, entry.ram)
        self.memory.add(generation.caller, entry.code, size_bytes=len(entry.code), access=Access.READ)
        self.cpu.set(Register.SP, entry.stack & ~7)
        self.cpu.set(Register.R0, entry.argument)

    def _tell_place(self, function: int) -> None:
        """Tell the shared library where the app lies: it translates pointers of the app by itself, from level 23 on."""
        cpu, generation = self.cpu, self.generation
        cpu.set(Register.R0, generation.flash)
        cpu.set(Register.R1, generation.ram)
        cpu.set(Register.SP, generation.stack)
        cpu.set(Register.LR, generation.trampoline | 1)  # comes back to the trap there
        cpu.set(Register.PC, function | 1)
        if not isinstance(cpu.run(budget=_INIT_BUDGET), Trap):
            raise Crash("the shared library does not take the place of the app")

    def _entry_table(self) -> int:
        try:
            return self.memory.words(self.generation.trampoline + _TABLE_OFFSET, 1)[0]
        except BadPointer:
            return 0

    def _load_library(self, library: bytes) -> None:
        """Map a shared library where it was linked to lie; raise Crash for one that does not belong to this generation."""
        try:
            elf, fonts = _read_library(library)
        except RemoteProtocolError as error:
            raise Crash(f"the shared library cannot be read: {error.message}") from error
        taken = (
            (0x0010_0000, 0x0040_0000),
            (0x0060_0000, 0x0100_0000),
            (self.generation.ram - 0x10_0000, self.generation.ram),
            (self.generation.stack, self.generation.stack + 0x1000),
        )
        for segment in () if elf is None else elf.segments[:_MAX_LIBRARY_PARTS]:
            if segment.address >= _NOWHERE:
                continue
            if not any(start <= segment.address and segment.end <= end for start, end in taken):
                raise Crash("the shared library wants memory that is not for it")
            access = Access.READ | (Access.EXECUTE if segment.data else Access.WRITE)
            self.memory.add(segment.address, segment.data, size_bytes=segment.size_bytes, access=access)
        if fonts:
            place = FONT_PLACES.get(self.info.model, FONT_PLACE)
            self.memory.add(place, fonts, size_bytes=len(fonts), access=Access.READ)
        if elf is None:
            self._add_trampoline()
            return
        self._table = elf.symbols.get(_TABLE_SYMBOL, 0) or self._entry_table()
        self.symbols = elf.symbols
        self.window.texts.learn(elf.symbols)
        try:
            self.memory.place(self.generation.trampoline, len(_TRAMPOLINE_CODE), Access.EXECUTE)
        except BadPointer:
            raise Crash("the shared library is one of another model") from None


@lru_cache(maxsize=2)  # the apps of a process call one library, or few
def _read_library(library: bytes) -> tuple[Elf | None, bytes]:
    """Read a library's file, None where there are fonts alone, and the fonts behind it."""
    file, fonts = split_fonts(library)
    return Elf.from_bytes(file) if file or not fonts else None, fonts
