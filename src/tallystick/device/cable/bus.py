"""The D-Bus system bus, as far as Bluetooth needs it. This module alone knows the library that speaks it (extra ``ble``)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dbus_fast import BusType, DBusError, Message, MessageType, Variant
from dbus_fast.aio import MessageBus
from dbus_fast.errors import AuthError, InvalidAddressError

from tallystick.device.cable.gatt import Refusal, Typed
from tallystick.errors import TransportError

__all__ = ["Bus"]

#: answers a call: path, interface, member, body
Answer = Callable[[str, str, str, list[Any]], list[Typed]]
#: hears a signal: path, interface, member, body
Hear = Callable[[str, str, str, list[Any]], None]


class Bus:
    """A connection to the system bus. Calls below our own paths are answered by `answer`, signals are heard by `hear`."""

    def __init__(self, *, answer: Answer, hear: Hear) -> None:
        self._answer = answer
        self._hear = hear
        self._bus: MessageBus | None = None

    async def open(self) -> None:
        """Connect; raise TransportError when there is no bus."""
        try:
            bus = MessageBus(bus_type=BusType.SYSTEM)
            bus.add_message_handler(self._handle)
            self._bus = await bus.connect()
        except (OSError, AuthError, InvalidAddressError) as error:
            raise TransportError(
                f"there is no D-Bus system bus here: {error}",
                remedy="Bluetooth needs BlueZ, which containers do not have: run it on the machine itself",
            ) from error

    async def call(self, path: str, interface: str, member: str, *values: Typed, to: str = "org.bluez") -> list[Any]:
        """Call a method and return what it answers, variants opened; raise Refusal with the error that it answers."""
        if self._bus is None:
            raise TransportError("the bus is closed")
        message = Message(
            destination=to,
            path=path,
            interface=interface,
            member=member,
            signature="".join(signature for signature, _ in values),
            body=[_closed(signature, value) for signature, value in values],
        )
        try:
            reply = await self._bus.call(message)
        except (OSError, EOFError, DBusError) as error:
            raise TransportError(f"the D-Bus system bus is gone: {error}") from error
        if reply.message_type is MessageType.ERROR:
            name = reply.error_name or ""
            raise Refusal(name, str(reply.body[0]) if reply.body else name)
        return [_opened(one) for one in reply.body]

    async def listen(self, rule: str) -> None:
        """Hear the signals that `rule` describes."""
        await self.call(
            "/org/freedesktop/DBus", "org.freedesktop.DBus", "AddMatch", ("s", rule), to="org.freedesktop.DBus"
        )

    def signal(self, path: str, interface: str, member: str, *values: Typed) -> None:
        """Send a signal; nobody need hear it."""
        if self._bus is not None:
            body = [_closed(signature, value) for signature, value in values]
            signature = "".join(signature for signature, _ in values)
            self._bus.send(Message.new_signal(path, interface, member, signature, body))

    def close(self) -> None:
        """Disconnect."""
        bus, self._bus = self._bus, None
        if bus is not None:
            bus.disconnect()

    def _handle(self, message: Message) -> Message | bool | None:
        path, interface, member = message.path or "", message.interface or "", message.member or ""
        body = [_opened(one) for one in message.body]
        if message.message_type is MessageType.SIGNAL:
            self._hear(path, interface, member, body)
            return None
        if message.message_type is not MessageType.METHOD_CALL:
            return None
        try:
            answer = self._answer(path, interface, member, body)
        except Refusal as refusal:
            return Message.new_error(message, refusal.name, refusal.message)
        except (IndexError, TypeError, ValueError, AttributeError):
            return Message.new_error(message, "org.freedesktop.DBus.Error.InvalidArgs", "wrong arguments")
        signature = "".join(signature for signature, _ in answer)
        return Message.new_method_return(message, signature, [_closed(one, value) for one, value in answer])


def _closed(signature: str, value: Any) -> Any:
    """Put the pairs that stand where D-Bus has variants into variants."""
    if signature == "v":
        return Variant(value[0], _closed(value[0], value[1]))
    if signature.startswith("a{") and isinstance(value, dict):
        return {key: _closed(signature[3:-1], one) for key, one in value.items()}
    return value


def _opened(value: Any) -> Any:
    """Take what is in variants out of them."""
    if isinstance(value, Variant):
        return _opened(value.value)
    if isinstance(value, dict):
        return {key: _opened(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_opened(one) for one in value]
    return value
