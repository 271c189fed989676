"""What a native app's process holds of the device's secrets: the key that it asked for and may have, and nothing else."""

import os
import struct
from pathlib import Path

from native_stage import NativeStage
from process_stage import TEST_SENTENCE
from tests.unit.device.native.native_program import END, FLASH, RAM, call, image

from tallystick.crypto import bip32, bip39, slip21
from tallystick.wire.install import Curve, Derivation, InstallParameters
from tallystick.wire.path import Bip32Path

HARDENED = 0x80000000
#: what is read of a process at once
_PIECE = 1 << 20
RECEIVE, SEND, DERIVE = 0x03000089, 0x04000088, 0x05000053
PURPOSE = 44 | HARDENED
PATH, SIBLING, FOREIGN = (PURPOSE, 1, 7), (PURPOSE, 1, 8), (49 | HARDENED, 1, 7)


def asking():
    """Return an app that derives at two paths when asked, of which it may have one, and answers the exception of the other."""
    paths = [struct.pack(f"<{len(path)}I", *path) for path in (PATH, FOREIGN)]
    size = len(call(RECEIVE, 0, 0, 0)) * 2 + len(call(DERIVE, *range(5))) * 2 + len(call(SEND, 0, 0, 0, 0)) + len(END)
    at = FLASH + size
    code = call(RECEIVE, RAM, 300, 0)
    code += call(DERIVE, 0x21, at + 12, 3, RAM + 512, RAM + 544)
    code += call(DERIVE, 0x21, at, 3, RAM + 384, RAM + 416)
    code += call(SEND, 0x20, RAM + 384, 64, 0) + call(RECEIVE, RAM, 300, 0) + END
    derivation = Derivation(curves=Curve.SECP256K1, paths=(Bip32Path((PURPOSE,)),))
    parameters = InstallParameters(name="Demo", version="1.0", derivation=derivation).to_bytes()
    return image(code + b"".join(paths), parameters=parameters)


class Recorder:
    """A socket that remembers what was sent to the app."""

    def __init__(self, inner):
        self._inner = inner
        self.sent = []

    def send(self, data):
        """Send, and remember."""
        self.sent.append(bytes(data))
        return self._inner.send(data)

    def __getattr__(self, name):
        return getattr(self._inner, name)


def memory_of(pid):
    """Return all that a process has in memory; None where the user whose process it is may not look, as is meant."""
    parts = []
    try:
        with Path(f"/proc/{pid}/maps").open() as maps, Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
            for line in maps:
                words = line.split()
                if not words[1].startswith("r") or words[-1] in {"[vvar]", "[vsyscall]"}:
                    continue
                start, end = (int(number, 16) for number in words[0].split("-"))
                for at in range(start, end, _PIECE):
                    try:
                        parts.append(os.pread(memory.fileno(), min(_PIECE, end - at), at))
                    except OSError:  # a file that is shorter than its mapping
                        break
    except PermissionError:
        assert os.getuid()
        return None
    return b"".join(parts)


def secrets():
    """Return everything that no app may have, by name."""
    seed = bip39.seed(TEST_SENTENCE, "")
    node = bip32.master(seed)
    found = {"words": b"test test test", "seed": seed.reveal(), "labels": slip21.master(seed).key().reveal()}
    for path in ((), PATH[:1], PATH[:2], SIBLING, FOREIGN):
        at = bip32.derive(node, path)
        found[f"key at {path}"] = at.private_key.reveal()
        if path != PATH:
            found[f"chain code at {path}"] = at.chain_code
    return found


async def test_process_of_an_app_holds_no_secret_but_what_it_may_have():
    """An app that derives gets that one key: no message to it and no byte of its process has the seed, parents or other keys."""
    device = NativeStage(asking(), name="Demo")
    try:
        process = device.process
        process._socket = link = Recorder(process._socket)
        answer = await device.client.exchange("e001000000")
        key = bip32.derive(bip32.master(bip39.seed(TEST_SENTENCE, "")), PATH)
        own = key.private_key.reveal()
        assert answer[:32] == own  # of a test device, by a test's own app
        held = memory_of(device.pid)
    finally:
        device.close()
    messages = b"\0".join(link.sent)
    assert own in messages
    assert held is None or own in held
    for name, secret in secrets().items():
        for value in (secret, secret[::-1], secret.hex().encode()):
            assert value not in messages, name
            assert held is None or value not in held, name
