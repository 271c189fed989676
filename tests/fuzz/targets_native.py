"""Fuzz targets of native apps: files of linked apps, hex files, what goes into an app's process, an app itself, and gdb.

As in `targets_wire`: a target returns when the bytes are accepted or refused with the declared error. An app may do what it
likes: it ends, or waits, or is ended with a report.
"""

import contextlib
from collections.abc import Callable

from tallystick.device.native.cpu import Register
from tallystick.device.native.elf import Elf
from tallystick.device.native.gdb_packet import MAX_PACKET, PacketReader, packet
from tallystick.device.native.gdb_stub import GdbStub
from tallystick.device.native.image import image_from_elf, image_from_hex
from tallystick.device.native.machine import Crash
from tallystick.device.native.program import program
from tallystick.device.native.worker import UnicornCpu
from tallystick.errors import RemoteProtocolError, UsageError
from tallystick.wire.image import AppImage, CreateApp
from tallystick.wire.install import InstallParameters
from tallystick.wire.intel_hex import IntelHex
from tallystick.wire.native import NativeImage
from tallystick.wire.syscall import CallStatus, DeviceInfo, Exchange, Idle, Outcome, Wait

_INFO = DeviceInfo(model="nanox", target_id=0, os_version="1", mcu_version="1", touch=False, page_width=16)
_MAX_CALLS = 200
_PARAMETERS = InstallParameters(name="Fuzz", version="1").to_bytes()


def elf(data: bytes) -> None:
    """Read a linked app and make an image of it."""
    with contextlib.suppress(RemoteProtocolError, UsageError):
        image = image_from_elf(Elf.from_bytes(data))
        assert image.create.code_length


def hex_file(data: bytes) -> None:
    """Read a hex file and make an image of it."""
    with contextlib.suppress(RemoteProtocolError):
        image = image_from_hex(IntelHex.from_bytes(data), parameters=_PARAMETERS, data_bytes=len(data) % 64)
        assert image.create.code_length


class _Memory:
    """What a debugger finds: registers of zero, 64 bytes at 0."""

    def get(self, _register: Register) -> int:
        return 0

    def set(self, _register: Register, value: int) -> None:
        assert value >= 0

    def peek(self, address: int, size_bytes: int) -> bytes | None:
        return bytes(size_bytes) if 0 <= address <= address + size_bytes <= 64 else None

    def poke(self, address: int, data: bytes) -> bool:
        return self.peek(address, len(data)) is not None


def gdb(data: bytes) -> None:
    """Read a stream of packets and answer each; what is sent back can be sent, and is bounded."""
    reader = PacketReader()
    stub = GdbStub(_Memory(), moved=(-1, 1))
    for words in reader.feed(data):
        reply, _ = stub.answer(words)
        assert len(packet(reply or "")) <= 2 * MAX_PACKET + 4
    assert len(stub.breakpoints) <= 64


def process(data: bytes) -> None:
    """Read what a native app's process is given."""
    with contextlib.suppress(RemoteProtocolError):
        native = NativeImage.from_bytes(data)
        assert NativeImage.from_bytes(native.raw) == native


def code(data: bytes) -> None:
    """Run the bytes as an app; whatever it asks is not granted."""
    code = (data or b"\0")[: 1 << 16]
    create = CreateApp(api_level=26, code_length=len(code), data_length=0, parameters_length=len(_PARAMETERS))
    image = AppImage(create=create, code=code, data=b"", parameters=_PARAMETERS)
    with contextlib.suppress(Crash, StopIteration):
        running = program(UnicornCpu(), NativeImage(image=image), _INFO, budget=20_000, calls=_MAX_CALLS)
        outcome = None
        for _ in range(_MAX_CALLS):
            request = running.send(outcome)
            if isinstance(request, Exchange | Wait):
                break
            outcome = Outcome() if isinstance(request, Idle) else Outcome(CallStatus.BAD_ARGUMENT)


#: by the name of the folder that holds the seeds
targets: dict[str, Callable[[bytes], None]] = {
    "elf": elf,
    "hex": hex_file,
    "process": process,
    "code": code,
    "gdb": gdb,
}
