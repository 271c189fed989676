"""What a stopped app's processor answers to gdb: registers, memory, breakpoints, where it was moved to (gdb's remote serial protocol).

`GdbStub` answers one packet at a time and says what is to happen next; it neither runs anything nor knows of sockets.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto, unique
from typing import Final, Protocol

from tallystick.device.native.cpu import Register
from tallystick.device.native.gdb_packet import INTERRUPT, MAX_PACKET

__all__ = ["SIGNAL_ILLEGAL", "SIGNAL_INTERRUPT", "SIGNAL_SEGMENT", "SIGNAL_TRAP", "GdbStub", "Next", "Target"]

SIGNAL_INTERRUPT, SIGNAL_ILLEGAL, SIGNAL_TRAP, SIGNAL_SEGMENT = 2, 4, 5, 11
#: registers by their number in the description below; numbers between are of other processors
_NUMBERS: Final = {**{int(one): one for one in Register if one <= Register.PC}, 25: Register.XPSR}
_MAX_BREAKPOINTS: Final = 64
_ROWS = "".join(f'<reg name="r{number}" bitsize="32"/>' for number in range(13))
_DESCRIPTION: Final = (
    '<?xml version="1.0"?><!DOCTYPE target SYSTEM "gdb-target.dtd"><target version="1.0"><architecture>arm</architecture>'
    f'<feature name="org.gnu.gdb.arm.m-profile">{_ROWS}<reg name="sp" bitsize="32" type="data_ptr"/>'
    '<reg name="lr" bitsize="32"/><reg name="pc" bitsize="32" type="code_ptr"/>'
    '<reg name="xpsr" bitsize="32" regnum="25"/></feature></target>'
)
_OK, _ERROR = "OK", "E01"


class Target(Protocol):
    """A processor that is stopped. Addresses and values have 32 bits."""

    def get(self, register: Register) -> int:
        """Return a register."""
        ...

    def set(self, register: Register, value: int) -> None:
        """Set a register."""
        ...

    def peek(self, address: int, size_bytes: int) -> bytes | None:
        """Return memory, or None where there is none."""
        ...

    def poke(self, address: int, data: bytes) -> bool:
        """Change memory, and tell whether there is any."""
        ...


@unique
class Next(Enum):
    """What is to happen after a packet."""

    WAIT = auto()
    STEP = auto()
    GO_ON = auto()
    #: gdb lets go: run on without it
    LEAVE = auto()
    #: gdb ends the app
    KILL = auto()


@dataclass(frozen=True, slots=True)
class _Moved:
    """How far code and data lie from where they were linked for, as gdb adds it (64 bits)."""

    code: int
    data: int


class GdbStub:
    """Answers gdb for `target`. `moved` is how far code and data lie from where they were linked for, in bytes, of either sign."""

    def __init__(self, target: Target, *, moved: tuple[int, int]) -> None:
        self._target = target
        self._moved = _Moved(*(distance & 0xFFFF_FFFF_FFFF_FFFF for distance in moved))
        #: why the app stands still, as a signal
        self.signal = SIGNAL_TRAP
        self.breakpoints: set[int] = set()
        self.wants_no_acknowledgements = False

    def stopped(self) -> str:
        """Return the packet that says that the app stopped."""
        return f"T{self.signal:02x}thread:1;"

    def answer(self, data: str) -> tuple[str | None, Next]:
        """Answer a packet: what to send (None: nothing now), and what is next. What makes no sense is an error to gdb."""
        try:
            return self._answer(data)
        except (ValueError, LookupError):
            return _ERROR, Next.WAIT

    def _answer(self, data: str) -> tuple[str | None, Next]:
        letter, rest = data[:1], data[1:]
        match letter:
            case "c" | "s":
                if rest:
                    self._target.set(Register.PC, int(rest, 16))
                return None, Next.STEP if letter == "s" else Next.GO_ON
            case "v":
                return self._resume(rest)
            case "D":
                return _OK, Next.LEAVE
            case "k":
                return None, Next.KILL
            case "Z" | "z":
                return self._breakpoint(rest, is_set=letter == "Z"), Next.WAIT
        return self._look(data, letter, rest), Next.WAIT

    def _look(self, data: str, letter: str, rest: str) -> str:
        match letter:
            case "?":
                return self.stopped()
            case "g":
                return "".join(self._word(register) for register in _NUMBERS.values())
            case "G":
                for at, register in enumerate(_NUMBERS.values()):
                    self._target.set(register, _value(rest[8 * at : 8 * at + 8]))
                return _OK
            case "p":
                return self._word(_NUMBERS[int(rest, 16)])
            case "P":
                number, _, value = rest.partition("=")
                self._target.set(_NUMBERS[int(number, 16)], _value(value))
                return _OK
            case "m":
                address, size_bytes = (int(part, 16) for part in rest.split(","))
                found = self._target.peek(address, min(size_bytes, MAX_PACKET // 2))
                return _ERROR if found is None else found.hex()
            case "M":
                where, _, digits = rest.partition(":")
                address, size_bytes = (int(part, 16) for part in where.split(","))
                raw = bytes.fromhex(digits)
                return _OK if len(raw) == size_bytes and self._target.poke(address, raw) else _ERROR
            case "H" | "T":
                return _OK
            case "q" | "Q":
                return self._ask(data)
            case _:
                return _OK if data == INTERRUPT else ""

    def _ask(self, data: str) -> str:
        name, _, rest = data.partition(":")
        match name:
            case "qSupported":
                return f"PacketSize={MAX_PACKET:x};qXfer:features:read+;QStartNoAckMode+;vContSupported+"
            case "QStartNoAckMode":
                self.wants_no_acknowledgements = True
                return _OK
            case "qXfer" if rest.startswith("features:read:target.xml:"):
                start, size_bytes = (int(part, 16) for part in rest.rpartition(":")[2].split(","))
                part = _DESCRIPTION[start : start + size_bytes]
                return ("m" if start + size_bytes < len(_DESCRIPTION) else "l") + part
            case "qOffsets":
                return f"Text={self._moved.code:x};Data={self._moved.data:x};Bss={self._moved.data:x}"
        return {"qAttached": "1", "qC": "QC1", "qfThreadInfo": "m1", "qsThreadInfo": "l", "qSymbol": _OK}.get(name, "")

    def _resume(self, rest: str) -> tuple[str | None, Next]:
        if rest == "Cont?":
            return "vCont;c;C;s;S", Next.WAIT
        if not rest.startswith("Cont;"):
            return "", Next.WAIT  # vMustReplyEmpty, vKill and the like
        action = rest.removeprefix("Cont;")[:1]
        return (
            (None, Next.STEP if action in {"s", "S"} else Next.GO_ON) if action in set("cCsS") else (_ERROR, Next.WAIT)
        )

    def _breakpoint(self, rest: str, *, is_set: bool) -> str:
        kind, address, _size = rest.split(",")[:3]
        if kind not in {"0", "1"}:
            return ""  # watching memory is not offered
        place = int(address, 16) & ~1
        if not is_set:
            self.breakpoints.discard(place)
        elif len(self.breakpoints) >= _MAX_BREAKPOINTS or self._target.peek(place, 2) is None:
            return _ERROR
        else:
            self.breakpoints.add(place)
        return _OK

    def _word(self, register: Register) -> str:
        return self._target.get(register).to_bytes(4, "little").hex()


def _value(digits: str) -> int:
    raw = bytes.fromhex(digits)
    if len(raw) != 4:
        raise ValueError("a register has 32 bits")
    return int.from_bytes(raw, "little")
