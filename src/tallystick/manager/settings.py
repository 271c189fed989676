"""The settings of the service: made by the command line, handed to workers by the environment, read here and nowhere else."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Self

from tallystick.errors import UsageError

_PREFIX = "TALLY_MANAGER_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Where the database and the keys are, and the limits.

    `hsm` is a URL of `manager.hsm`; times are seconds, `max_body` and `max_reply` bytes. `max_flows` sockets are open at once in
    one worker; a flow that waits for a reply longer than `reply_s` (a person may be looking for their device) is ended.
    """

    database: str = field(repr=False)
    hsm: str = field(default="", repr=False)
    owner: str = field(default="", repr=False)
    reply_s: float = 300.0
    body_s: float = 10.0
    max_body: int = 256 << 10
    max_flows: int = 2000

    def to_environment(self) -> dict[str, str]:
        """Return the variables that `from_environment` reads."""
        return {_PREFIX + one.name.upper(): str(getattr(self, one.name)) for one in fields(self)}

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Read the variables TALLY_MANAGER_*; raise UsageError when one is missing or no number."""
        values: dict[str, str | float | int] = {}
        for one in fields(cls):
            text = environment.get(_PREFIX + one.name.upper())
            if text is None:
                continue
            kind = {"float": float, "int": int}.get(str(one.type), str)
            try:
                values[one.name] = kind(text)
            except ValueError:
                raise UsageError(f"{_PREFIX}{one.name.upper()} is not a number") from None
        if "database" not in values:
            raise UsageError(f"{_PREFIX}DATABASE is not set", remedy="start the service by: tally manager serve")
        return cls(**values)  # type: ignore[arg-type]  # each value was made by the type of its field
