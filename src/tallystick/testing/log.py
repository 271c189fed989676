"""What passed between clients and device, as a list and as a text that plays again.

The text has one line for each direction, as `tally apdu replay` reads it::

    => b001000000
    <= 0105424f4c4f5305312e312e3101029000
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from tallystick.errors import UsageError
from tallystick.host.traffic import describe
from tallystick.wire.apdu import MAX_APDU_BYTES

#: lines of a text that is read
MAX_LINES = 100_000
_LINE = re.compile(r"\s*(=>|<=)\s*((?:[0-9A-Fa-f]{2})+)\s*")


@dataclass(slots=True)
class Exchange:
    """One request, and its answer with the status word: None while it is owed, or if it never came.

    The bytes are kept out of `repr`: host onboarding carries PIN and words.
    """

    apdu: bytes = field(repr=False)
    answer: bytes | None = field(default=None, repr=False)
    #: which client of the device sent it, counted from 1
    client: int = 1


class ApduLog:
    """Exchanges in the order in which the requests were sent."""

    def __init__(self, exchanges: list[Exchange] | None = None) -> None:
        self._exchanges = list(exchanges or ())

    def __len__(self) -> int:
        return len(self._exchanges)

    def __iter__(self) -> Iterator[Exchange]:
        return iter(self._exchanges)

    def __getitem__(self, index: int) -> Exchange:
        return self._exchanges[index]

    def begin(self, apdu: bytes, *, client: int = 1) -> Exchange:
        """Add a request; its answer is set on the object returned."""
        exchange = Exchange(bytes(apdu), client=client)
        self._exchanges.append(exchange)
        return exchange

    def clear(self) -> None:
        """Forget everything."""
        self._exchanges.clear()

    def to_text(self, *, last: int | None = None) -> str:
        """Return the log, or its `last` exchanges, as text; bytes that carry a secret are hidden (such a line does not play again)."""
        left_out = 0 if last is None else max(len(self) - last, 0)
        lines = [f"# {left_out} earlier ones are left out"] if left_out else []
        for exchange in self._exchanges[left_out:]:
            lines.append(f"=> {describe(exchange.apdu)}")
            if exchange.answer is not None:
                lines.append(f"<= {exchange.answer.hex()}")
        return "".join(f"{line}\n" for line in lines)

    @classmethod
    def from_text(cls, text: str) -> ApduLog:
        """Read a log; empty lines and lines that begin with ``#`` are passed over.

        Raises:
            UsageError: a line is neither a request nor an answer, an answer has no request, or there is too much of it.

        """
        log = cls()
        owed: Exchange | None = None
        for number, line in enumerate(text.splitlines(), start=1):
            if not line.strip() or line.lstrip().startswith("#"):
                continue
            match = _LINE.fullmatch(line)
            if match is None or number > MAX_LINES or len(match[2]) > 2 * MAX_APDU_BYTES:
                # the line is not repeated: it may hold a secret
                raise UsageError(f"line {number} of the log is none: expected `=> HEX` or `<= HEX`")
            data = bytes.fromhex(match[2])
            if match[1] == "=>":
                owed = log.begin(data)
            elif owed is None:
                raise UsageError(f"line {number} of the log answers no request")
            else:
                owed.answer, owed = data, None
        return log
