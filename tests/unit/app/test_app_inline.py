"""Apps inside the device's own process: whatever they raise ends them and nothing else."""

import pytest
from app_stage import Launched, pack

from tallystick.wire.syscall import ApduEvent, Exchange, Random

BASE = "from tallystick.wire.syscall import Exchange, Random\nfrom types import coroutine\n"
CALL = "@coroutine\ndef call(request):\n    return (yield request)\n"


@pytest.mark.parametrize(
    "source",
    [
        "1 / 0\n",
        "raise SystemExit(0)\n",
        "import nothing_of_this_name\n",
        "start = 5\n",
        "def start(device): return 5\n",
        "def start(device): raise ValueError\n",
        "async def start(device): raise ValueError\n",
        "async def start(device): raise SystemExit(1)\n",
        "def f(n): return f(n)\nasync def start(device): f(1)\n",
        BASE + CALL + "async def start(device): await call(5)\n",
    ],
    ids=lambda source: source.strip()[-40:],
)
def test_an_app_that_cannot_start_has_ended(source):
    """Import, entry and first step may fail in any way: the host hears a reason, once."""
    launched = Launched(pack(app=source))
    assert launched.requests == []
    (reason,) = launched.ends
    assert reason


def test_a_program_that_returns_ended_as_it_should():
    """No reason means no complaint."""
    assert Launched(pack(app="async def start(device): pass\n")).ends == [""]


def test_an_app_that_crashes_later_ends_once():
    """After its end an app hears nothing and says nothing."""
    launched = Launched(pack(app=BASE + CALL + "async def start(device):\n    await call(Exchange())\n    1 / 0\n"))
    assert (launched.requests, launched.ends) == ([Exchange()], [])
    assert launched.answer(ApduEvent(b"")) is None
    assert launched.ends == ["crashed: ZeroDivisionError"]
    launched.answer(ApduEvent(b""))
    launched.app.kill()
    assert len(launched.ends) == 1


@pytest.mark.parametrize(
    "ending", ["await call(Random(1))", "raise ValueError", "raise SystemExit(1)", "return", "raise"], ids=str
)
def test_killing_an_app_is_not_refused(ending):
    """Whatever an app does when it is ended, it is ended, and its end is not told."""
    source = (
        "async def start(device):\n"
        "    try:\n"
        "        await call(Exchange())\n"
        f"    except GeneratorExit:\n        {ending}\n"
    )
    launched = Launched(pack(app=BASE + CALL + source))
    launched.app.kill()
    launched.app.kill()
    assert launched.answer(ApduEvent(b"")) is None
    assert (launched.requests, launched.ends) == ([Exchange()], [])


def test_requests_are_handed_over_as_values():
    """Nothing is copied on the way: the OS sees the very request."""
    launched = Launched(pack(app=BASE + CALL + "async def start(device): await call(Random(device.page_width))\n"))
    assert launched.requests == [Random(17)]
