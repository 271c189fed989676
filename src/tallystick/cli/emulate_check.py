"""What goes together on the command line of `tally emulate`, and which options of Speculos there are not (speculos 4.1)."""

from __future__ import annotations

from typing import Any

import click

from tallystick.errors import UsageError

#: options of Speculos for what this device does not have, and what to do instead
_REFUSED = {
    "debug": ("-d", "`tally app run --gdb PORT` waits for a debugger"),
    "automation_port": ("--automation-port", "GET /events?stream=true of the REST API streams the same lines"),
    "button_port": ("--button-port", "POST /button/left of the REST API presses a button"),
    "finger_port": ("--finger-port", "POST /finger of the REST API touches the screen"),
    "vnc_port": ("--vnc-port", "the page at --api-port shows the screen"),
    "vnc_password": ("--vnc-password", "the page at --api-port shows the screen"),
    "pki_prod": ("--pki-prod", "--pki-root KEY names whose certificates hold"),
}
#: what suites pass along without need: told, and left aside
_LEFT_ASIDE = {"user_private_key": "--user-private-key", "attestation_key": "--attestation-key"}


def transport_of(options: dict[str, Any]) -> str:
    """Return the transport that was asked for, in capitals; `--transport` goes before the older `--usb`."""
    return str(options["transport"] or options["usb"]).upper()


def check(options: dict[str, Any]) -> None:
    """Refuse what there is not, with what to do instead, before anything is started."""
    for name, (flag, remedy) in _REFUSED.items():
        if options[name] is not None:
            raise UsageError(f"{flag} is not for this device", remedy=remedy)
    for name, flag in _LEFT_ASIDE.items():
        if options[name] is not None:
            click.echo(f"{flag} is left aside: attestation keys are made on the device (tally owner setup)", err=True)
    if options["display"] != "headless":
        raise UsageError(
            f"there is no display {options['display']}",
            remedy="give --display headless: the page at --api-port shows the screen, and so does `tally panel`",
        )
    if transport_of(options) not in {"HID", "U2F"}:
        raise UsageError(
            f"there is no transport {transport_of(options)}",
            remedy="HID (APDUs cross whole) or U2F (reports of 64 bytes)",
        )
    if options["seed"].startswith("hex:"):
        raise UsageError("a seed is given as recovery words", remedy="give 12, 18 or 24 words")
    if options["approve"] and options["automation"]:
        raise UsageError("--approve and --automation exclude each other")
    if not options["api_port"] and (options["approve"] or options["automation"]):
        raise UsageError("automatic approval works through the panel", remedy="give an --api-port")


def set_levels(options: dict[str, Any]) -> None:
    """Log to stderr as `-v` and `--log-level` say; raise UsageError for a level that there is not."""
    import logging

    logging.basicConfig(
        format="%(name)s: %(message)s", level=logging.INFO if options["is_verbose"] else logging.WARNING
    )
    for told in options["log_levels"]:
        name, _, level = told.partition(":")
        number = logging.getLevelNamesMapping().get(level.upper())
        if number is None:
            raise UsageError(f"{told} is no level of a logger", remedy="give NAME:LEVEL, such as tallystick:INFO")
        logging.getLogger(name).setLevel(number)
