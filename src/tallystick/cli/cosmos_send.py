"""`tally cosmos send` and its kind: shown here, reviewed and signed on the device, sent once, waited for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

import click

from tallystick.cli.command import DeviceCommand
from tallystick.cli.cosmos_chain import Choice, network_of, node_of, path_of, sending
from tallystick.cli.follow import follow
from tallystick.cli.render import Report
from tallystick.cli.target import Run, current_run
from tallystick.errors import UsageError
from tallystick.host.actions import cosmos as actions
from tallystick.host.chain import schema
from tallystick.host.chain.coin import Coin, read_coins
from tallystick.host.chain.delivery import Delivery, deliver
from tallystick.host.chain.delivery import sign as sign_plan
from tallystick.host.chain.network import Network
from tallystick.host.chain.node import Node
from tallystick.host.chain.plan import Plan, in_words, make_plan
from tallystick.host.chain.protobuf import MAX_UINT64
from tallystick.host.chain.schema import Message, VoteOption, message
from tallystick.host.chain.transaction import SignedTransaction, Transaction

_VOTES: Final = {one.name.lower().replace("_", "-"): one for one in VoteOption}

#: given the account's own address
MakeMessage = Callable[[str], Message]


@click.command(cls=DeviceCommand)
@click.argument("to", metavar="ADDRESS")
@click.argument("amount")
@sending
def send(choice: Choice, to: str, amount: str) -> Report:
    """Send AMOUNT (1.5atom, 1500000uatom, or several with commas) to ADDRESS."""
    network = network_of(current_run(), choice.chain)
    receiver, coins = network.check_address(to), read_coins(amount, network.unit)
    if not coins:
        raise UsageError("there is no amount", remedy="write an amount like 1500000uatom or 1.5atom")
    for coin in coins:
        _check_some(coin)
    return _perform(
        choice, network, lambda own: message(schema.SEND, from_address=own, to_address=receiver, amount=coins)
    )


@click.command(cls=DeviceCommand)
@click.argument("validator")
@click.argument("amount")
@sending
def delegate(choice: Choice, validator: str, amount: str) -> Report:
    """Stake AMOUNT (like 1.5atom) with VALIDATOR (like cosmosvaloper1…)."""
    return _stake(choice, schema.DELEGATE, validator, amount)


@click.command(cls=DeviceCommand)
@click.argument("validator")
@click.argument("amount")
@sending
def undelegate(choice: Choice, validator: str, amount: str) -> Report:
    """Take AMOUNT back from VALIDATOR; the chain pays it out after its own waiting time."""
    return _stake(choice, schema.UNDELEGATE, validator, amount)


@click.command(cls=DeviceCommand)
@click.argument("validator")
@sending
def withdraw(choice: Choice, validator: str) -> Report:
    """Fetch the rewards of what is staked with VALIDATOR."""
    network = network_of(current_run(), choice.chain)
    chosen = network.check_address(validator, is_validator=True)
    return _perform(
        choice, network, lambda own: message(schema.WITHDRAW, delegator_address=own, validator_address=chosen)
    )


@click.command(cls=DeviceCommand)
@click.argument("proposal", type=click.IntRange(1, MAX_UINT64))
@click.argument("option", type=click.Choice(list(_VOTES), case_sensitive=False))
@sending
def vote(choice: Choice, proposal: int, option: str) -> Report:
    """Vote on the PROPOSAL with this number."""
    network = network_of(current_run(), choice.chain)
    return _perform(
        choice, network, lambda own: message(schema.VOTE, proposal_id=proposal, voter=own, option=_VOTES[option])
    )


def _stake(choice: Choice, kind: schema.MessageType, validator: str, amount: str) -> Report:
    network = network_of(current_run(), choice.chain)
    chosen, coin = network.check_address(validator, is_validator=True), network.unit.read(amount)
    _check_some(coin)
    return _perform(
        choice, network, lambda own: message(kind, delegator_address=own, validator_address=chosen, amount=coin)
    )


def _check_some(coin: Coin) -> None:
    if not coin.amount:
        raise UsageError("an amount of nothing", remedy="write an amount like 1500000uatom or 1.5atom")


def _perform(choice: Choice, network: Network, make: MakeMessage) -> Report:
    """Plan, show, ask, sign, send, wait."""
    run = current_run()
    path, wish = path_of(network, choice.path), choice.wish(network)
    node = node_of(run, network, choice.node)
    session = run.connect()
    owner = follow(run, actions.address(session, path, hrp=network.hrp))
    plan = make_plan(node, network, owner, replace(wish, messages=(make(owner.address),)))
    if choice.is_dry:
        return _planned(plan, node)
    tell(run, plan, question="Have this signed and sent?", is_sure=choice.is_sure)
    signed = follow(run, sign_plan(session, plan, path=path))
    return hand_over(run, node, network, signed, wait_s=choice.wait_s)


def tell(run: Run, plan: Plan, *, question: str, is_sure: bool) -> None:
    """Show what is to be signed, on stderr, and ask unless the person said that they are sure; UsageError when nobody is there."""
    if not (run.is_quiet and is_sure):
        for label, value in in_words(plan.transaction, plan.network):
            click.echo(f"{label + ':':<22} {value}", err=True)
    if is_sure:
        return
    try:
        is_wanted = click.confirm(question, err=True)
    except click.Abort:
        click.echo(err=True)
        raise UsageError("nobody is there to be asked", remedy="add --yes; the device asks in any case") from None
    if not is_wanted:
        raise UsageError("nothing was signed", remedy="run it again when it is right")


def hand_over(run: Run, node: Node, network: Network, signed: SignedTransaction, *, wait_s: float) -> Report:
    """Send a signed transaction, wait for its block, and report."""
    # before it is sent: whoever interrupts the waiting must know what to look for
    sequence = signed.transaction.signer.sequence
    click.echo(f"sending {signed.hash} (number {sequence} of the account)", err=True)
    done = follow(run, deliver(node, signed, wait_s=wait_s, waiting=run.waiting))
    return _sent(done, signed, node=node, network=network)


def members_of(transaction: Transaction, *, node: str | None) -> dict[str, object]:
    """Return a transaction's members for a report in JSON."""
    return {
        "chain_id": transaction.chain_id,
        "node": node,
        "account": transaction.signer.address,
        "account_number": transaction.signer.account_number,
        "sequence": transaction.signer.sequence,
        "messages": [one.to_json() for one in transaction.messages],
        "memo": transaction.memo,
        "fee": [coin.to_json() for coin in transaction.fee.amount],
        "gas": transaction.fee.gas,
        "sign_mode": transaction.mode.name.lower(),
    }


def _planned(plan: Plan, node: Node) -> Report:
    data = {**members_of(plan.transaction, node=node.url), "state": "planned", "payload": plan.payload.hex()}
    return Report(schema="cosmos.transaction", data=data, facts=tuple(in_words(plan.transaction, plan.network)))


def _sent(done: Delivery, signed: SignedTransaction, *, node: Node, network: Network) -> Report:
    link = network.link_to(done.hash)
    receipt = done.receipt
    data = {
        **members_of(signed.transaction, node=node.url),
        "state": "sent" if receipt is None else "included",
        "hash": done.hash,
        "link": link or None,
        "height": None if receipt is None else receipt.height,
        "gas_used": None if receipt is None else receipt.gas_used,
    }
    facts = [("Transaction", done.hash)]
    if receipt is not None:
        facts += [("Block", str(receipt.height)), ("Gas used", f"{receipt.gas_used} of {signed.transaction.fee.gas}")]
    if link:
        facts.append(("Link", link))
    return Report(schema="cosmos.transaction", data=data, facts=facts)
