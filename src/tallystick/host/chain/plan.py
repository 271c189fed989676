"""What will be signed: the account's numbers, gas and fee found out, and checked against what the account has.

A node is not believed more than needed: it can make a transaction fail, but amounts, receivers and the highest fee are decided here
and shown on the device.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from tallystick.errors import RemoteProtocolError, UsageError
from tallystick.host.chain.coin import Coin, fee_for
from tallystick.host.chain.fault import NotEnough, SequenceUsed
from tallystick.host.chain.network import Network
from tallystick.host.chain.node import Account, Node
from tallystick.host.chain.schema import Message
from tallystick.host.chain.textual import to_textual
from tallystick.host.chain.transaction import Fee, Signer, SignMode, Transaction
from tallystick.host.commands.cosmos import AddressAnswer

#: of the gas that a trial used, what the transaction is given: blocks differ
_GAS_FACTOR: Final = Decimal("1.4")
#: no block has room for more
MAX_GAS: Final = 100_000_000
#: a node may ask for this many times the network's price; more is for the person to decide
_MAX_PRICE_FACTOR: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the person asked for: None stands for what the node is asked."""

    messages: tuple[Message, ...] = ()
    mode: SignMode = SignMode.AMINO_JSON
    memo: str = ""
    gas: int | None = None
    fees: tuple[Coin, ...] | None = None
    gas_price: Decimal | None = None
    sequence: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A transaction that is ready to be signed, and the bytes that the device is given."""

    network: Network
    transaction: Transaction
    payload: bytes


def make_plan(node: Node, network: Network, owner: AddressAnswer, wish: Wish) -> Plan:
    """Return what `owner` has to sign; raise UsageError or ChainRefusal when the chain would not take it, and as `Node` does."""
    account = node.account(owner.address)
    sequence = account.sequence if wish.sequence is None else wish.sequence
    if sequence != account.sequence:
        raise _not_next(node, owner.address, wanted=sequence, following=account.sequence)
    trial = Transaction(
        chain_id=network.chain_id,
        signer=signer_of(owner, network, account),
        messages=wish.messages,
        # a fee of the smallest amount: that a fee is taken costs gas, too
        fee=Fee(amount=_paid(1, network.denom) if wish.fees is None else wish.fees, gas=wish.gas or 0),
        mode=wish.mode,
        memo=wish.memo,
    )
    _check_funds(node, trial, network)
    gas = wish.gas or _gas(node, trial)
    transaction = replace(trial, fee=Fee(amount=_fees(node, network, wish, gas=gas), gas=gas))
    _check_funds(node, transaction, network)
    return Plan(network=network, transaction=transaction, payload=payload_of(transaction, node))


def signer_of(owner: AddressAnswer, network: Network, account: Account) -> Signer:
    """Return `owner`, the device's address and key, as the signer of the next transaction of its `account`."""
    return Signer(
        address=owner.address,
        public_key=owner.public_key,
        public_key_type=network.public_key_type,
        account_number=account.number,
        sequence=account.sequence,
    )


def payload_of(transaction: Transaction, node: Node | None) -> bytes:
    """Return what the device is given to sign; textual needs a node, which knows how coins are called."""
    if transaction.mode is SignMode.AMINO_JSON:
        return transaction.to_amino()
    if node is None:
        raise UsageError("textual needs a node, which says how coins are shown", remedy="leave --offline away")
    return to_textual(transaction, node.metadata)


def spent(transaction: Transaction) -> dict[str, int]:
    """Return what leaves the signer's account at most, by coin."""
    total: dict[str, int] = {}
    fee = () if transaction.fee.granter else transaction.fee.amount
    for coin in (*fee, *(coin for one in transaction.messages for coin in one.spent)):
        total[coin.denom] = total.get(coin.denom, 0) + coin.amount
    return total


def _check_funds(node: Node, transaction: Transaction, network: Network) -> None:
    for denom, amount in spent(transaction).items():
        found = node.balance(transaction.signer.address, denom)
        if amount > found:
            shown = [network.unit.show(Coin(amount=one, denom=denom)) for one in (amount, found)]
            raise NotEnough(
                f"{shown[0]} would be spent, fees included, and {transaction.signer.address} has {shown[1]}",
                remedy="spend less, or send the account some first",
            )


def _gas(node: Node, trial: Transaction) -> int:
    used = node.simulate(trial.to_bytes(b""))
    if used > MAX_GAS:
        raise RemoteProtocolError(
            "the node names more gas than a block has", remedy="name another with --node, or use --gas"
        )
    return int(used * _GAS_FACTOR) + 1


def _fees(node: Node, network: Network, wish: Wish, *, gas: int) -> tuple[Coin, ...]:
    if wish.fees is not None:
        return wish.fees
    price = wish.gas_price
    if price is None:
        price = max(network.price, node.gas_price(network.denom) or network.price)
        if price > network.price * _MAX_PRICE_FACTOR:
            raise UsageError(
                f"the node asks {price:f}{network.denom} for one of gas, where {network.gas_price} is usual",
                remedy="if that is right, give it with --gas-price; else name another node with --node",
            )
    return _paid(fee_for(gas, price), network.denom)


def _paid(amount: int, denom: str) -> tuple[Coin, ...]:
    return (Coin(amount=amount, denom=denom),) if amount else ()


def _not_next(node: Node, address: str, *, wanted: int, following: int) -> SequenceUsed:
    if wanted > following:
        return SequenceUsed(
            f"the account's next transaction has number {following}, not {wanted}", remedy="leave --sequence away"
        )
    found = node.find_by_sequence(address, wanted)
    text = f"number {wanted} of {address} is in the chain already"
    return SequenceUsed(
        text + (f": {found}" if found else ""),
        remedy="nothing was signed or sent; for one more transaction leave --sequence away",
    )


def in_words(transaction: Transaction, network: Network) -> Iterable[tuple[str, str]]:
    """Yield what the transaction does, as labels and values for a person; it is the device's screen that counts."""
    yield "Chain", f"{network.name} ({transaction.chain_id})"
    yield "Account", transaction.signer.address
    for one in transaction.messages:
        yield "Message", one.type.title
        for field in one.type.fields:
            if field.name == one.type.signer:
                continue
            value = one.values[field.name]
            coins = (value,) if isinstance(value, Coin) else value if isinstance(value, tuple) else None
            text = str(value) if coins is None else ", ".join(map(network.unit.show, coins))
            yield f"  {field.name.replace('_', ' ')}", getattr(value, "wire_name", text)
    if transaction.memo:
        yield "Memo", transaction.memo
    yield "Fee", ", ".join(map(network.unit.show, transaction.fee.amount)) or "none"
    yield "Gas", str(transaction.fee.gas)
    yield "Sequence", str(transaction.signer.sequence)
