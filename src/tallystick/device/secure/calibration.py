"""What a guess may cost on this machine: Argon2id, as dear as an unlock can be waited for (secure-world 5.2).

The cost of a vault is chosen once, when it is made, from the rungs of `LADDER`, and stands in its header. A machine that
takes longer than a second for what is wanted gets the first rung that takes no longer; none gets less than two iterations
over 19 MiB, however long that takes.
"""

from __future__ import annotations

from collections.abc import Callable

from tallystick.device.hil import Clock
from tallystick.device.secure.seal import COST, Cost

#: an unlock takes no longer, where the ladder allows
LIMIT_S = 1.0
#: from dear to cheap
LADDER = (
    COST,
    Cost(iterations=2, memory_kib=64 * 1024, lanes=4),
    Cost(iterations=3, memory_kib=32 * 1024, lanes=4),
    Cost(iterations=2, memory_kib=32 * 1024, lanes=4),
    Cost(iterations=2, memory_kib=19 * 1024, lanes=4),
)


def affordable(most: Cost, *, clock: Clock, stretch: Callable[[Cost], object]) -> Cost:
    """Return `most`, or the rung below it that this machine can afford; `stretch` does the work of a cost once.

    What a try took says how far down to go, and that rung is tried too; the last one is taken untried. A cost that is not
    above the ladder's last rung, as tests use, is returned as it is. Memory that is not there counts as time.
    """
    rungs = [most, *(rung for rung in LADDER if _work(rung) < _work(most))]
    while len(rungs) > 1:
        rung = rungs[0]
        begun_s = clock.now_s()
        try:
            stretch(rung)
        except MemoryError:
            del rungs[0]
            continue
        took_s = clock.now_s() - begun_s
        if took_s <= LIMIT_S:
            return rung
        budget = _work(rung) * LIMIT_S / took_s
        rungs = [one for one in rungs[1:-1] if _work(one) <= budget] + rungs[-1:]
    return rungs[0]


def _work(cost: Cost) -> int:
    return cost.iterations * cost.memory_kib
