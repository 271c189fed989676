"""JSON that a node answered, read with a limit on everything (hostile until it is read)."""

from __future__ import annotations

import base64
import binascii
import json
import re
from typing import Final

from tallystick.errors import RemoteProtocolError, UsageError
from tallystick.host.chain.coin import MAX_DIGITS, Coin
from tallystick.host.chain.protobuf import MAX_UINT64

_NUMBER: Final = re.compile(rf"[0-9]{{1,{MAX_DIGITS}}}")
_MAX_ITEMS: Final = 1000
_MAX_TEXT: Final = 1 << 20


class Answer:
    """One value of a document; `where` says which, for errors. Methods raise RemoteProtocolError for another kind of value."""

    __slots__ = ("_value", "_where")

    def __init__(self, value: object, where: str = "the node's answer") -> None:
        self._value = value
        self._where = where

    @classmethod
    def from_bytes(cls, body: bytes) -> Answer:
        """Read a document."""
        try:
            return cls(json.loads(body))
        except (ValueError, RecursionError):
            raise RemoteProtocolError(
                "the node's answer is not JSON", remedy="see whether the URL is a node's REST or RPC address"
            ) from None

    def find(self, name: str) -> Answer | None:
        """Return a member that may be absent or null."""
        if not isinstance(self._value, dict) or self._value.get(name) is None:
            return None
        return Answer(self._value[name], f"{self._where}: {name}")

    def member(self, *names: str) -> Answer:
        """Return a member, or one of a member."""
        found = self
        for name in names:
            inner = found.find(name)
            if inner is None:
                raise RemoteProtocolError(f"{found._where} has no {name}")
            found = inner
        return found

    def items(self) -> tuple[Answer, ...]:
        """Return the elements of a list of at most 1000."""
        if not isinstance(self._value, list) or len(self._value) > _MAX_ITEMS:
            raise RemoteProtocolError(f"{self._where} is not a list, or too long a one")
        return tuple(Answer(one, self._where) for one in self._value)

    def text(self) -> str:
        """Return a text."""
        if not isinstance(self._value, str) or len(self._value) > _MAX_TEXT:
            raise RemoteProtocolError(f"{self._where} is not a text")
        return self._value

    def number(self, *, maximum: int = MAX_UINT64) -> int:
        """Return a whole number, written as a number or, as nodes do, as a text."""
        value = self._value
        if isinstance(value, str) and _NUMBER.fullmatch(value):
            value = int(value)
        if type(value) is not int or not 0 <= value <= maximum:
            raise RemoteProtocolError(f"{self._where} is not a number in bounds")
        return value

    def data(self) -> bytes:
        """Return bytes written in base64."""
        try:
            return base64.b64decode(self.text(), validate=True)
        except binascii.Error:
            raise RemoteProtocolError(f"{self._where} is not base64") from None

    def coin(self) -> Coin:
        """Return an object with amount and denom."""
        try:
            return Coin(amount=self.member("amount").number(maximum=2**256 - 1), denom=self.member("denom").text())
        except UsageError as error:
            raise RemoteProtocolError(f"{self._where}: {error.message}") from None
