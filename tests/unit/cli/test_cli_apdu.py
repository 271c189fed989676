"""`tally apdu`: raw bytes and logs."""

import json

import pytest


def test_raw_apdu_is_sent_and_its_answer_printed(invoke):
    """Data and status word are printed with the word's meaning."""
    assert invoke("apdu", "send", "E0 D2 00:00 00").stdout == "54616c6c792031 9000 done\n"


def test_several_apdus_stop_at_the_first_failure(invoke, scripted):
    """Nothing is sent after an answer that is not 9000, whose group decides the exit code."""
    answer = invoke("apdu", "send", "e0d2000000", "e0d800000158", "e0d2000000", "--json")
    members = json.loads(answer.stdout)
    assert answer.exit_code == 8
    assert [(one["status"], one["status_word"]) for one in members["exchanges"]] == [
        ("9000", "success"),
        ("6807", "app_not_found"),
    ]
    assert len(scripted.log) == 2


def test_apdus_from_stdin(invoke, scripted):
    """A dash reads APDUs from stdin, one a line, so that they stay out of the list of processes."""
    assert invoke("apdu", "send", "-", stdin="e0d2000000\n\ne001000000\n").exit_code == 0
    assert len(scripted.log) == 2


@pytest.mark.parametrize("text", ["e", "e0d", "31323334zz", "0x3132333", "31 32 333", "é0"])
def test_text_that_is_no_hexadecimal_is_a_usage_error_that_does_not_repeat_it(invoke, scripted, text):
    """The text is not echoed: it may hold a secret."""
    answer = invoke("apdu", "send", text)
    assert answer.exit_code == 2
    assert answer.stderr.splitlines() == [
        "Error: an APDU is given as pairs of hexadecimal digits",
        "Remedy: write it like e001000000",
    ]
    assert scripted.log == []


def test_locked_device_decides_the_exit_code(invoke, scripted):
    """A locked device is exit code 6 here as everywhere."""
    scripted.is_locked = True
    assert invoke("apdu", "send", "e001000000").exit_code == 6


LOG = """\
# a comment, and what a log may have around the bytes
=> e0d2000000
<= 54616c6c7920319000
DEBUG => b0 01 00 00 00
DEBUG <= 0105424f4c4f5305312e362e3001029000
=> e0d2000000
"""


def test_log_is_played_again(invoke, scripted):
    """A log whose answers are the same ends with 0; a request without an answer in it is only sent."""
    answer = invoke("apdu", "replay", "-", stdin=LOG)
    assert (answer.exit_code, answer.stdout) == (0, "3 sent, 0 answered differently\n")
    assert len(scripted.log) == 3


def test_log_with_another_answer_is_told(invoke, scripted):
    """An answer that differs is shown with both versions, and the exit code is 1."""
    scripted.name = "Other"
    answer = invoke("apdu", "replay", "-", "--json", stdin=LOG)
    members = json.loads(answer.stdout)
    assert (answer.exit_code, members["differing"]) == (1, 1)
    assert members["exchanges"][0] == {
        "request": "e0d2000000",
        "answer": "4f746865729000",
        "expected": "54616c6c7920319000",
        "same": False,
    }
    assert "expected 54616c6c7920319000, got 4f746865729000" in invoke("apdu", "replay", "-", stdin=LOG).stdout


@pytest.mark.parametrize("log", ["", "nothing\n", "<= 9000\n", "=> e0d\n"])
def test_log_without_requests_is_a_usage_error(invoke, log):
    """A file that is no log is refused."""
    assert invoke("apdu", "replay", "-", stdin=log).exit_code == 2


def test_log_of_verbose_can_be_played_again(invoke, scripted, tmp_path):
    """What -v prints on stderr is a log that replay takes."""
    import logging

    handler = logging.FileHandler(tmp_path / "log", encoding="utf-8")
    logging.getLogger("tallystick").addHandler(handler)
    try:
        assert invoke("apdu", "send", "e0d2000000", "e001000000", "-v").exit_code == 0
    finally:
        logging.getLogger("tallystick").removeHandler(handler)
        logging.getLogger("tallystick").setLevel(logging.NOTSET)
        handler.close()
    answer = invoke("apdu", "replay", str(tmp_path / "log"))
    assert answer.stdout == "2 sent, 0 answered differently\n"


def test_secret_of_host_onboarding_is_not_printed(invoke):
    """The data of E0 D0 does not appear in the result (wire-protocol C.5)."""
    answer = invoke("apdu", "send", "-", "--json", stdin="e0d000000504313233 34\n")
    assert "31323334" not in answer.stdout
    assert "bytes hidden" in answer.stdout
