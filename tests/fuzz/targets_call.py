"""Fuzz targets of what a running app asks: its process says what it likes to the OS, and code that was never meant calls the emulator.

The bytes are a script. As in `targets_wire`: a target returns when the app was answered, refused or ended, and lets everything
else out.
"""

import contextlib
import dataclasses
import logging
from collections.abc import Callable, Iterator
from functools import cache
from types import GeneratorType
from typing import Any

from tallystick.crypto.secret import Secret
from tallystick.device.native.call_table import CallTable
from tallystick.device.native.cpu import Register
from tallystick.device.native.cx_error import CxError
from tallystick.device.native.handler import HANDLERS, LIBRARY
from tallystick.device.native.host_memory import HostMemory
from tallystick.device.native.machine import Crash, Ended, Machine, Throw
from tallystick.device.native.memory import BadPointer
from tallystick.device.native.nvm import Nvm
from tallystick.device.native.table import NAMES
from tallystick.device.os.display.stack import Display
from tallystick.device.os.identity import VERSIONS
from tallystick.device.os.registry import Registry
from tallystick.device.os.storage import Storage
from tallystick.device.os.supervisor import Supervisor
from tallystick.device.os.syscalls import Syscalls
from tallystick.device.os.task import Promise, Scheduler
from tallystick.device.secure.endorsement import EndorsementKeys
from tallystick.device.secure.keychain import Keychain
from tallystick.device.silicon.clock import VirtualClock
from tallystick.device.silicon.entropy import RepeatableRng
from tallystick.device.silicon.flash import MemoryFlash
from tallystick.errors import RemoteProtocolError
from tallystick.wire.call_canvas import ButtonsInput, FingerInput, TickInput
from tallystick.wire.call_library import LibraryResult
from tallystick.wire.events import Button, FingerEvent, press
from tallystick.wire.image import AppFlag, AppImage, CreateApp
from tallystick.wire.install import Curve, Derivation, InstallParameters, Slip21Path
from tallystick.wire.model import MODELS
from tallystick.wire.native import NativeImage
from tallystick.wire.path import Bip32Path
from tallystick.wire.screen import Entry, Menu
from tallystick.wire.syscall import (
    MAX_MESSAGE,
    REQUESTS,
    ApduEvent,
    CallLibrary,
    CallStatus,
    DeriveNode,
    DeriveSecret,
    DeviceInfo,
    EndorsementCall,
    EndorsementMetadata,
    Log,
    MasterIdentifier,
    Outcome,
    Random,
    ReadRecord,
    Request,
    Response,
    SyscallError,
    Wait,
    request_from_bytes,
)

_NUMBERS = sorted(REQUESTS)
_MAX_STEPS = 40
_BUTTONS = (Button.LEFT, Button.RIGHT, Button.BOTH)
_MODELS = ("nanosp", "stax", "nanos")


class _Over(Exception):
    """The script has ended."""


class _Script:
    """Bytes taken one after the other; _Over behind the last."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def byte(self) -> int:
        if self._at >= len(self._data):
            raise _Over
        self._at += 1
        return self._data[self._at - 1]

    def take(self, size_bytes: int) -> bytes:
        self._at += size_bytes
        return self._data[self._at - size_bytes : self._at]

    def number(self, size_bytes: int) -> int:
        return int.from_bytes(self.take(size_bytes), "little")


@cache
def _keychain() -> Keychain:
    keychain = Keychain()
    keychain.fill(Secret(b"test " * 11 + b"junk"))
    return keychain


class _Life:
    """One process of an app, as the OS sees it: what it is answered can be sent."""

    def __init__(self, on_request: Callable[[Request], None], on_end: Callable[[str], None]) -> None:
        self._on_request, self.on_end = on_request, on_end
        self._asked: Request | None = None
        self.is_over = False

    def say(self, request: Request) -> None:
        self._asked = request
        self._on_request(request)

    def answer(self, outcome: Outcome | None) -> None:
        if outcome is not None and self._asked is not None:
            raw = outcome.to_bytes(self._asked)
            assert len(raw) <= MAX_MESSAGE
            Outcome.from_bytes(raw, self._asked)

    def kill(self) -> None:
        self.is_over = True


class _Stage:
    """The part of an OS that apps speak to, with one app that may do little."""

    runs_native = True

    def __init__(self, model: str) -> None:
        kind, rng = MODELS[model], RepeatableRng(0)
        self.clock = VirtualClock()
        self.scheduler = Scheduler(self.clock)
        self.display = Display(model=kind, scheduler=self.scheduler, panel=self)
        storage = Storage(MemoryFlash())
        endorsement = EndorsementKeys(flash=MemoryFlash(), rng=rng, keychain=_keychain(), serial="")
        endorsement.stage(1)
        endorsement.commit(b"certificate")
        calls = Syscalls(keychain=_keychain(), endorsement=endorsement, storage=storage, rng=rng, clock=self.clock)
        self.supervisor = Supervisor(host=self, scheduler=self.scheduler, display=self.display, syscalls=calls)
        registry = Registry(storage=storage, model=kind, os_version=VERSIONS[model].os)
        self.supervisor.find = registry.find
        registry.put(registry.measure(_image(data_length=64)))
        self.lives: list[_Life] = []
        self.display.idle(Menu(title="Home", entries=(Entry("Home"),)), lambda _index: None)
        self.app = registry.apps()[0]
        self.open()

    def open(self) -> None:
        self.supervisor.open(self.app, _INFO)

    def launch(self, _bundle: Any, _info: Any, *, on_request: Any, on_end: Any) -> _Life:
        self.lives.append(_Life(on_request, on_end))
        return self.lives[-1]

    def show(self, frame: Any) -> None:
        assert frame is not None

    def tell(self, _status: Any) -> None:
        pass


_INFO = DeviceInfo(model="nanox", target_id=0, os_version="1", mcu_version="1", touch=False, page_width=16)


def _image(*, data_length: int) -> AppImage:
    paths = (Bip32Path((44 | 1 << 31,)), Slip21Path("label"))
    derivation = Derivation(curves=Curve(0x7F), paths=paths)
    parameters = InstallParameters(name="Fuzz", version="1", derivation=derivation).to_bytes()
    create = CreateApp(
        api_level=26,
        code_length=1024,
        data_length=data_length,
        parameters_length=len(parameters),
        flags=AppFlag.LIBRARY | AppFlag.SIGN_WITHOUT_CODE_HASH,
    )
    return AppImage(create=create, code=bytes(range(256)) * 4, data=bytes(data_length), parameters=parameters)


def os(data: bytes) -> None:
    """Say calls of any kind as a native app's process, while APDUs, gestures and time go by; afterwards all is as it was before."""
    logging.disable(logging.CRITICAL)
    script = _Script(data)
    owed: list[Promise[Response]] = []
    try:
        stage = _Stage(_MODELS[script.byte() % len(_MODELS)])
        for _ in range(_MAX_STEPS):
            _step(stage, script, owed)
            stage.scheduler.run()
    except _Over:
        if not data:
            return
    finally:
        logging.disable(logging.NOTSET)
    stage.supervisor.close()
    stage.clock.turn(30)
    stage.scheduler.advance()
    assert stage.supervisor.app is None
    assert all(promise.done for promise in owed)
    assert all(life.is_over for life in stage.lives)


def _step(stage: _Stage, script: _Script, owed: list[Promise[Response]]) -> None:
    what = script.byte()
    if what < 0xA0:
        raw = bytes((_NUMBERS[what % len(_NUMBERS)],)) + script.take(script.byte())
        with contextlib.suppress(RemoteProtocolError):
            request = request_from_bytes(raw)
            if not stage.lives[-1].is_over:
                stage.lives[-1].say(request)
    elif what < 0xB8:
        owed.append(stage.supervisor.deliver(script.take(script.byte())))
    elif what < 0xC8:
        for event in press(_BUTTONS[what % 3]):
            stage.display.gesture(event)
    elif what < 0xD8:
        x, y = script.number(2) % 600, script.number(2) % 700
        for pressed in (True, False):
            stage.display.gesture(FingerEvent(x=x, y=y, pressed=pressed))
    elif what < 0xE0:
        stage.supervisor.reset()
        owed.clear()
    elif what < 0xF0:
        stage.clock.turn((what & 15) / 7)
        stage.scheduler.advance()
    elif what < 0xF4:
        stage.lives[-1].on_end("it broke")
    elif stage.supervisor.app is None:
        stage.open()


class _Cpu:
    """Memory whose rights the emulator looks up, and registers."""

    is_watched = False

    def __init__(self) -> None:
        self._memory = HostMemory()
        self._registers = [0] * len(Register)
        self.block = self._memory.block

    def map(self, address: int, size_bytes: int, access: Any) -> None:
        self._memory.add(HostMemory.fresh(address, size_bytes, access))

    def protect(self, address: int, size_bytes: int, access: Any) -> None:
        """Nothing is run."""

    def read(self, address: int, size_bytes: int) -> bytes:
        found = self._memory.read(address, size_bytes)
        assert found is not None
        return found

    def write(self, address: int, data: bytes) -> None:
        block = next(span for span in self._memory._spans if span.start <= address and address + len(data) <= span.end)
        block.memory[address - block.start : address - block.start + len(data)] = data

    def get(self, register: Register) -> int:
        return self._registers[register]

    def set(self, register: Register, value: int) -> None:
        self._registers[register] = value & 0xFFFF_FFFF

    def save(self) -> list[int]:
        return self._registers[:16]


#: levels that differ from one another in what a call takes
_LEVELS = (26, 22, 23, 12, 1)
_RAM, _RAM_BYTES = 0x2010_0000, 28 * 1024
_POINTERS = (
    *(_RAM + at for at in (0, 0x40, 0x80, 0xC0, 0x100, 0x180, 0x200, 0x280, 0x300, 0x400, 0x600, 0x800, 0x1000)),
    *(_RAM + _RAM_BYTES - at for at in (-1, 0, 1, 4, 32)),
    *(_RAM - 1, 0x0040_0000, 0x0040_03FF, 0x0040_0400, 0xC0DE_0000, 0xDA7A_0000, 0xDA7A_0100, 0x1F00_0000, 0x1F00_0400),
    *(0, 0xFFFF_FFFF, 0xFFFF_FFFC, 0xFFFF_FF00),
)
_NUMBERS_OF_CALLS = (
    *(
        0,
        1,
        2,
        3,
        4,
        5,
        8,
        9,
        16,
        20,
        28,
        31,
        32,
        33,
        48,
        63,
        64,
        65,
        66,
        72,
        73,
        97,
        100,
        128,
        255,
        256,
        257,
        512,
        513,
    ),
    *(0x21, 0x22, 0x24, 0x27, 0x2A, 0x31, 0x34, 0x39, 0x3A, 0x41, 0x42, 0x51, 0x61, 0x71, 0x81, 1000, 4096),
    *(0xFFFF_FFFF, 0xFFFF_FFF0, 0x8000_0000, 0x7FFF_FFFF, 0xFFFF, 0x10000, 0x100001),
)


@cache
def _calls(level: int) -> tuple[tuple[str, int], ...]:
    """Return what can be called at a level, with the number of arguments."""
    machine = _machine(level)
    table: CallTable = machine.generation.calls
    found = [table.find(number) for number in sorted(NAMES)]
    return (
        *((call.name, call.arguments) for call in found if call.name in HANDLERS),
        *((name, 12) for name in machine.generation.functions if name in LIBRARY),
    )


def _machine(level: int) -> Machine:
    image = _image(data_length=1500)
    create = dataclasses.replace(image.create, api_level=level)
    machine = Machine(_Cpu(), NativeImage(image=dataclasses.replace(image, create=create)), _INFO)  # type: ignore[arg-type]
    machine.nvm = Nvm(machine)
    return machine


def emulator(data: bytes) -> None:
    """Call what an app can call, with any arguments: it is answered, refused or ended in the declared ways, and asks what can be asked."""
    script = _Script(data)
    with contextlib.suppress(_Over, Ended):
        level = _LEVELS[script.byte() % len(_LEVELS)]
        machine, returned = _machine(level), [0]
        machine.memory.write(_RAM, script.take(script.byte()))
        for _ in range(_MAX_STEPS):
            calls = _calls(level)
            name, count = calls[script.number(2) % len(calls)]
            arguments = tuple(_argument(script, returned) for _ in range(count))
            machine.last_call = name
            with contextlib.suppress(BadPointer, Throw, CxError, SyscallError, Crash):
                handler = HANDLERS.get(name) or LIBRARY[name]
                result: Any = handler(machine, arguments)
                returned[:] = [*returned[-7:], int(_driven(result, script)) & 0xFFFF_FFFF]
            with contextlib.suppress(BadPointer):
                returned.append(machine.memory.words(_RAM, 1)[0])


def _argument(script: _Script, returned: list[int]) -> int:
    how = script.byte()
    if how < 0x60:
        return _POINTERS[how % len(_POINTERS)]
    if how < 0xD0:
        return _NUMBERS_OF_CALLS[how % len(_NUMBERS_OF_CALLS)]
    if how < 0xE0:
        return returned[how % len(returned)]
    return _RAM + script.number(2) % _RAM_BYTES if how < 0xF0 else script.number(4)


def _driven(result: Any, script: _Script) -> int:
    """Return what a call returns, after answering all it asks."""
    if not isinstance(result, GeneratorType):
        return int(result)
    outcome: Outcome | None = None
    for _ in range(4096):
        try:
            request = result.send(outcome)
        except StopIteration as end:
            return int(end.value)
        assert request_from_bytes(request.to_bytes()) == request or isinstance(request, Log)
        outcome = _granted(request, script)
    result.close()
    return 0


def _granted(request: Request, script: _Script) -> Outcome:
    """Return what the OS might answer."""
    byte = script.byte()
    if byte >= 0xF0 and not isinstance(request, Random | Wait):
        return Outcome(CallStatus(1 + byte % 9))
    value: object = None
    match request:
        case Random(size_bytes):
            value = bytes((byte,)) * size_bytes
        case DeriveNode():
            value = bytes((byte,)) * 64
        case DeriveSecret(scheme):
            value = bytes((byte,)) * (96, 32, 32, 160, 64, 64, 64)[scheme - 1]
        case MasterIdentifier():
            value = bytes(20)
        case Wait():
            value = next(_events(byte, script))
        case ReadRecord():
            value = script.take(byte) if byte & 1 else None
        case CallLibrary():
            value = LibraryResult(byte % 8, request.ram)
        case EndorsementMetadata():
            value = bytes(8)
        case EndorsementCall():
            value = bytes((byte,)) * 65
    if value is None and not isinstance(request, Log | ReadRecord):
        return Outcome(CallStatus.NOT_SUPPORTED)
    return Outcome(value=value)


def _events(byte: int, script: _Script) -> Iterator[object]:
    if byte & 1:
        yield ApduEvent(script.take(byte))
    elif byte & 2:
        yield ButtonsInput(byte >> 2 & 3)
    else:
        yield FingerInput(x=byte, y=byte, pressed=bool(byte & 4)) if byte & 8 else TickInput()


#: by the name of the folder that holds the seeds
targets: dict[str, Callable[[bytes], None]] = {"os": os, "emulator": emulator}
