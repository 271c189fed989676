"""The settings of one run, and the device it is about.

The composition root of the host tools: the environment is read here and nowhere below. Precedence: option, then environment.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import click

from tallystick.errors import UsageError

if TYPE_CHECKING:
    from tallystick.host.chain.delivery import Waiting
    from tallystick.host.chain.door import Door
    from tallystick.host.session import Session
    from tallystick.host.transport.base import Transport
    from tallystick.host.transport.discovery import Candidate, Finder

DEVICE_VARIABLE = "TALLY_DEVICE"
PROXY_VARIABLES = ("LEDGER_PROXY_ADDRESS", "LEDGER_PROXY_PORT")

_TRAFFIC = 5


@dataclass(slots=True, kw_only=True)
class Run:
    """What the options said, and what tests replace.

    These are `environ`, `open_transport` (address or None to transport), `open_door` (URL to the way to a chain's node), `waiting`, and
    `running` (the ready lines of this user's `tally up`).
    """

    device: str | None = None
    is_ble: bool = False
    is_json: bool = False
    is_json_lines: bool = False
    is_quiet: bool = False
    is_debug: bool = False
    verbosity: int = 0
    timeout_s: float | None = None
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    open_transport: Callable[[str | None], Transport] | None = None
    open_door: Callable[[str], Door] | None = None
    waiting: Waiting | None = None
    running: Callable[[], Iterable[Mapping[str, Any]]] | None = None
    session: Session | None = None

    @property
    def address(self) -> str | None:
        """The device's address from the option or the environment, or None."""
        return self.device or ("ble:" if self.is_ble else None) or self.environ.get(DEVICE_VARIABLE) or None

    def finder(self) -> Finder:
        """Return what looks for devices, with the proxy of the environment; it counts only with both variables set."""
        from tallystick.host.transport.discovery import Finder, parse_endpoint

        host, port = (self.environ.get(name, "") for name in PROXY_VARIABLES)
        if not (host and port):
            return Finder()
        try:
            return Finder(proxy=parse_endpoint(f"[{host}]:{port}"))
        except UsageError as error:
            raise UsageError(f"{' and '.join(PROXY_VARIABLES)}: {error.message}", remedy=error.remedy) from None

    def neighbours(self) -> list[Candidate]:
        """Return the devices that this user's `tally up` hold at any port, in the order of their ports."""
        from tallystick.cli.beacon import running
        from tallystick.host.transport.discovery import LOCAL_HOST, Candidate

        found = {facts.get("apdu_port"): facts for facts in (self.running or running)()}
        return [
            Candidate(
                url=f"tcp:{LOCAL_HOST}:{port}",
                kind="tcp",
                model=str(facts.get("model") or ""),
                serial=str(facts.get("serial") or ""),
            )
            for port, facts in sorted(((port, facts) for port, facts in found.items() if isinstance(port, int)))
        ]

    def connect(self) -> Session:
        """Return a session with the device that is meant; it is closed at the end of the run."""
        from tallystick.host.session import DEFAULT_TIMEOUT_S, Session

        self.start_log()
        if self.session is None:
            open_transport = self.open_transport or self.finder().open
            self.session = Session(
                open_transport(self.address),
                timeout_s=DEFAULT_TIMEOUT_S if self.timeout_s is None else min(self.timeout_s, DEFAULT_TIMEOUT_S),
                person_timeout_s=self.timeout_s,
            )
        return self.session

    def start_log(self) -> None:
        """Show the traffic on stderr when it was asked for."""
        if self.verbosity:
            logging.basicConfig(format="%(message)s")
            logging.getLogger("tallystick").setLevel(_TRAFFIC)

    def close(self) -> None:
        """Close the session, if there was one."""
        if self.session is not None:
            self.session.close()
            self.session = None


def current_run() -> Run:
    """Return the settings of the run in hand."""
    found = click.get_current_context().find_object(Run)
    if found is None:
        raise UsageError("this command is part of `tally` and does not run by itself")
    return found
