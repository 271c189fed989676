"""What bounds a manager: the curve operations of its side by libsecp256k1 alone, a token's signature alone, and bare packets.

A check costs the manager one signature, one ECDH, two verifications (certificate and session) and three public keys (its own
of this session, and the two that the keys of the channel are made of, wire-protocol D.4). The device's side costs the same.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from coincurve._libsecp256k1 import ffi, lib  # type: ignore[import-not-found]  # compiled, without a stub
from coincurve.context import GLOBAL_CONTEXT

from bench.effort import burst
from bench.link import Refused
from tallystick.manager.hsm.address import TokenAddress, parse_address, read_pin
from tallystick.manager.hsm.library import load_library
from tallystick.manager.hsm.place import label_of
from tallystick.manager.hsm.role import Realm, Role

#: how often each operation stands in one check
OPERATIONS = {"sign": 1, "ecdh": 1, "verify": 2, "public key": 3}
#: requests and replies of one check, the upgrade among them
TURNS = 9
_REQUEST, _REPLY = 260, 150
_CHUNK = 65536


def curve_operations() -> dict[str, Callable[[], object]]:
    """Return each operation: C functions on values that are there already."""
    context = GLOBAL_CONTEXT.ctx
    private, digest = os.urandom(32), os.urandom(32)
    point, signature, shared = (
        ffi.new(kind) for kind in ("secp256k1_pubkey *", "secp256k1_ecdsa_signature *", "unsigned char[32]")
    )
    lib.secp256k1_ec_pubkey_create(context, point, private)
    null = ffi.NULL
    lib.secp256k1_ecdsa_sign(context, signature, digest, private, null, null)
    return {
        "public key": lambda: lib.secp256k1_ec_pubkey_create(context, point, private),
        "sign": lambda: lib.secp256k1_ecdsa_sign(context, signature, digest, private, null, null),
        "verify": lambda: lib.secp256k1_ecdsa_verify(context, signature, digest, point),
        "ecdh": lambda: lib.secp256k1_ecdh(context, shared, point, private, null, null),
    }


def curve_us(*, seconds: float) -> dict[str, float]:
    """Return the microseconds of each operation."""
    return {name: 1e3 * _burst(one, seconds=seconds) for name, one in curve_operations().items()}


def _burst(work: Callable[[], object], *, seconds: float) -> float:
    return burst(lambda _: work(), seconds=seconds).p50_ms


def check_us(operations: dict[str, float]) -> float:
    """Return the microseconds of all curve operations of one side of a check."""
    return sum(number * operations[name] for name, number in OPERATIONS.items())


@contextmanager
def token_signing(keys: str) -> Iterator[Callable[[bytes], bytes]]:
    """Give the signer's signature of a digest (32 bytes) by a token: PKCS#11 alone, with nothing of ours around it."""
    from pkcs11 import Mechanism, ObjectClass, SignMixin

    address = parse_address(keys)
    if not isinstance(address, TokenAddress):
        raise Refused("these keys are not in a token")
    pin = read_pin(address.pin_source).reveal().decode("ascii")
    token = load_library(str(address.module)).get_token(token_label=address.token)
    with token.open(user_pin=pin) as session:
        key = session.get_key(object_class=ObjectClass.PRIVATE_KEY, label=label_of(Realm.TEST, Role.SIGNER))
        if not isinstance(key, SignMixin):
            raise Refused("the token's key does not sign")
        yield lambda digest: key.sign(digest, mechanism=Mechanism.ECDSA)


def token_us(keys: str, *, seconds: float) -> float:
    """Return the microseconds of one signature by a token."""
    digest = os.urandom(32)
    with token_signing(keys) as sign:
        return 1e3 * burst(lambda _: sign(digest), seconds=seconds).p50_ms


def packets_us(*, checks: int = 300) -> float:
    """Return the CPU microseconds that the packets of one check cost their server: accept, `recv` and `send` in turn, close.

    The client is a process of its own, as devices are.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:
        child = os.fork()
        if child == 0:
            for _ in range(checks):
                with socket.create_connection(listener.getsockname()) as client:
                    for _ in range(TURNS):
                        client.send(bytes(_REPLY))
                        client.recv(_CHUNK)
            os._exit(0)
        began = time.process_time()
        for _ in range(checks):
            connection, _ = listener.accept()
            with connection:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                while connection.recv(_CHUNK):
                    connection.send(bytes(_REQUEST))
        spent = time.process_time() - began
        os.waitpid(child, 0)
    return 1e6 * spent / checks
