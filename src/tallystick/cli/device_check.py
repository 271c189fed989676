"""`tally device check`: whether the device is genuine, by its manager and by its certificate."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import click

from tallystick.cli.exit import ExitCode
from tallystick.cli.follow import follow
from tallystick.cli.manager_target import ManagerCommand, connect_manager, known_issuers
from tallystick.cli.render import Report
from tallystick.cli.target import current_run
from tallystick.errors import UsageError

if TYPE_CHECKING:
    from tallystick.host.actions import genuine


@click.command(cls=ManagerCommand)
@click.option("--offline", is_flag=True, help="ask no manager: verify the certificate here, by a key of this moment")
@click.option(
    "--issuer-key", metavar="KEY", default="", help="the only issuer that counts: its public key in hex, or a key file"
)
def check(manager_url: str, *, offline: bool, issuer_key: str) -> Report:
    """Check that the device is genuine: certified by its issuer, and in possession of the key it shows.

    The manager is asked, and the handshake is verified here as well. The device asks its person before it shows its
    certificate to anybody. Exit code 9 says that it is not genuine.
    """
    from tallystick.host.actions import genuine

    if offline and manager_url:
        raise UsageError("--offline asks no manager", remedy="leave one of --offline and --manager away")
    run = current_run()
    session = run.connect()
    issuers = known_issuers(run, session, issuer_key)
    if offline:
        found, address = follow(run, genuine.check_offline(session, issuers=issuers)), None
    else:
        with contextlib.closing(connect_manager(run, session, manager_url)) as client:
            found, address = follow(run, genuine.check(session, client, issuers=issuers)), client.address.http
    return _report(found, device=session.url, manager=address, is_named=bool(issuer_key))


def _report(found: genuine.GenuineReport, *, device: str, manager: str | None, is_named: bool) -> Report:
    chain = found.chain
    # an issuer that was named decides, whatever a manager says
    is_genuine = found.is_genuine and (chain.issuer is not None or not is_named)
    verdict = "genuine" if is_genuine else "not_genuine"
    data = {
        "device": device,
        "verdict": verdict,
        "manager": manager,
        "manager_verdict": found.manager,
        "issuer": chain.issuer.name if chain.issuer else None,
        "issuer_public_key": chain.issuer.public_key.hex() if chain.issuer else None,
        "device_public_key": chain.device.public_key.hex(),
        "header": chain.device.header.hex(),
        "serial": chain.serial,
        "signer_serial": chain.signer_serial.hex(),
        "warnings": [one.value for one in found.cautions],
    }
    facts = [
        ("Device", device),
        ("Verdict", "genuine" if is_genuine else "NOT GENUINE"),
        ("Issuer", chain.issuer.name if chain.issuer else "unknown"),
        ("Certificate", chain.serial or chain.device.header.hex() or "-"),
        ("Handshake", "signed by the device's own key"),
        ("Manager", "not asked" if manager is None else f"{manager} says {found.manager}"),
        *(("Note", one.words) for one in found.cautions),
    ]
    return Report(
        schema="device.check", data=data, facts=facts, exit_code=ExitCode.DONE if is_genuine else ExitCode.NOT_TRUSTED
    )
