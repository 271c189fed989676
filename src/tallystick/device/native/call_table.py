"""How an era of firmware numbers its system calls, and how it answers them (native-apps 1)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto, unique
from typing import NamedTuple

__all__ = ["Call", "CallTable", "ReturnStyle"]


class Call(NamedTuple):
    """One system call: its name, how many arguments (32 bits each), and the word that says it was answered (0: none does)."""

    name: str
    arguments: int
    answered: int = 0


@unique
class ReturnStyle(Enum):
    """Where result and exception go."""

    #: result in r0, exception in r1
    EXCEPTION = auto()
    #: the word that answers in r0, result in r1; the OS itself goes to the app's try context
    WORD_FIRST = auto()
    #: the same, in the first two places of the arguments' array
    IN_ARRAY = auto()


@dataclass(frozen=True, slots=True)
class CallTable:
    """The calls of one era; `find` gives every number a call, with the number as its name where there is none."""

    find: Callable[[int], Call]
    style: ReturnStyle
