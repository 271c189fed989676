"""Whether a token is so quick that its signatures may be waited for on an event loop itself (`hsm.prompt`); no clock, no thread.

A thread costs half as much again as a signature in software, so a token that answers in well under a millisecond is asked where
the signature is wanted. Everything else is asked in the token's own thread: a token of which nothing is known yet, one that was
not asked for a while and may have gone meanwhile, one that takes its time, one that has held up the loop.
"""

from __future__ import annotations

from typing import Final

__all__ = ["Pace"]

#: a token begins on the loop when it takes no longer than this, and is taken off it when the mean is more than that: on a busy
#: machine a process waits for its turn now and then, which says nothing of the token
QUICK_S: Final = 0.001
MEAN_S: Final = 0.002
#: one signature counts in the mean for no more than this, and by so much
_MOST_S: Final = 0.01
_WEIGHT: Final = 1 / 8
#: one signature that takes so long is enough: no other process explains it
SLOW_S: Final = 0.05
#: a token that was not asked for so long is asked in the thread first
FRESH_S: Final = 1.0
#: so many quick signatures in the thread are a proof; twice as many each time that it did not hold
PROOF: Final = 8
MOST_PROOF: Final = 1024
#: a proof has held when so many signatures on the loop came after it
_HELD: Final = 64


class Pace:
    """What is known of one token, from the moments (seconds of any one clock) at which signatures began and ended.

    It takes quick signatures in the thread to begin on the loop. One slow signature, or several that are not quick, end it.
    """

    __slots__ = ("_is_quick", "_last", "_mean_s", "_needed", "_proof", "_since")

    def __init__(self) -> None:
        self._is_quick = False
        self._proof = PROOF
        #: quick ones that are still wanted
        self._needed = PROOF
        #: those on the loop since the last proof, and their mean
        self._since = 0
        self._mean_s = 0.0
        self._last = float("-inf")

    def is_quick(self, now: float) -> bool:
        """Tell whether the next signature may be waited for on the loop."""
        return self._is_quick and now - self._last <= FRESH_S

    def beside(self, began: float, ended: float) -> None:
        """Take a signature that the thread waited for."""
        self._last = ended
        took = ended - began
        if self._is_quick:
            # one that came after a pause
            if took >= SLOW_S:
                self._distrust()
        elif took >= SLOW_S:
            self._needed = self._proof
        elif took <= QUICK_S:
            # what lies between may have waited for the interpreter, and says nothing
            self._needed -= 1
            if self._needed <= 0:
                self._is_quick, self._since, self._mean_s = True, 0, 0.0

    def lost(self) -> None:
        """Take a failure: whatever answers next is to be proved anew."""
        self._is_quick = False
        self._needed = self._proof

    def on_loop(self, began: float, ended: float) -> None:
        """Take a signature, or an attempt at one, that the loop waited for."""
        self._last = ended
        took = ended - began
        self._since += 1
        self._mean_s += (min(took, _MOST_S) - self._mean_s) * _WEIGHT
        if took >= SLOW_S or self._mean_s > MEAN_S:
            self._distrust()

    def _distrust(self) -> None:
        """Go back to the thread, for longer each time unless the last proof has held."""
        self._proof = PROOF if self._since >= _HELD else min(2 * self._proof, MOST_PROOF)
        self.lost()
