"""System calls of native apps about input and output by packets: one status and one event by turns (native-apps 1).

Apps up to API level 24 send and receive them (`io_seph_*`), and so do those of newer levels that bring an IO stack of their own
(`os_io_seph_*`: results are told instead of thrown, and what is received begins with its kind).

Apps of these levels have a USB stack of their own; an APDU that comes as a packet by itself needs none of it, and is answered by
one. It has to fit the app's buffer for packets: a longer one comes by that USB stack, as from a cable. Where the app has none, or
the APDU is longer than any of them takes, it is answered for the app, with 6700.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Final

from tallystick.device.native.bagl_component import display
from tallystick.device.native.bluetooth import completed
from tallystick.device.native.io_call import Packet, answer, next_event, take_text
from tallystick.device.native.machine import Asking, Handler, Machine, Throw
from tallystick.device.native.seph import Tag, packet, packet_of
from tallystick.device.native.usb_host import MAX_APDU, ROOM
from tallystick.wire.syscall import ApduEvent, NativeEvent, Outcome, ReportEvent, Request, Response

__all__ = ["HANDLERS"]

_INVALID_PARAMETER: Final = 0x02
_STATUS_TAGS: Final = range(0x60, 0x70)
_WRONG_LENGTH: Final = 0x6700
#: models whose apps paint by system calls: what apps with debugging on tell of their screen as well is not drawn a second time
_PAINTERS: Final = frozenset({"nanox", "nanosp"})
_HEAD_BYTES: Final = 3
#: what is told instead of a length (errno.h, negative), and the flag that asks for the last packet (os_io.h)
_NOT_NOW, _NO_PLACE, _AGAIN = -1, -22, 1
#: of an APDU that comes as a packet apps keep three bytes less than their buffer for APDUs has, without a word
_MAX_DIRECT: Final = MAX_APDU


def _send(machine: Machine, arguments: tuple[int, ...]) -> int:
    """Take a packet, or a part of one."""
    pointer, size = arguments[0], arguments[1] & 0xFFFF
    window = machine.window
    data = machine.memory.read(pointer, size)
    if window.packets.is_between and window.is_status_sent and data[:1] and data[0] in _STATUS_TAGS:
        return 0
    for tag, body in window.packets.feed(data):
        _take(machine, tag, body)
    return 0


def _take(machine: Machine, tag: int, body: bytes) -> None:
    window = machine.window
    if tag == Tag.APDU_ANSWER:
        answer(machine, body)
    elif tag == Tag.USB_CONFIGURE:
        window.usb.configured(body)
    elif tag == Tag.USB_PREPARE:
        whole = window.usb.prepared(body)
        if whole is not None:
            answer(machine, whole)
    elif tag == Tag.BLUETOOTH_COMMAND:
        _command(machine, body)
    elif tag == Tag.TEXT:
        take_text(machine, body)
    elif tag in {Tag.DISPLAY, Tag.DISPLAY_DEBUG}:
        if machine.info.model not in _PAINTERS:
            display(machine, body)
        window.events.append(packet(Tag.DISPLAYED_EVENT))
    if tag in _STATUS_TAGS:
        window.is_status_sent = True
        window.received = 0


def _command(machine: Machine, body: bytes) -> None:
    """Carry out a command to the Bluetooth controller: later firmware than that of 1.x goes on without."""
    event = b"" if machine.generation.trampoline else completed(body)
    if event:
        machine.window.events.append(packet(Tag.BLUETOOTH_EVENT, event))


def _is_status_sent(machine: Machine, _arguments: tuple[int, ...]) -> int:
    return int(machine.window.is_status_sent)


def _receive(machine: Machine, arguments: tuple[int, ...]) -> Asking:
    """Give the next packet, or say once more how long the last one was while no status followed it."""
    pointer, room = arguments[0], arguments[1] & 0xFFFF
    if machine.window.received:
        return machine.window.received
    if room < _HEAD_BYTES:
        raise Throw(_INVALID_PARAMETER)
    heard = yield from _next(machine, room)
    machine.memory.write(pointer, heard)
    return len(heard)


def _transmit(machine: Machine, arguments: tuple[int, ...]) -> int:
    """os_io_seph_tx(packet, length, timeout): how many bytes were taken, or -1 while it is the app's turn to receive."""
    pointer, size = arguments[0], arguments[1] & 0xFFFF
    if not pointer or not size:
        return _NO_PLACE
    window = machine.window
    is_other_status = window.packets.is_between and machine.memory.read(pointer, 1)[0] in _STATUS_TAGS
    if window.is_status_sent and not is_other_status:
        return _NOT_NOW
    _send(machine, arguments)
    return size


def _receive_kind(machine: Machine, arguments: tuple[int, ...]) -> Asking:
    """os_io_seph_se_rx_event(buffer, room, timeout, whether from the OS, flags): the length of its kind and the next packet.

    -1 while it is the app's turn to send. With the flag that asks for it, the last packet is given once more.
    """
    pointer, room, flags = arguments[0], arguments[1] & 0xFFFF, arguments[4]
    window = machine.window
    if not pointer or room <= _HEAD_BYTES:
        return _NO_PLACE
    if not flags & _AGAIN:
        if not window.is_status_sent:
            return _NOT_NOW
        window.last = bytes((Packet.SEPH,)) + (yield from _next(machine, room - 1, is_own_stack=True))
    heard = window.last[:room]
    machine.memory.write(pointer, heard)
    return len(heard)


def _next(machine: Machine, room: int, *, is_own_stack: bool = False) -> Generator[Request, Outcome, bytes]:
    """Wait for the next packet, and give as much of it as there is room for; it is the app's turn then.

    An app's own stack is given no APDU before it has plugged in, as over a cable: it refuses what comes while it starts. Until then
    time passes, though not for ever.
    """
    window = machine.window
    while not window.events:
        held = window.held
        if held is not None and (window.usb.is_plugged or not window.patience):
            window.held = None
            _hear(machine, held, room)
        elif held is not None or (window.usb.is_held_up and window.patience):
            window.patience -= 1
            window.events.append(packet(Tag.TICK_EVENT))
        elif window.usb.gives_up():
            machine.response = Response(b"", _WRONG_LENGTH)
        elif window.usb.loses():
            yield from machine.complain("U2F", "the app has no interface for it")
        elif not window.events:
            event = yield from next_event(machine)
            if is_own_stack and isinstance(event, ApduEvent):
                window.held = event
            else:
                _hear(machine, event, room)
    heard = window.events.popleft()[:room]
    window.is_status_sent, window.received = False, len(heard)
    return heard


def _hear(machine: Machine, event: NativeEvent, room: int) -> None:
    """Have the app hear of an event, by its cable if that is an APDU longer than its buffer."""
    if isinstance(event, ReportEvent):
        machine.window.usb.report(event.raw)
        return
    heard = packet_of(event)
    if len(heard) <= min(room, _MAX_DIRECT):
        machine.window.events.extend((heard,) if heard else ())
    elif isinstance(event, ApduEvent) and len(event.raw) <= MAX_APDU and room >= ROOM:
        machine.window.usb.send(event.raw)
    elif isinstance(event, ApduEvent):
        machine.response = Response(b"", _WRONG_LENGTH)


HANDLERS: Final[Mapping[str, Handler]] = {
    "io_seph_send": _send,
    "io_seph_is_status_sent": _is_status_sent,
    "io_seph_recv": _receive,
    "os_io_seph_tx": _transmit,
    "os_io_seph_se_rx_event": _receive_kind,
}
