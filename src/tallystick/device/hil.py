"""Hardware interfaces: what the device needs from the outside, as Protocols. Everything here is injected.

Implementations: `device/silicon` (flash, clocks, entropy), the boards (links), the panel, and the app hosts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from tallystick.errors import StateError, TallyError

if TYPE_CHECKING:  # the boot has no time for what only names types
    from tallystick.crypto.secret import Secret
    from tallystick.wire.bundle import Bundle
    from tallystick.wire.chip import CounterId, Description, ProviderKind
    from tallystick.wire.dashboard import BatteryQuery
    from tallystick.wire.native import NativeImage
    from tallystick.wire.panel import Frame
    from tallystick.wire.syscall import DeviceInfo, Outcome, Request
    from tallystick.wire.world import ToNormal


class Flash(Protocol):
    """Named records that survive power loss. A write is whole or did not happen."""

    def read(self, name: str) -> bytes | None:
        """Return the record, or None."""
        ...

    def write(self, name: str, data: bytes) -> None:
        """Replace the record at once; on return it is durable."""
        ...

    def remove(self, name: str) -> None:
        """Remove the record, if it is there, durably."""
        ...

    def names(self) -> list[str]:
        """Return the names of all records, sorted."""
        ...


class Rng(Protocol):
    """A source of random bytes fit for keys."""

    def read(self, size_bytes: int) -> bytes:
        """Return `size_bytes` bytes."""
        ...


class WrongProof(TallyError):
    """The hardware itself found the proof wrong, and counted it."""

    code = "wrong_proof"


class KeyRefused(StateError):
    """The hardware does not use its key: the boot was not checked, the key is gone, or it does not answer."""

    code = "key_refused"


class KeyProvider(Protocol):
    """A key of the hardware that can be used and not read (secure-world 5.3).

    A *proof* is 32 bytes made from the PIN, one way. It is not the PIN, and the hardware's answer to it opens nothing by
    itself. A *handle* (at most 1024 bytes, not secret) names one enrolment; it is stored beside what was sealed.
    """

    @property
    def kind(self) -> ProviderKind:
        """What kind of hardware it is."""
        ...

    def describe(self) -> Description:
        """Return state of the boot, device id, and id of the key that answers now. Raises KeyRefused."""
        ...

    def enroll(self, proof: Secret, *, limit: int, beside: bytes = b"") -> bytes:
        """Make an enrolment for `proof` and return its handle; after `limit` wrong proofs hardware that counts shuts it.

        The enrolment of the handle `beside` stays as it is; others may go.
        """
        ...

    def derive(self, handle: bytes, proof: Secret) -> Secret:
        """Return 32 bytes that only this hardware, in this state, gives for this proof.

        Raises:
            WrongProof: hardware that can tell says it is another one.
            KeyRefused: the key is not used now, or the handle is none of this hardware's.

        """
        ...

    def failures(self, handle: bytes) -> int:
        """Return how many wrong proofs the hardware counted for `handle` since the last right one; 0 if it counts none."""
        ...

    def discard(self, handle: bytes) -> None:
        """Forget one enrolment; an unknown handle is ignored."""
        ...

    def destroy(self) -> None:
        """Destroy the key: no handle made before gives anything again."""
        ...


class Counter(Protocol):
    """Counters in hardware, which only rise and which no copy of the flash takes back."""

    def read(self, counter: CounterId) -> int:
        """Return where it stands (32 bits)."""
        ...

    def increment(self, counter: CounterId) -> int:
        """Raise it by one, durably, and return where it stands."""
        ...


class Clock(Protocol):
    """Time that never goes back."""

    def now_s(self) -> float:
        """Return monotonic seconds since some start."""
        ...


class Panel(Protocol):
    """The outer end of screen and buttons."""

    def show(self, frame: Frame) -> None:
        """Show `frame` now."""
        ...

    def tell(self, status: dict[str, Any]) -> None:
        """Take facts about the device for people: model, serial, name, state."""
        ...


class Battery(Protocol):
    """The battery of the models that have one."""

    def read(self, query: BatteryQuery) -> int:
        """Return one reading, in the unit of the query (wire-protocol C)."""
        ...


class NormalLink(Protocol):
    """The way to the Normal World."""

    def send(self, message: ToNormal) -> None:
        """Hand over one message."""
        ...


class RunningApp(Protocol):
    """One launched app."""

    def answer(self, outcome: Outcome | None) -> None:
        """Answer the request in hand."""
        ...

    def kill(self) -> None:
        """End it now; its end is not told any more."""
        ...


class AppHost(Protocol):
    """Where apps run: in a process of their own, or inline on the embedded board."""

    @property
    def runs_native(self) -> bool:
        """Whether native code runs here: in a process of its own, where the extra `native` is installed."""
        ...

    def launch(
        self,
        bundle: Bundle | NativeImage,
        info: DeviceInfo,
        *,
        on_request: Callable[[Request], None],
        on_end: Callable[[str], None],
    ) -> RunningApp:
        """Start an app; `on_request` hears each request, `on_end` its end (reason, empty when it exited by itself)."""
        ...
