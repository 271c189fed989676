"""System calls of native apps about input and output at API levels 25 to 27: whole APDUs cross the border (native-apps 1).

`os_io_rx_evt` waits for what comes next and gives a kind and its bytes; `os_io_tx_cmd` sends one. What goes to an MCU that is
not there is taken and forgotten.
"""

from __future__ import annotations

import struct
from collections.abc import Generator, Mapping
from enum import IntEnum, unique
from typing import Final

from tallystick.device.native.fido_port import INIT_BYTES, FidoPacket, fido_port_of
from tallystick.device.native.framebuffer import Area
from tallystick.device.native.machine import Asking, Handler, Machine, Throw
from tallystick.device.native.seph import Tag, packet_of
from tallystick.wire.call_canvas import Inputs, Paint
from tallystick.wire.syscall import (
    MAX_REPLY,
    Answer,
    ApduEvent,
    NativeEvent,
    Outcome,
    ReportEvent,
    Request,
    Response,
    SendReports,
    Wait,
)

__all__ = ["HANDLERS", "Packet", "answer", "next_event", "send_reports"]

_INVALID_PARAMETER: Final = 0x02
_OVERFLOW: Final = 0x0F
_STATUS_BYTES: Final = 2
#: bytes of pixels and of an answer that go in one message, with as many texts as there can be
_MAX_TOGETHER: Final = 1 << 15
_BOX: Final = struct.Struct(">HHHH")
_TOUCHES, _HAS_LEFT = 1, 2


@unique
class Packet(IntEnum):
    """Kinds of what is received and sent."""

    SEPH = 0x01
    SYSTEM_EVENT = 0x02
    RAW_APDU = 0x10
    USB_HID_APDU = 0x20
    BLE_APDU = 0x30


_APDUS: Final = range(Packet.RAW_APDU, 0x42)
_FIDO: Final = frozenset(kind.value for kind in FidoPacket)


def _nothing(_machine: Machine, _arguments: tuple[int, ...]) -> int:
    return 0


def next_event(machine: Machine) -> Generator[Request, Outcome, NativeEvent]:
    """Show what was drawn, send the answer there is, and wait for what comes next, unless that came with what was before."""
    window = machine.window
    painting: Paint | None = None
    for part in window.show():
        if painting is not None:
            yield painting
        painting = part
    if window.reports:
        if painting is not None:
            yield painting
            painting = None
        yield from send_reports(machine)
    response, machine.response = machine.response, None
    window.is_owing &= response is None
    event = yield from (_wait if not window.ahead else _go_on)(machine, painting, response)
    machine.calls = 0
    window.heard(event)
    return event


def send_reports(machine: Machine) -> Generator[Request, Outcome, None]:
    """Send the reports for FIDO that there are; one that says to wait on makes time matter as an event does."""
    window = machine.window
    if window.reports:
        reports = tuple(window.reports)
        window.reports.clear()
        window.keep_awake()
        yield SendReports(reports)


def _wait(
    machine: Machine, painting: Paint | None, response: Response | None
) -> Generator[Request, Outcome, NativeEvent]:
    """Tell the OS all there is, and hear what comes next."""
    window = machine.window
    if painting is not None and len(painting.data) + (0 if response is None else len(response.data)) > _MAX_TOGETHER:
        yield painting
        painting = None
    event: NativeEvent | Inputs = (yield Wait(response, window.wants_ticks, painting)).unwrap()
    if isinstance(event, Inputs):
        window.ahead.extend(event.events)
        return window.ahead.popleft()
    return event


def _go_on(
    machine: Machine, painting: Paint | None, response: Response | None
) -> Generator[Request, Outcome, NativeEvent]:
    """Tell the OS what there is to tell, and go on with what is known to come next."""
    if painting is not None:
        yield painting
    if response is not None:
        yield Answer(response)
    return machine.window.ahead.popleft()


def _receive(machine: Machine, arguments: tuple[int, ...]) -> Asking:
    """Wait for an APDU, or for the person."""
    pointer, room = arguments[:2]
    while True:
        event = yield from next_event(machine)
        if isinstance(event, ApduEvent):
            packet = bytes((Packet.USB_HID_APDU,)) + event.raw
        elif isinstance(event, ReportEvent):
            packet = yield from _report(machine, event.raw, room & 0xFFFF)
            if not packet:
                continue
        elif heard := packet_of(event):
            packet = bytes((Packet.SEPH,)) + heard
        else:
            continue
        if len(packet) > room & 0xFFFF:
            raise Throw(_OVERFLOW)
        machine.memory.write(pointer, packet)
        machine.window.is_status_sent = False
        return len(packet)


def _report(machine: Machine, report: bytes, room: int) -> Generator[Request, Outcome, bytes]:
    """Take a report for FIDO; return what the app hears of it, if anything."""
    if machine.window.fido is None:
        yield from machine.complain("U2F", "the app has no interface for it")
        return b""
    return machine.window.fido.heard(report, room=room)


def _initialize(machine: Machine, arguments: tuple[int, ...]) -> int:
    """os_io_init(settings): of all interfaces that an app asks for, only FIDO's is not there anyway."""
    pointer, window = arguments[0], machine.window
    window.fido = fido_port_of(machine.memory.read(pointer, INIT_BYTES), window.reports) if pointer else None
    return 0


def answer(machine: Machine, data: bytes) -> None:
    """Keep an APDU's answer until the app waits again; raise Throw for one that is none."""
    if not _STATUS_BYTES <= len(data) <= MAX_REPLY + _STATUS_BYTES:
        raise Throw(_INVALID_PARAMETER)
    machine.response = Response(data[:-_STATUS_BYTES], int.from_bytes(data[-_STATUS_BYTES:], "big"))


def _send(machine: Machine, arguments: tuple[int, ...]) -> int:
    """Take an APDU's answer, or a text that the shared library drew; other packets have nobody to go to."""
    kind, pointer, size = arguments[0] & 0xFF, arguments[1], arguments[2] & 0xFFFF
    data = machine.memory.read(pointer, size)
    if kind in _FIDO:
        if machine.window.fido is not None:
            machine.window.fido.sent(kind, data)
    elif kind in _APDUS:
        answer(machine, data)
    elif kind == Packet.SEPH:
        for tag, body in machine.window.packets.feed(data):
            if tag == Tag.TEXT:
                take_text(machine, body)
    return size


def take_text(machine: Machine, body: bytes) -> None:
    """Note a line of text that tells itself: the text, then its box (x, y, width, height u16 big endian)."""
    if len(body) >= _BOX.size:
        x, y, w, h = _BOX.unpack(body[-_BOX.size :])
        text = body[: -_BOX.size].decode("utf-8", "replace")
        machine.window.texts.tell(text, Area(x=x, y=y, w=w, h=h))


def _last_touch(machine: Machine, arguments: tuple[int, ...]) -> int:
    """Tell where the finger is, or was: x and y u16, state u8 (1 touches, 2 has left), and three bytes of no meaning here."""
    finger = machine.window.finger
    state = _TOUCHES if finger.pressed else _HAS_LEFT
    machine.memory.write(arguments[0], struct.pack("<HHB3x", finger.x, finger.y, state))
    return 0


def _buttons(machine: Machine, _arguments: tuple[int, ...]) -> int:
    """Tell which buttons were down when the app last heard of them: 1 left, 2 right."""
    return machine.window.buttons


HANDLERS: Final[Mapping[str, Handler]] = {
    "os_io_init": _initialize,
    "os_io_start": _nothing,
    "os_io_stop": _nothing,
    "os_io_rx_evt": _receive,
    "os_io_tx_cmd": _send,
    "io_button_read": _buttons,
    "touch_get_last_info": _last_touch,
    "touch_exclude_borders": _nothing,
    "touch_set_state": _nothing,
}
