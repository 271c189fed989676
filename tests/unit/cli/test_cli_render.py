"""Rendering: a terminal, a pipe, a program."""

import io
import json

import pytest

from tallystick.cli.render import Report, error_lines, error_to_json, show, to_json
from tallystick.errors import StatusError, TallyError

REPORT = Report(
    schema="test.thing",
    data={"name": "é"},
    lines=("first",),
    facts=(("Name", "é"), ("Longer name", "[bold]x[/bold]")),
    headings=("A", "B"),
    rows=(("1", "[red]2[/red]"),),
)


class Terminal(io.StringIO):
    """A text stream that claims to be a terminal."""

    def isatty(self) -> bool:
        """Claim it."""
        return True


def test_json_is_one_document_with_its_schema_first():
    """The schema has a version, letters stay readable."""
    assert to_json(REPORT) == '{"schema": "tally.test.thing/1", "name": "é"}'


def test_pipe_gets_plain_aligned_lines():
    """Without a terminal there are no colours and no boxes."""
    stream = io.StringIO()
    show(REPORT, stream=stream)
    assert stream.getvalue().splitlines() == [
        "first",
        "Name:        é",
        "Longer name: [bold]x[/bold]",
        "A  B",
        "1  [red]2[/red]",
    ]


def test_terminal_gets_a_table_with_values_as_they_are(monkeypatch):
    """Values are text: markup in a device's name is shown, not obeyed; NO_COLOR keeps colours away."""
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    coloured = Terminal()
    show(REPORT, stream=coloured)
    assert "[bold]x[/bold]" in coloured.getvalue()
    assert "[red]2[/red]" in coloured.getvalue()
    assert "\x1b[" in coloured.getvalue()
    monkeypatch.setenv("NO_COLOR", "1")
    plain = Terminal()
    show(REPORT, stream=plain)
    assert "\x1b[3" not in plain.getvalue()


@pytest.mark.parametrize(
    "unfit", ["\x1b[2J", "\x9b2J", "\r", "\x07", "\u202e", "\ud800"], ids=["CSI", "C1", "CR", "BEL", "RLO", "half"]
)
@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
def test_no_text_steers_the_terminal(monkeypatch, stream, unfit):
    """What a device, a manager or a file put into a text moves no cursor and can always be written; lines stay lines."""
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "dumb")
    text = f"a{unfit}b"
    report = Report(
        schema="test.thing",
        data={"name": text},
        lines=(f"{text}\nc",),
        facts=(("Name", text),),
        headings=("A",),
        rows=((text,),),
    )
    shown = stream()
    show(report, stream=shown)
    error = TallyError(text, remedy=text)
    said = "\n".join((shown.getvalue(), *error_lines(error), to_json(report), error_to_json(error)))
    assert unfit[0] not in said
    assert said.encode()
    assert said.count(f"a?{unfit[1:]}b") == 5
    assert json.loads(to_json(report))["name"] == json.loads(error_to_json(error))["message"] == text


def test_error_without_a_remedy_is_one_line():
    """No empty remedy is printed."""
    assert error_lines(TallyError("bad")) == ["Error: bad"]


def test_status_error_as_json_has_the_status_word_and_data():
    """A program gets number, stable word and what stood before the status word."""
    members = json.loads(error_to_json(StatusError("m", status=0x6984, data=b"\x01", remedy="r")))
    assert (members["status"], members["status_word"], members["data"]) == ("6984", "data_invalid", "01")
