"""`tally cosmos balance` and `status`: what a chain knows about an account or a transaction."""

from __future__ import annotations

import re
from typing import Final

import click

from tallystick.cli.command import DeviceCommand
from tallystick.cli.cosmos_chain import CHAIN, NODE, PATH, network_of, node_of, path_of
from tallystick.cli.exit import ExitCode
from tallystick.cli.follow import follow
from tallystick.cli.render import Report
from tallystick.cli.target import current_run
from tallystick.errors import UsageError
from tallystick.host.actions import cosmos as actions
from tallystick.host.chain.delivery import lookup
from tallystick.host.chain.refusal import of_receipt

_HASH: Final = re.compile(r"[0-9A-F]{64}")


@click.command(cls=DeviceCommand)
@click.argument("address", required=False)
@CHAIN
@NODE
@PATH
def balance(address: str | None, chain: str, node: str | None, path: str | None) -> Report:
    """Print what ADDRESS has, or the account on the device: the first 200 coins."""
    run = current_run()
    network = network_of(run, chain)
    if address is not None and path is not None:
        raise UsageError("an address and a path are two accounts", remedy="give one of them")
    levels = path_of(network, path)
    account = None if address is None else network.check_address(address)
    door = node_of(run, network, node)
    if account is None:
        account = follow(run, actions.address(run.connect(), levels, hrp=network.hrp)).address
    coins = door.balances(account)
    data = {
        "chain_id": network.chain_id,
        "node": door.url,
        "address": account,
        "balances": [coin.to_json() for coin in coins],
    }
    lines = [network.unit.show(coin) for coin in coins] or [f"nothing at {account}"]
    return Report(schema="cosmos.balance", data=data, lines=lines)


@click.command(cls=DeviceCommand)
@click.argument("transaction", metavar="HASH")
@CHAIN
@NODE
@click.option(
    "--wait", "wait_s", type=click.FloatRange(min=0, max=86_400), default=0.0, metavar="SECONDS", help="for a block"
)
def status(transaction: str, chain: str, node: str | None, wait_s: float) -> Report:
    """Tell whether the transaction with this HASH is in a block; exit code 11 while it is in none."""
    run = current_run()
    network = network_of(run, chain)
    name = transaction.upper().removeprefix("0X")
    if not _HASH.fullmatch(name):
        raise UsageError("a hash has 64 hexadecimal digits", remedy="copy it whole")
    door = node_of(run, network, node)
    receipt = lookup(door, name, wait_s=wait_s, waiting=run.waiting)
    if receipt is not None and receipt.verdict.code:
        raise of_receipt(receipt, transaction=name)
    data = {
        "chain_id": network.chain_id,
        "node": door.url,
        "hash": name,
        "state": "unknown" if receipt is None else "included",
        "height": None if receipt is None else receipt.height,
        "gas_used": None if receipt is None else receipt.gas_used,
        "link": network.link_to(name) or None,
    }
    if receipt is None:
        line = "in no block: it may be waiting for one, or never have been sent"
        return Report(schema="cosmos.status", data=data, lines=(line,), exit_code=ExitCode.TIMEOUT)
    return Report(schema="cosmos.status", data=data, lines=(f"in block {receipt.height}",))
