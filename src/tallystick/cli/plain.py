"""Texts as a terminal may be given them: devices, managers and files have a say in most, and none may steer the terminal.

What the codecs leave in a text is theirs to judge; here is the last door. A control character, of the upper set (C1) too, would move
the cursor, change the title or repaint what stands above; half of a surrogate pair is no character at all and cannot be written.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Final

__all__ = ["json_text", "plain"]

#: neither tabs and ends of lines, which texts of several lines have, nor letters and spaces of any kind
_UNFIT: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
#: what JSON leaves as it is
_UNESCAPED: Final = re.compile("[\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def plain(text: str) -> str:
    """Return a text with a question mark in place of each character that is none, or steers a terminal; lines stay lines."""
    return _UNFIT.sub("?", text)


def json_text(document: Mapping[str, object]) -> str:
    """Return a JSON document in one line, its letters as they are and the rest escaped."""
    return _UNESCAPED.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(document, ensure_ascii=False))
