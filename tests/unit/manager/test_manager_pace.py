"""Whether a token is quick enough for an event loop: what is found out about it, for any times that signatures may take."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tallystick.manager.hsm.pace import FRESH_S, MEAN_S, MOST_PROOF, PROOF, QUICK_S, SLOW_S, Pace

QUICK = st.floats(0.0, QUICK_S)
ANY = st.floats(0.0, 60.0)


class Token:
    """A token, its pace, and the clock; `on_loop` holds how long the loop was held up each time."""

    def __init__(self) -> None:
        self.pace = Pace()
        self.now = 0.0
        self.on_loop: list[float] = []
        self.in_thread = 0

    def sign(self, took: float, *, pause_s: float = 0.0, on_loop: float | None = None) -> bool:
        """Sign where the pace says, in `took` seconds (or `on_loop` there); tell whether it was on the loop."""
        self.now += pause_s
        began = self.now
        if self.pace.is_quick(began):
            self.now += took if on_loop is None else on_loop
            self.on_loop.append(self.now - began)
            self.pace.on_loop(began, self.now)
            return True
        self.now += took
        self.in_thread += 1
        self.pace.beside(began, self.now)
        return False


@given(st.lists(QUICK, min_size=PROOF, max_size=200))
def test_a_quick_token_comes_to_the_loop_and_stays(times: list[float]) -> None:
    """The first eight signatures are made in the thread, all others on the loop."""
    token = Token()
    # a clock of floats loses a few parts in 10**16
    assert [token.sign(0.99 * took) for took in times] == [n >= PROOF for n in range(len(times))]


@given(st.lists(st.floats(1.01 * QUICK_S, 60.0), max_size=200))
def test_a_token_that_takes_longer_than_quick_never_holds_up_the_loop(times: list[float]) -> None:
    """All its signatures are made in the thread."""
    token = Token()
    assert not any(token.sign(took) for took in times)


@given(st.lists(QUICK, max_size=60), st.floats(SLOW_S * 1.01, 60.0))
def test_one_slow_signature_on_the_loop_goes_back_to_the_thread(before: list[float], slow: float) -> None:
    """After it at least as many quick ones as at the beginning are wanted, and twice as many where the proof held for a short time."""
    token = Token()
    for took in [0.0] * PROOF + before:
        token.sign(0.99 * took)
    assert token.sign(slow)
    wanted = 2 * PROOF if len(before) + 1 < 64 else PROOF
    assert [token.sign(0.0) for _ in range(wanted + 1)] == [False] * wanted + [True]


def test_a_mean_that_is_not_quick_goes_back_to_the_thread_and_one_late_signature_does_not() -> None:
    """A process that had to wait for its turn once stays on the loop; a token that became slower does not."""
    token = Token()
    for _ in range(PROOF):
        token.sign(0.0)
    assert [token.sign(took) for took in (0.0003, 0.04, 0.0003, 0.0003)] == [True] * 4
    signatures = 0
    while token.sign(1.5 * MEAN_S):
        signatures += 1
    assert 1 <= signatures <= 16


@given(st.lists(st.tuples(ANY, ANY), max_size=300))
def test_a_slow_signature_in_the_thread_starts_the_proof_anew(times: list[tuple[float, float]]) -> None:
    """Whatever came before, nobody waits on the loop for a token whose last signature in the thread was slow."""
    token = Token()
    for took, pause in times:
        if not token.sign(took, pause_s=pause) and took >= 1.01 * SLOW_S:
            assert not token.pace.is_quick(token.now)


@given(st.floats(1.01 * FRESH_S, 1e6))
def test_a_token_that_was_not_asked_for_a_while_is_asked_in_the_thread(pause: float) -> None:
    """It may have gone meanwhile; one answer is enough to come back to the loop."""
    token = Token()
    for _ in range(PROOF):
        token.sign(0.0)
    assert token.sign(0.0)
    assert not token.sign(0.0, pause_s=pause)
    assert token.sign(0.0)


@given(st.integers(1, 5000))
def test_a_token_that_is_quick_in_the_thread_alone_is_trusted_less_and_less(signatures: int) -> None:
    """It holds up the loop once for each proof, and each proof is twice as long as the last one, up to a limit."""
    token = Token()
    for _ in range(signatures):
        token.sign(0.0, on_loop=2 * SLOW_S)
    wanted, proof, held_up = 0, PROOF, 0
    while wanted + proof < signatures:
        wanted, proof, held_up = wanted + proof + 1, min(2 * proof, MOST_PROOF), held_up + 1
    assert len(token.on_loop) == held_up


@given(st.lists(QUICK, max_size=60))
def test_a_failure_starts_the_proof_anew(times: list[float]) -> None:
    """However quick a token was, after a failure it is asked in the thread until eight signatures were quick."""
    token = Token()
    for took in times:
        token.sign(0.99 * took)
    token.pace.lost()
    assert [token.sign(0.0) for _ in range(PROOF + 1)] == [False] * PROOF + [True]
