"""Which kind of node answers at a URL, and whether it is one of the chain that is meant."""

from __future__ import annotations

from collections.abc import Callable

from tallystick.errors import ProtocolError, UsageError
from tallystick.host.chain.door import Door
from tallystick.host.chain.fault import ChainError, NodeDown, WrongChain, printable
from tallystick.host.chain.network import Network
from tallystick.host.chain.node import Node
from tallystick.host.chain.rest import NODE_INFO, RestNode
from tallystick.host.chain.rpc import RpcNode


def open_node(network: Network, *, url: str | None = None, open_door: Callable[[str], Door] = Door) -> Node:
    """Return a node of `network`: the one at `url`, by whichever service is there, else the network's own.

    Raises UsageError when no node is known, NodeDown or ChainTimeout when it does not answer, ChainError when it is no node, and
    WrongChain when it belongs to another chain.
    """
    chosen = url or network.rest or network.rpc
    if not chosen:
        raise UsageError(f"no node of {network.name} is known", remedy="name one with --node")
    try:
        node, chain_id = _asked(open_door(chosen))
    except NodeDown as error:
        if network.name != "local":
            raise
        raise NodeDown(
            error.message, may_have_arrived=False, remedy="start the node, or name the one that is meant with --node"
        ) from error
    if chain_id != network.chain_id:
        raise WrongChain(
            f"the node at {node.url} is of the chain {printable(chain_id)!r}, not {network.chain_id!r}",
            remedy="name the chain with --chain, or another node with --node",
        )
    return node


def _asked(door: Door) -> tuple[Node, str]:
    """Return the node behind a door, and its chain."""
    try:
        if door.get(NODE_INFO).body.find("default_node_info") is not None:
            rest = RestNode(door)
            return rest, rest.chain_id()
    except NodeDown:
        raise
    except (ProtocolError, ChainError):
        # no REST service: asked as the other kind
        pass
    rpc = RpcNode(door)
    try:
        return rpc, rpc.chain_id()
    except ProtocolError:
        raise ChainError(
            f"what answers at {door.url} is neither the REST nor the RPC service of a node",
            remedy="name a node's address with --node, such as http://127.0.0.1:1317 or tcp://127.0.0.1:26657",
        ) from None
