"""`tally apdu`: raw bytes to a device, and logs played again."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from typing import TextIO

import click

from tallystick.cli.command import DeviceCommand, Lazy, LazyGroup
from tallystick.cli.exit import ExitCode, code_of
from tallystick.cli.render import Report
from tallystick.cli.target import current_run
from tallystick.errors import UsageError
from tallystick.host.session import Session, status_error
from tallystick.host.traffic import describe
from tallystick.wire.apdu import MAX_APDU_BYTES, ResponseApdu
from tallystick.wire.status import Layer, explain

_TABLE = {
    "send": Lazy(target="tallystick.cli.apdu:send", summary="send APDUs given in hexadecimal"),
    "replay": Lazy(target="tallystick.cli.apdu:replay", summary="send the APDUs of a log and compare the answers"),
}
_SEPARATORS = str.maketrans("", "", " :_")
_LOG_LINE = re.compile(r"(=>|<=)\s*(?:\(?([0-9A-Fa-f: _]+)\)?)\s*")
_MAX_LINES = 100_000


@click.group(cls=LazyGroup, lazy=_TABLE)
def apdu() -> None:
    """Send raw APDUs, or play a log again."""


@click.command(cls=DeviceCommand)
@click.argument("hexadecimal", metavar="HEX...", nargs=-1, required=True)
def send(hexadecimal: tuple[str, ...]) -> Report:
    """Send each HEX as one APDU and print the answers; stop after the first that is not 9000.

    A single - reads the APDUs from stdin, one a line: use it for bytes that must not be seen in the list of processes.
    """
    run = current_run()
    texts = sys.stdin if hexadecimal == ("-",) else hexadecimal
    requests = [_bytes(text) for text in texts if text.strip()]
    session = run.connect()
    exchanges: list[dict[str, object]] = []
    lines: list[str] = []
    answer = ResponseApdu(b"", 0x9000)
    for request in requests:
        answer = session.exchange(request)
        exchanges.append({"request": describe(request), **_members(answer)})
        lines.append(_line(answer))
        if not answer.ok:
            break
    return Report(
        schema="apdu.send",
        data={"device": session.url, "exchanges": exchanges},
        lines=lines,
        exit_code=_exit_code(answer),
    )


@click.command(cls=DeviceCommand)
@click.argument("log", type=click.File("r", encoding="utf-8"))
def replay(log: TextIO) -> Report:
    """Send the APDUs of LOG (- for stdin) and compare the answers with those in it.

    A log has lines `=> HEX` for what was sent and `<= HEX` for the answer with its status word, as -v prints them; other lines
    are ignored. The exit code is 1 when an answer differs.
    """
    run = current_run()
    steps = list(_steps(log))
    if not steps:
        raise UsageError("the log holds no line `=> HEX`", remedy="record one with -v")
    session = run.connect()
    results = [_replayed(session, request, expected) for request, expected in steps]
    differing = sum(1 for one in results if not one["same"])
    lines = [f"{one['request']}: expected {one['expected']}, got {one['answer']}" for one in results if not one["same"]]
    return Report(
        schema="apdu.replay",
        data={"device": session.url, "exchanges": results, "differing": differing},
        lines=[*lines, f"{len(results)} sent, {differing} answered differently"],
        exit_code=ExitCode.UNEXPECTED if differing else ExitCode.DONE,
    )


def _replayed(session: Session, request: bytes, expected: bytes | None) -> dict[str, object]:
    answer = session.exchange(request).to_bytes()
    return {
        "request": describe(request),
        "answer": answer.hex(),
        "expected": None if expected is None else expected.hex(),
        # a log may end before the last answer: then there is nothing to compare
        "same": expected is None or answer == expected,
    }


def _steps(log: TextIO) -> Iterator[tuple[bytes, bytes | None]]:
    request: bytes | None = None
    for number, line in enumerate(log, start=1):
        if number > _MAX_LINES:
            raise UsageError(f"the log has more than {_MAX_LINES} lines", remedy="cut it into parts")
        match = _LOG_LINE.search(line)
        if match is None:
            continue
        if match[1] == "=>":
            if request is not None:
                yield request, None
            request = _bytes(match[2])
        elif request is not None:
            yield request, _bytes(match[2])
            request = None
    if request is not None:
        yield request, None


def _bytes(text: str) -> bytes:
    digits = text.strip().translate(_SEPARATORS).removeprefix("0x")
    # the text is not repeated in the error: it may be a secret
    if re.fullmatch(r"(?:[0-9A-Fa-f]{2})+", digits) is None or len(digits) > 2 * MAX_APDU_BYTES:
        raise UsageError("an APDU is given as pairs of hexadecimal digits", remedy="write it like e001000000")
    return bytes.fromhex(digits)


def _members(answer: ResponseApdu) -> dict[str, object]:
    meaning = explain(answer.status)
    return {
        "data": answer.data.hex(),
        "status": f"{answer.status:04X}",
        "status_word": meaning.word,
        "meaning": meaning.meaning,
    }


def _line(answer: ResponseApdu) -> str:
    data = f"{answer.data.hex()} " if answer.data else ""
    return f"{data}{answer.status:04X} {explain(answer.status).meaning}"


def _exit_code(answer: ResponseApdu) -> int:
    if answer.ok:
        return ExitCode.DONE
    return code_of(status_error(answer, layer=Layer.OS, asks_person=True))
