"""Compiled code as bytes: the same for the same code, shorter than the interpreter's, and the same code again."""

from __future__ import annotations

import ast
import marshal
import subprocess
import sys
from pathlib import Path

import pytest

from tallystick.manager.factory import serial
from tallystick.manager.factory.serial import to_bytes

_SOURCE = (
    '''
"""Texts of every kind: é, names, long ones."""
name = "name" + "not a name" + "é" + "x" * 2 + "'''
    + "y" * 300
    + '''" + "'''
    + "z " * 300
    + """"
NUMBERS = (1, 2 ** 80, -(2 ** 70), 1.5, 2j, True, None, ..., b"bytes", frozenset({1, 2}), ())
def work(name, *rest, key=3, **more):
    def inner(): return name, key, "not a name"
    class Local:
        name = "name"
    return [inner() for inner in rest if inner in {1, 2, 3}]
"""
)


def _code(source: str):
    return compile(source, "some/file.py", "exec", dont_inherit=True)


@pytest.mark.parametrize("source", ["", _SOURCE, *(Path(module.__file__).read_text() for module in (ast, serial))])
def test_what_is_read_is_what_was_written(source):
    """Equal to the last constant, name and line, and shorter wherever a text comes twice."""
    code = _code(source)
    written = to_bytes(code)
    plain = marshal.dumps(code, 2)
    assert marshal.dumps(marshal.loads(written), 2) == plain
    assert len(written) < len(plain)


def test_another_process_writes_the_same():
    """Whatever else the process holds, and whatever its hashes are seeded with."""
    program = (
        "import sys; from tallystick.manager.factory.serial import to_bytes\n"
        "code = compile(sys.argv[1], 'some/file.py', 'exec', dont_inherit=True)\n"
        "sys.stdout.write(to_bytes(code).hex())"
    )
    texts = {
        subprocess.run(
            [sys.executable, "-c", program, _SOURCE], capture_output=True, check=True, text=True,
            env={"PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert texts == {to_bytes(_code(_SOURCE)).hex()}


def test_an_interpreter_that_writes_otherwise_keeps_its_format(monkeypatch):
    """What is not understood, or would be read as something else, is written as the interpreter does."""
    code = _code(_SOURCE)
    monkeypatch.setattr(serial, "_OBJECTS", 9)
    assert to_bytes(code) == marshal.dumps(code, 2)
    monkeypatch.undo()
    monkeypatch.setattr(serial, "_text", lambda data, mark: bytes([ord("z") | mark, 1]) + b"x")
    assert to_bytes(code) == marshal.dumps(code, 2)
