"""Text a screen can show, from text it cannot (cosmos-app 4 and 5).

A person must be able to tell two payloads apart by what is shown, so whatever is not printable ASCII is spelled out.
"""

from __future__ import annotations

import re
from types import MappingProxyType

_UNPRINTABLE_BYTES = re.compile(rb"[^\x20-\x7E]")
_UNPRINTABLE = re.compile(r"[^\x20-\x7E]")
_CONTENT = re.compile(r"[^\x20-\x7F]|\\")
_SHORT = MappingProxyType(
    {
        "\\": "\\\\",
        "\a": "\\a",
        "\b": "\\b",
        "\t": "\\t",
        "\n": "\\n",
        "\v": "\\v",
        "\f": "\\f",
        "\r": "\\r",
    }
)
#: last control character that is written with two digits
_LAST_TWO_DIGIT = 0x0E


def escape_raw(raw: bytes) -> str:
    r"""Return raw JSON text as printable ASCII: any other byte as ``\xC3``.

    Unambiguous, because ``\x`` is no escape of JSON and cannot stand in a payload that was accepted.
    """
    return _UNPRINTABLE_BYTES.sub(lambda match: b"\\x%02X" % match[0][0], raw).decode("ascii")


def escape_content(text: str) -> str:
    r"""Return the content of a textual screen as it is shown (cosmos-app 5).

    ``\`` is doubled, control characters have their short form or ``\x01``, the rest is ``\u00E9`` or ``\U0001F600``. A text
    that ends in a space or ``@`` gets one ``@`` more, so that its end can be seen.
    """
    shown = _CONTENT.sub(_escape, text)
    return shown + "@" if text.endswith((" ", "@")) else shown


def escape_title(text: str) -> str:
    """Return the title of a textual screen: printable ASCII as it is, the rest as in contents."""
    return _UNPRINTABLE.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    if character in _SHORT:
        return _SHORT[character]
    code = ord(character)
    if code <= _LAST_TWO_DIGIT:
        return f"\\x{code:02X}"
    return f"\\u{code:04X}" if code <= 0xFFFF else f"\\U{code:08X}"
