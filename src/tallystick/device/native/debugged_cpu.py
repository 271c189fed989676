"""A processor that stops where gdb wants it to: to the program of the app it is a processor like any other.

Breakpoints are instructions put into the code while the app runs, and taken out whenever it stands still. gdb is heard while
the app is stopped, between stretches of instructions, and, by `attend`, while the app waits for the OS.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Protocol

from tallystick.device.native.cpu import Cpu, Exhausted, Fault, FaultKind, Register, Stop, Trap
from tallystick.device.native.gdb_packet import INTERRUPT, PacketReader, packet
from tallystick.device.native.gdb_stub import (
    SIGNAL_ILLEGAL,
    SIGNAL_INTERRUPT,
    SIGNAL_SEGMENT,
    SIGNAL_TRAP,
    GdbStub,
    Next,
)
from tallystick.device.native.wrapped_cpu import WrappedCpu

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Cable", "CodeCpu", "DebuggedCpu", "Killed"]

_BREAKPOINT: Final = bytes.fromhex("00be")  # bkpt 0
_BREAKPOINT_EXCEPTION: Final = 7
#: instructions between two looks at what gdb says: some milliseconds
_SLICE: Final = 1 << 21


class Cable(Protocol):
    """The way to gdb: bytes both ways."""

    def hear(self, *, waits: bool) -> bytes | None:
        """Return what came, b"" when nobody will ever say anything, or None when there is nothing now and `waits` is not set."""
        ...

    def say(self, data: bytes) -> None:
        """Send bytes; a cable that leads nowhere takes them."""
        ...


class CodeCpu(Cpu, Protocol):
    """A processor whose code can be changed."""

    def patch(self, address: int, data: bytes) -> None:
        """Change memory, and forget what was made of it as code."""
        ...


class Killed(Exception):
    """gdb ended the app."""


class DebuggedCpu(WrappedCpu[CodeCpu]):
    """`inner` under the eyes of gdb, which is waited for before the first instruction in `code`, the app's own."""

    def __init__(self, inner: CodeCpu, cable: Cable, *, moved: tuple[int, int], code: range) -> None:
        super().__init__(inner)
        #: until the app itself begins: what runs before, in the library, is not gdb's business
        self._code: range | None = code
        self._cable = cable
        self._reader = PacketReader()
        self._stub = GdbStub(self, moved=moved)
        self._is_stopped = True
        self._steps = False
        #: gdb waits to be told where the app stops
        self._owes_stop = False
        self._is_attached = True
        #: the cable has ended: nobody comes back
        self._is_gone = False

    def get(self, register: Register) -> int:
        """Return a register; the program counter without the bit that says Thumb, which gdb takes for part of the address."""
        value = self._inner.get(register)
        return value & ~1 if register is Register.PC else value

    def set(self, register: Register, value: int) -> None:
        """Set a register."""
        self._inner.set(register, value | 1 if register is Register.PC else value)

    def peek(self, address: int, size_bytes: int) -> bytes | None:
        """Return memory, or None where not all of it is mapped."""
        return self._inner.read(address, size_bytes) if self._is_mapped(address, size_bytes) else None

    def poke(self, address: int, data: bytes) -> bool:
        """Change memory, whatever its rights, and tell whether it is mapped."""
        if not self._is_mapped(address, len(data)):
            return False
        self._inner.patch(address, data)
        return True

    def run(self, *, budget: int) -> Stop:
        """Run on until the program of the app has something to do; stops for gdb are not its business. Raises Killed."""
        if self._code is not None:
            if self._pc not in self._code:
                return self._inner.run(budget=budget)
            self._code = None
        while True:
            if self._is_stopped:
                self._converse()
            stop = self._advance(budget)
            if isinstance(stop, Fault | Exhausted) and self._is_attached:
                self._halt(SIGNAL_SEGMENT if _is_access(stop) else SIGNAL_ILLEGAL)
                self._converse()  # a last look, before the app is over
            if stop is not None:
                return stop

    def attend(self) -> None:
        """Hear gdb while the app waits for the OS; a look that waits for nothing. Raises Killed."""
        if self._listen() and self._is_stopped:
            self._converse()

    def _advance(self, budget: int) -> Stop | None:
        """Run one stretch; return None when the app stopped for gdb alone."""
        if self._steps:
            self._steps = False
            stop = self._inner.run(budget=1)
            if isinstance(stop, Fault):
                return stop
            self._halt(SIGNAL_TRAP)  # after a call, it is answered first: the stop is told before the next instruction
            return stop if isinstance(stop, Trap) else None
        if self._pc in self._stub.breakpoints:  # it has stopped here before
            stop = self._inner.run(budget=1)
            if not isinstance(stop, Exhausted):
                return stop
        left = budget
        with self._planted():
            while left > 0:
                stop = self._inner.run(budget=min(left, _SLICE))
                if not isinstance(stop, Exhausted):
                    return None if self._is_breakpoint(stop) else stop
                left -= _SLICE
                if self._listen():
                    return None  # it stopped, or gdb let go: either way the breakpoints are others now
        return Exhausted()

    @contextmanager
    def _planted(self) -> Iterator[None]:
        """Have the breakpoints in the code for as long as it runs."""
        taken = {place: self._inner.read(place, len(_BREAKPOINT)) for place in self._stub.breakpoints}
        for place in taken:
            self._inner.patch(place, _BREAKPOINT)
        try:
            yield
        finally:
            for place, code in taken.items():
                self._inner.patch(place, code)

    def _is_breakpoint(self, stop: Stop) -> bool:
        if not isinstance(stop, Fault) or stop.kind is not FaultKind.EXCEPTION or stop.address != _BREAKPOINT_EXCEPTION:
            return False
        for place in (self._pc, self._pc - len(_BREAKPOINT)):
            if place in self._stub.breakpoints:
                self.set(Register.PC, place)
                self._halt(SIGNAL_TRAP)
                return True
        return False

    def _halt(self, signal: int) -> None:
        self._stub.signal = signal
        self._is_stopped = self._is_attached

    def _listen(self) -> bool:
        """Take what gdb said meanwhile, and tell whether it said anything: whatever it is, the app stops for it."""
        data = None if self._is_gone else self._cable.hear(waits=False)
        if data is not None:
            self._take(data, is_running=True)
        return data is not None

    def _converse(self) -> None:
        """Answer gdb until the app is to run on."""
        if self._owes_stop:
            self._owes_stop = False
            self._send(self._stub.stopped())
        while self._is_stopped:
            self._take(self._cable.hear(waits=True) or b"", is_running=False)

    def _take(self, data: bytes, *, is_running: bool) -> None:
        if not data:
            self._is_gone = True
            self._leave()
            return
        for words in self._reader.feed(data):
            self._flush()
            if is_running:
                is_running, self._is_attached = False, True
                self._halt(SIGNAL_INTERRUPT)
            if words == INTERRUPT:
                continue
            reply, following = self._stub.answer(words)
            if reply is not None:
                self._send(reply)
            if self._stub.wants_no_acknowledgements:
                self._reader.acknowledges = False
            _FOLLOWING[following](self)
            if not self._is_stopped:
                is_running = True
        self._flush()

    def _resume(self, *, steps: bool) -> None:
        self._is_stopped, self._steps, self._owes_stop = False, steps, True

    def _leave(self) -> None:
        """Run on without gdb, which may come back."""
        self._stub.breakpoints.clear()
        self._stub.wants_no_acknowledgements = False
        self._reader = PacketReader()
        self._is_attached = self._is_stopped = self._steps = self._owes_stop = False

    def _kill(self) -> None:
        raise Killed

    def _send(self, data: str) -> None:
        self._cable.say(packet(data))

    def _flush(self) -> None:
        if self._reader.replies:
            self._cable.say(bytes(self._reader.replies))
            self._reader.replies.clear()

    @property
    def _pc(self) -> int:
        return self._inner.get(Register.PC) & ~1

    def _is_mapped(self, address: int, size_bytes: int) -> bool:
        end = address + size_bytes
        while address < end:
            found = next((stop for start, stop in self._maps if start <= address < stop), None)
            if found is None:
                return False
            address = found
        return True


def _is_access(stop: Stop) -> bool:
    return isinstance(stop, Fault) and stop.kind in {FaultKind.READ, FaultKind.WRITE, FaultKind.EXECUTE}


_FOLLOWING: Final[dict[Next, Callable[[DebuggedCpu], None]]] = {
    Next.WAIT: lambda _cpu: None,
    Next.STEP: lambda cpu: cpu._resume(steps=True),  # noqa: SLF001 -- of this module
    Next.GO_ON: lambda cpu: cpu._resume(steps=False),  # noqa: SLF001
    Next.LEAVE: lambda cpu: cpu._leave(),  # noqa: SLF001
    Next.KILL: lambda cpu: cpu._kill(),  # noqa: SLF001
}
