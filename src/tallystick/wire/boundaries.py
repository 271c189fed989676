"""Which walls a device of ours has, and what holds its key: the answer to ``B0 F0``, a command that is ours and that no real device knows.

Whoever can reach the device may read it: it says how the device was put together, and nothing about which one it is.

Layout: format ``01``, one byte that is 1 for isolated worlds, one for what holds the key (`wire.chip.ProviderKind`), the number
of lines, and each line as a length-value text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from tallystick.errors import RemoteProtocolError
from tallystick.wire.buffer import Reader, Writer
from tallystick.wire.chip import ProviderKind

_FORMAT = 1
#: lines in one answer, and characters in a line; a device cuts off what is beyond
MAX_LINES = 3
MAX_LINE = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Boundaries:
    """Whether the worlds are processes apart, and one line (printable ASCII) for each wall that is missing."""

    is_isolated: bool
    missing: tuple[str, ...] = ()
    key_provider: ProviderKind = ProviderKind.SIMULATED

    @classmethod
    def of(
        cls,
        *,
        is_isolated: bool,
        missing: tuple[str, ...],
        key_provider: ProviderKind = ProviderKind.SIMULATED,
    ) -> Self:
        """Return what fits into an answer; more lines than that become one that counts them."""
        lines = [line.encode("ascii", "replace").decode()[:MAX_LINE] for line in missing]
        if len(lines) > MAX_LINES:
            rest = len(lines) - MAX_LINES + 1
            lines = [*lines[: MAX_LINES - 1], f"and {rest} more: see tally device selftest"]
        return cls(is_isolated=is_isolated, missing=tuple(lines), key_provider=key_provider)

    @classmethod
    def of_facts(cls, facts: Mapping[str, object]) -> Self:
        """Return what the status (its members `board`, `boundaries` and `key_provider`) says."""
        missing = facts.get("boundaries")
        lines = tuple(str(one) for one in missing) if isinstance(missing, list) else ()
        kind = ProviderKind.TPM2 if facts.get("key_provider") == "tpm2" else ProviderKind.SIMULATED
        return cls.of(is_isolated=facts.get("board") == "isolated", missing=lines, key_provider=kind)

    @classmethod
    def from_bytes(cls, raw: bytes) -> Self:
        """Read the answer without its status word. Raises RemoteProtocolError."""
        reader = Reader(raw)
        if reader.u8() != _FORMAT:
            raise reader.error("the boundaries have an unknown format")
        isolated, kind, count = reader.u8(), reader.u8(), reader.u8()
        if isolated > 1 or kind not in {one.value for one in ProviderKind} or count > MAX_LINES:
            raise reader.error("the boundaries are none of ours")
        missing = tuple(reader.text_lv() for _ in range(count))
        reader.finish()
        if any(len(line) > MAX_LINE or not line.isascii() or not line.isprintable() for line in missing):
            raise RemoteProtocolError("a line of the boundaries is not printable")
        return cls(is_isolated=bool(isolated), missing=missing, key_provider=ProviderKind(kind))

    def to_bytes(self) -> bytes:
        """Return the answer without its status word."""
        writer = Writer().u8(_FORMAT).u8(int(self.is_isolated)).u8(self.key_provider).u8(len(self.missing))
        for line in self.missing:
            writer.text_lv(line)
        return writer.to_bytes()
