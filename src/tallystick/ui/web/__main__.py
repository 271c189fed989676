"""The entry of the panel's process, started by the composition of a device and not by people.

::

    python -m tallystick.ui.web --link-fd N --http-fd N --apdu-port P
        [--automation FILE|JSON | --approve] [--model NAME] [--allow-host NAME ...]

The two descriptors are inherited: an AF_UNIX SOCK_SEQPACKET socket and a listening TCP socket. The process ends when
the device closes the link.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import logging
import socket
import sys
from collections.abc import Callable

from tallystick.errors import TallyError
from tallystick.ui.automation import load_automation
from tallystick.ui.extra import require_extra


def main(arguments: list[str] | None = None) -> int:
    """Run the panel and return its exit status: 0 at the end, 1 for a broken link, 2 for what cannot be done."""
    return prepare(arguments)()


def prepare(arguments: list[str] | None = None) -> Callable[[], int]:
    """Open and load what the panel needs from outside; return the work, which may be done behind a lock."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(format="panel: %(message)s", level=logging.WARNING)
    try:
        require_extra("device")
        automation = load_automation(options.automation) if options.automation else None
    except TallyError as error:
        sys.stderr.write(f"panel: {error}\n" + (f"  {error.remedy}\n" if error.remedy else ""))
        return lambda: 2
    from tallystick.ui.web.process import PanelOptions, run_panel

    link, http = socket.socket(fileno=options.link_fd), socket.socket(fileno=options.http_fd)
    panel = PanelOptions(
        link_socket=link,
        http_socket=http,
        apdu_port=options.apdu_port,
        model=options.model,
        automation=automation,
        is_approving=options.approve,
        hosts=frozenset(name.lower() for name in options.allow_host),
    )
    hashlib.sha256(b"").digest()  # the first hash reads the library's configuration

    def work() -> int:
        with link, http:
            return asyncio.run(run_panel(panel))

    return work


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tallystick.ui.web", description="The front panel of one device.")
    parser.add_argument("--link-fd", type=int, required=True, help="the screen-and-button link")
    parser.add_argument("--http-fd", type=int, required=True, help="a listening TCP socket")
    parser.add_argument("--apdu-port", type=int, required=True, help="where /apdu goes")
    parser.add_argument("--model", default="", help="name shown until the device tells its own")
    parser.add_argument("--allow-host", action="append", default=[], help="a name, beside localhost, to be reached by")
    who = parser.add_mutually_exclusive_group()
    who.add_argument("--automation", default="", help="rules: a path, file:PATH or the JSON itself")
    who.add_argument("--approve", action="store_true", help="approve everything (test devices only)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
