"""`tally cosmos sign-file`: a transaction that a node's own client made, signed on the device, for that client or for the chain."""

from __future__ import annotations

import json
from pathlib import Path

import click

from tallystick.cli.chain import OUTPUT, read_document, require_new, write_document
from tallystick.cli.command import DeviceCommand
from tallystick.cli.cosmos_chain import (
    CHAIN,
    MODE,
    NODE,
    PATH,
    SEQUENCE,
    SURE,
    WAIT,
    mode_of,
    network_of,
    node_of,
    path_of,
)
from tallystick.cli.cosmos_send import hand_over, members_of, tell
from tallystick.cli.follow import follow
from tallystick.cli.render import Report
from tallystick.cli.target import current_run
from tallystick.errors import UsageError
from tallystick.host.actions import cosmos as actions
from tallystick.host.chain.delivery import sign as sign_plan
from tallystick.host.chain.network import Network
from tallystick.host.chain.node import Account, Node
from tallystick.host.chain.plan import Plan, payload_of, signer_of
from tallystick.host.chain.protobuf import MAX_UINT64
from tallystick.host.chain.transaction import SignedTransaction, SignMode, Transaction
from tallystick.host.chain.unsigned import MAX_FILE_BYTES, UnsignedFile, read_unsigned, signed_document
from tallystick.host.commands.cosmos import AddressAnswer


@click.command(cls=DeviceCommand)
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@CHAIN
@NODE
@PATH
@MODE
@click.option(
    "--account-number", type=click.IntRange(0, MAX_UINT64), metavar="N", help="the account's; else the node's"
)
@SEQUENCE
@click.option("--offline", "is_offline", is_flag=True, help="ask no node: needs --account-number and --sequence")
@click.option("--broadcast", "is_sent", is_flag=True, help="send it, too")
@WAIT
@SURE
@OUTPUT
def sign_file(
    file: Path, chain: str, node: str | None, path: str | None, sign_mode: str, account_number: int | None,
    sequence: int | None, wait_s: float, output: Path | None, *, is_offline: bool, is_sent: bool, is_sure: bool,
) -> Report:  # fmt: skip
    """Have the transaction in FILE signed, as `gaiad tx … --generate-only` writes them.

    What is signed is printed, or written to a new file, as `gaiad tx broadcast` reads it.
    """
    run = current_run()
    network = network_of(run, chain)
    content = read_unsigned(read_document(file, limit=MAX_FILE_BYTES))
    require_new(output)
    if is_offline and (is_sent or node is not None or account_number is None or sequence is None):
        raise UsageError(
            "--offline asks no node", remedy="give --account-number and --sequence, and neither --node nor --broadcast"
        )
    levels = path_of(network, path)
    door = None if is_offline else node_of(run, network, node)
    session = run.connect()
    owner = follow(run, actions.address(session, levels, hrp=network.hrp))
    account = _account(door, owner.address, number=account_number, sequence=sequence)
    plan = _plan(door, network, owner, account=account, content=content, mode=mode_of(sign_mode))
    tell(run, plan, question=f"Have this signed{' and sent' if is_sent else ''}?", is_sure=is_sure)
    signed = follow(run, sign_plan(session, plan, path=levels))
    document = signed_document(signed)
    write_document(output, document)
    if is_sent and door is not None:
        return hand_over(run, door, network, signed, wait_s=wait_s)
    return _signed(signed, document, output=output, node=None if door is None else door.url)


def _account(node: Node | None, address: str, *, number: int | None, sequence: int | None) -> Account:
    """Return the account's two numbers: what is given, and what the node says for the rest."""
    if number is not None and sequence is not None:
        return Account(number=number, sequence=sequence)
    if node is None:
        raise UsageError("the account's numbers are missing", remedy="give --account-number and --sequence")
    found = node.account(address)
    return Account(
        number=found.number if number is None else number, sequence=found.sequence if sequence is None else sequence
    )


def _plan(
    node: Node | None,
    network: Network,
    owner: AddressAnswer,
    *,
    account: Account,
    content: UnsignedFile,
    mode: SignMode,
) -> Plan:
    transaction = Transaction(
        chain_id=network.chain_id,
        signer=signer_of(owner, network, account),
        messages=content.messages,
        fee=content.fee,
        mode=mode,
        memo=content.memo,
        timeout_height=content.timeout_height,
    )
    return Plan(network=network, transaction=transaction, payload=payload_of(transaction, node))


def _signed(signed: SignedTransaction, document: dict[str, object], *, output: Path | None, node: str | None) -> Report:
    data = {
        **members_of(signed.transaction, node=node),
        "state": "signed",
        "hash": signed.hash,
        "transaction": document,
        "bytes": signed.to_bytes().hex(),
    }
    lines = (json.dumps(document),) if output is None else (f"signed: {output}",)
    return Report(schema="cosmos.transaction", data=data, lines=lines)
