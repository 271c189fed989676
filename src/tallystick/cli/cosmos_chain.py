"""The options about chains, and what they choose: a network, a node of it, an account, and how a transaction is made."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import click

from tallystick.cli.target import Run
from tallystick.errors import UsageError
from tallystick.host.chain.coin import Coin, read_coins, read_price
from tallystick.host.chain.delivery import DEFAULT_WAIT_S
from tallystick.host.chain.door import Door
from tallystick.host.chain.finder import open_node
from tallystick.host.chain.network import Network, Registry
from tallystick.host.chain.node import Node
from tallystick.host.chain.plan import MAX_GAS, Wish
from tallystick.host.chain.protobuf import MAX_UINT64
from tallystick.host.chain.transaction import SignMode
from tallystick.wire.path import Bip32Path

NETWORKS_VARIABLE: Final = "TALLY_NETWORKS"
NODE_VARIABLE: Final = "TALLY_NODE"
_MAX_FILE_BYTES: Final = 64 << 10
_MODES: Final = {"amino-json": SignMode.AMINO_JSON, "textual": SignMode.TEXTUAL}

Option = Callable[[Callable[..., Any]], Callable[..., Any]]

CHAIN: Final = click.option(
    "--chain", default="cosmoshub", show_default=True, metavar="NAME", help="a network's name or chain id"
)
NODE: Final = click.option(
    "--node", metavar="URL", help="a node's REST or RPC service; else TALLY_NODE, else the network's own"
)
PATH: Final = click.option("--path", metavar="PATH", help="five levels; else the network's first account")
MODE: Final = click.option(
    "--sign-mode",
    type=click.Choice(list(_MODES)),
    default="amino-json",
    show_default=True,
    help="what the device reads",
)
SEQUENCE: Final = click.option(
    "--sequence", type=click.IntRange(0, MAX_UINT64), metavar="N", help="this transaction of the account, and no other"
)
WAIT: Final = click.option(
    "--wait",
    "wait_s",
    type=click.FloatRange(min=0, max=86_400),
    default=DEFAULT_WAIT_S,
    show_default=True,
    metavar="SECONDS",
    help="how long to wait for a block; 0 does not",
)
SURE: Final = click.option("--yes", "is_sure", is_flag=True, help="do not ask here; the device does in any case")
_SENDING: Final[Sequence[Option]] = (
    CHAIN,
    NODE,
    PATH,
    MODE,
    click.option("--memo", default="", help="a note that everybody can read"),
    click.option("--gas", type=click.IntRange(1, MAX_GAS), metavar="N", help="at most this much; else a trial decides"),
    click.option("--fees", metavar="AMOUNT", help="what is paid, like 5000uatom; else gas times its price"),
    click.option("--gas-price", metavar="PRICE", help="for one of gas, like 0.025; else the node's"),
    SEQUENCE,
    WAIT,
    SURE,
    click.option("--dry-run", "is_dry", is_flag=True, help="show what would be signed, and stop"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What the options of a command that sends said."""

    chain: str
    node: str | None
    path: str | None
    sign_mode: str
    memo: str
    gas: int | None
    fees: str | None
    gas_price: str | None
    sequence: int | None
    wait_s: float
    is_sure: bool
    is_dry: bool

    def wish(self, network: Network) -> Wish:
        """Return what the options ask for, without messages yet; raise UsageError when they contradict each other."""
        if self.fees is not None and self.gas_price is not None:
            raise UsageError("--fees and --gas-price are two ways to say the same", remedy="give one of them")
        return Wish(
            mode=mode_of(self.sign_mode),
            memo=self.memo,
            gas=self.gas,
            fees=None if self.fees is None else _fees(self.fees, network),
            gas_price=None if self.gas_price is None else _price(self.gas_price, network),
            sequence=self.sequence,
        )


def sending(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of one that sends; they come as its first argument, a `Choice`."""

    @functools.wraps(function)
    def wrapped(**given: Any) -> Any:
        choice = Choice(**{name: given.pop(name) for name in Choice.__dataclass_fields__})
        return function(choice, **given)

    result: Callable[..., Any] = wrapped
    for option in reversed(_SENDING):
        result = option(result)
    return result


def mode_of(word: str) -> SignMode:
    """Return the mode that an option names."""
    return _MODES[word]


def network_of(run: Run, word: str) -> Network:
    """Return the network with a name or chain id: of the list that comes along, changed by the user's own file."""
    import platformdirs

    registry = Registry.built_in()
    named = run.environ.get(NETWORKS_VARIABLE)
    path = Path(named) if named else Path(platformdirs.user_config_dir("tallystick")) / "networks.json"
    try:
        with path.open("rb") as file:
            document = file.read(_MAX_FILE_BYTES + 1)
    except FileNotFoundError:
        if named:
            raise UsageError(f"{NETWORKS_VARIABLE}: {path} is not there") from None
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    else:
        registry = registry.changed_by(document)
    return registry.find(word)


def node_of(run: Run, network: Network, url: str | None) -> Node:
    """Return a node of the network: the one that is named, here or in the environment, else the network's own."""
    return open_node(network, url=url or run.environ.get(NODE_VARIABLE) or None, open_door=run.open_door or Door)


def path_of(network: Network, text: str | None) -> Bip32Path:
    """Return the path that is named, else that of the network's first account."""
    return network.path if text is None else Bip32Path.parse(text)


def _fees(text: str, network: Network) -> tuple[Coin, ...]:
    return tuple(coin for coin in read_coins(text, network.unit) if coin.amount)


def _price(text: str, network: Network) -> Decimal:
    return read_price(text.strip().removesuffix(network.denom))
