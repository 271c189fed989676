"""`tally up`: start a device and leave it running, with its page to look at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from tallystick.cli.key_provider import HELP, METAVAR
from tallystick.cli.target import Run
from tallystick.cli.up_check import check

MODELS = ("nanos", "nanox", "nanosp", "stax", "flex", "apex_p")


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--board",
    type=click.Choice(["isolated", "embedded", "gadget"]),
    default="isolated",
    show_default=True,
    help="how the device is put together: each world in a locked process of its own, all in one (embedded), or "
    "isolated on a Linux board whose USB port is the device's (gadget)",
)
@click.option("--model", type=click.Choice(MODELS), default="nanosp", show_default=True, help="which device it is")
@click.option(
    "--state",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="where the device keeps its flash; without it a folder of your own, by model",
)
@click.option("--ephemeral", is_flag=True, help="keep nothing: the device is gone when it stops")
@click.option("--seed", metavar="WORDS", default="", help="recovery words: makes a marked test device, set up at once")
@click.option(
    "--pin", metavar="DIGITS", default="", help="with --seed: the PIN of the test device, which starts locked"
)
@click.option(
    "--pin-policy",
    type=click.Choice(["ledger", "backoff"]),
    default="ledger",
    show_default=True,
    help="for a device that is set up now: three tries, or sixteen with waits that double",
)
@click.option("--key-provider", metavar=METAVAR, default="", help=f"{HELP} [default for a new device: simulated]")
@click.option("--expert", is_flag=True, help="apps start in expert mode")
@click.option("--app", "app_names", metavar="NAME", multiple=True, help="install an app of the built-in catalogue")
@click.option("--open", "open_app", metavar="NAME", default="", help="open this app at start")
@click.option("--apdu-port", type=click.IntRange(0, 65535), default=9999, show_default=True, help="0 takes a free one")
@click.option("--api-port", type=click.IntRange(0, 65535), default=5000, show_default=True, help="0 takes a free one")
@click.option("--no-panel", is_flag=True, help="no page and no REST API")
@click.option("--approve", is_flag=True, help="approve all but what native apps paint (test devices only)")
@click.option("--automation", metavar="FILE", default="", help="Speculos rules: a path, file:PATH or the JSON itself")
@click.option("--no-manager", is_flag=True, help="start no manager beside the device")
@click.option("--manager", metavar="URL", default="", help="start no manager: this one is the device's")
@click.option(
    "--issuer-key", metavar="FILE", default="", help="who certifies a fresh device, if not the workshop's own issuer"
)
@click.option(
    "--no-certificate", is_flag=True, help="leave a fresh device without a certificate, for `tally factory provision`"
)
@click.option(
    "--owner-key",
    metavar="WHERE",
    default="",
    help="whose key the manager beside certifies attestation keys with: a key file, or pkcs11:… "
    "[default: the test realm's, which everybody knows]",
)
@click.option(
    "--usb",
    metavar="[WAY]",
    is_flag=False,
    flag_value="vhci",
    default="",
    help="be a real USB device of this machine (Linux; asks for root), or tcp[:PORT]: serve USB/IP on the loopback address",
)
@click.option(
    "--ble",
    metavar="[ADAPTER]",
    is_flag=False,
    flag_value="any",
    default="",
    help="be a Bluetooth LE device, by BlueZ and an adapter of this machine such as hci0 (Linux; models that have Bluetooth)",
)
@click.option(
    "--zemu-port",
    type=click.IntRange(0, 65535),
    metavar="PORT",
    help="serve gRPC as well, for clients that were built for Zemu, such as gaiad; those want 3002",
)
@click.option("--deterministic-rng", type=click.IntRange(0), metavar="N", help="repeatable random numbers, for tests")
@click.option("--trace", is_flag=True, help="say every call of native apps on stderr (test devices only)")
@click.option("--json", "is_json", is_flag=True, help="print one line of JSON when ready")
@click.option("-v", "--verbose", "is_verbose", is_flag=True, help="log what the device does; apps may write to stderr")
@click.pass_obj
def up(run: Run, /, **options: Any) -> None:
    """Start a device and leave it running until Ctrl-C or SIGTERM.

    A fresh device wants to be set up, on its screen. With --seed it is a test device that is ready at once, and is
    forgotten when it stops unless --state says where to keep it:

    \b
    tally up --seed "test test test test test test test test test test test junk" \\
             --open cosmos

    With --json one line says where it is: pid, model, serial, apdu_port, api_port (null with --no-panel),
    issuer_public_key, manager_http and manager_ws (null without a manager).
    """  # noqa: D301 -- click wants the control character, which keeps the example's lines
    run.is_json = run.is_json or options["is_json"]
    check(options)
    if options["is_verbose"]:
        import logging

        logging.basicConfig(format="%(message)s", level=logging.INFO)
    from tallystick.device.boot.kept_code import KeptCode

    kept = KeptCode("up")
    kept.use()
    try:
        from tallystick.cli.up_device import run_device

        run_device(options, is_json=run.is_json)
    finally:
        kept.keep()
