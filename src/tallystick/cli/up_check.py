"""What goes together on the command line of `tally up`, and what does not."""

from __future__ import annotations

import sys
from typing import Any

from tallystick.cli.key_provider import way_of
from tallystick.errors import UsageError


def check(options: dict[str, Any]) -> None:
    """Refuse what does not go together, before anything is started; the gadget board becomes the isolated one and its port."""
    _check_board(options)
    _check_cables(options)
    _check_manager(options)
    _check_test_device(options)
    _check_keeping(options)


def _check_board(options: dict[str, Any]) -> None:
    if options["board"] == "gadget":  # the isolated board, whose USB port is the machine's own
        if options["usb"] not in {"", "gadget"}:
            raise UsageError("the gadget board has a USB port of its own", remedy="leave --usb away")
        options |= {"board": "isolated", "usb": "gadget"}
    if options["board"] == "isolated" and not sys.platform.startswith("linux"):
        raise UsageError(
            "the isolated board needs Linux", remedy="add --board embedded: one process, without its walls"
        )


def _check_cables(options: dict[str, Any]) -> None:
    if options["usb"]:
        from tallystick.cli.usb import Way

        Way.parse(options["usb"])
    if options["usb"] and not sys.platform.startswith("linux") and not options["usb"].startswith("tcp"):
        raise UsageError("a virtual USB device needs Linux", remedy="serve USB/IP with --usb tcp")
    if options["ble"]:
        from tallystick.cli.ble import adapter_of

        adapter_of(options["ble"], model=options["model"])


def _check_manager(options: dict[str, Any]) -> None:
    if options["owner_key"] and (options["manager"] or options["no_manager"]):
        raise UsageError("--owner-key is for the manager beside the device", remedy="leave one of the options away")
    if options["manager"] and options["no_manager"]:
        raise UsageError("--manager and --no-manager exclude each other")
    if options["no_certificate"] and options["issuer_key"]:
        raise UsageError("--issuer-key and --no-certificate exclude each other")


def _check_test_device(options: dict[str, Any]) -> None:
    if options["pin"] and not options["seed"]:
        raise UsageError("--pin goes with --seed", remedy="a device of your own gets its PIN on its own screen")
    if options["approve"] and not options["seed"]:
        raise UsageError("--approve is for test devices", remedy="add --seed, or approve with the buttons")
    if options["trace"] and not options["seed"]:
        raise UsageError("--trace is for test devices", remedy="add --seed")
    if options["approve"] and options["automation"]:
        raise UsageError("--approve and --automation exclude each other")
    if options["no_panel"] and (options["approve"] or options["automation"]):
        raise UsageError("automatic approval works through the panel", remedy="leave --no-panel away")


def _check_keeping(options: dict[str, Any]) -> None:
    way = way_of(options["key_provider"])
    if way is not None and options["board"] != "isolated":
        raise UsageError("a TPM goes with the isolated board", remedy="leave --board away")
    if way is not None and not options["state"] and (options["ephemeral"] or options["seed"]):
        raise UsageError("a TPM would remember a device that is forgotten", remedy="say where to keep it: --state DIR")
    if options["ephemeral"] and options["state"]:
        raise UsageError("--ephemeral keeps nothing, --state says where to keep it: choose one")
