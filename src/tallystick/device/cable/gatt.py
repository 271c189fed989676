"""What BlueZ is offered over D-Bus: the service of a device, its advertisement, and who may pair. Without the bus: calls in, answers out.

Three objects. The service has the characteristics of wire-protocol A.4, which want an encrypted link of two ends that know
each other: a passkey is shown here and typed there, so that nobody pairs who cannot see it. Values are pairs of a D-Bus
signature and what stands there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tallystick.errors import TransportError
from tallystick.wire.ble import notify_uuid, service_uuid, write_uuid, write_without_response_uuid
from tallystick.wire.radio import MAX_FRAME_BYTES, Disconnected, Frame, Linked, Mtu, Present, RadioMessage

__all__ = [
    "ADVERTISEMENT",
    "AGENT",
    "AGENT_CAPABILITY",
    "CHARACTERISTIC_INTERFACE",
    "NOTIFY",
    "ROOT",
    "Peripheral",
    "Refusal",
    "Typed",
]

#: a D-Bus signature, and a value of it
Typed = tuple[str, Any]

ROOT = "/org/tallystick"
ADVERTISEMENT = f"{ROOT}/advertisement"
AGENT = f"{ROOT}/agent"
AGENT_CAPABILITY = "DisplayOnly"
_SERVICE = f"{ROOT}/service0"
NOTIFY = f"{_SERVICE}/char0"
_WRITES = (f"{_SERVICE}/char1", f"{_SERVICE}/char2")
CHARACTERISTIC_INTERFACE = "org.bluez.GattCharacteristic1"
_ADVERTISEMENT_INTERFACE = "org.bluez.LEAdvertisement1"
_SERVICE_INTERFACE = "org.bluez.GattService1"
_PROPERTIES = "org.freedesktop.DBus.Properties"
_LEAST_MTU, _MOST_MTU = 23, 517


class Refusal(TransportError):
    """A call that BlueZ, or who is behind it, is refused; `name` is the D-Bus error."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


class Peripheral:
    """The device `present` on the air. `say` is told what the link brings; `show` is given a passkey to show, empty when it is over."""

    def __init__(
        self, present: Present, *, say: Callable[[RadioMessage], None], show: Callable[[str], None] = lambda _code: None
    ) -> None:
        self._present = present
        self._say = say
        self._show = show
        self._is_subscribed = False
        self._mtu = _LEAST_MTU
        #: D-Bus path of who is linked; empty for nobody
        self.linked = ""

    def objects(self) -> dict[str, dict[str, dict[str, Typed]]]:
        """Return the objects of the service, with the properties of their interfaces."""
        service = self._present.service
        found: dict[str, dict[str, dict[str, Typed]]] = {
            _SERVICE: {_SERVICE_INTERFACE: {"UUID": ("s", service_uuid(service)), "Primary": ("b", True)}}
        }
        kinds = (
            (NOTIFY, notify_uuid(service), ["notify", "encrypt-authenticated-notify"]),
            (_WRITES[0], write_uuid(service), ["write", "encrypt-authenticated-write"]),
            (
                _WRITES[1],
                write_without_response_uuid(service),
                ["write-without-response", "encrypt-authenticated-write"],
            ),
        )
        for path, uuid, flags in kinds:
            properties: dict[str, Typed] = {"UUID": ("s", uuid), "Service": ("o", _SERVICE), "Flags": ("as", flags)}
            found[path] = {CHARACTERISTIC_INTERFACE: properties}
        return found

    def advertisement(self) -> dict[str, Typed]:
        """Return the properties of the advertisement."""
        return {
            "Type": ("s", "peripheral"),
            "ServiceUUIDs": ("as", [service_uuid(self._present.service)]),
            "LocalName": ("s", self._present.name),
        }

    def call(self, path: str, interface: str, member: str, body: list[Any]) -> list[Typed]:
        """Answer a method call of BlueZ; raise Refusal."""
        match interface, member:
            case "org.freedesktop.DBus.ObjectManager", "GetManagedObjects" if path == ROOT:
                return [("a{oa{sa{sv}}}", self.objects())]
            case "org.freedesktop.DBus.Properties", "GetAll" | "Get":
                return _properties(self._properties(path, str(body[0])), member, body)
            case "org.bluez.GattCharacteristic1", _:
                return self._characteristic(path, member, body)
            case "org.bluez.LEAdvertisement1", "Release" if path == ADVERTISEMENT:
                return []
            case "org.bluez.Agent1", _ if path == AGENT:
                return self._agent(member, body)
        raise Refusal("org.freedesktop.DBus.Error.UnknownMethod", f"{path} has no {interface}.{member}")

    def unlink(self, device: str = "") -> None:
        """Take note that `device`, or whoever is linked, is gone."""
        if self.linked and device in ("", self.linked):
            self.linked = ""
            self._mtu = _LEAST_MTU
            self._say(Disconnected())

    def _properties(self, path: str, interface: str) -> Mapping[str, Typed]:
        if (path, interface) == (ADVERTISEMENT, _ADVERTISEMENT_INTERFACE):
            return self.advertisement()
        return self.objects().get(path, {}).get(interface, {})

    def _characteristic(self, path: str, member: str, body: list[Any]) -> list[Typed]:
        match member:
            case "StartNotify" if path == NOTIFY:
                self._is_subscribed = True
            case "StopNotify" if path == NOTIFY:
                self._is_subscribed = False
                self.unlink()
            case "WriteValue" if path in _WRITES:
                self._write(bytes(body[0]), body[1])
            case _:
                raise Refusal("org.bluez.Error.NotSupported", f"{path} does not take {member}")
        return []

    def _write(self, data: bytes, options: Mapping[str, Any]) -> None:
        device, mtu = str(options.get("device", "")), int(options.get("mtu", _LEAST_MTU))
        if options.get("offset"):
            raise Refusal("org.bluez.Error.InvalidOffset", "a frame is written whole")
        if not data or len(data) > MAX_FRAME_BYTES:
            raise Refusal("org.bluez.Error.InvalidValueLength", "that is no frame")
        if not self._is_subscribed:
            return  # as a real device: deaf until somebody listens
        if self.linked and device != self.linked:
            raise Refusal("org.bluez.Error.NotPermitted", "somebody else is linked")
        mtu = min(max(mtu, _LEAST_MTU), _MOST_MTU)
        if not self.linked:
            self.linked = device
            self._say(Linked(mtu))
        elif mtu != self._mtu:
            self._say(Mtu(mtu))
        self._mtu = mtu
        self._say(Frame(data))

    def _agent(self, member: str, body: list[Any]) -> list[Typed]:
        match member:
            case "DisplayPasskey":
                self._show(f"{int(body[1]):06}")
            case "DisplayPinCode":
                self._show(str(body[1]))
            case "Cancel" | "Release":
                self._show("")
            case "AuthorizeService":
                pass  # of a device that is paired
            case _:
                raise Refusal("org.bluez.Error.Rejected", "pairing wants the passkey that is shown here")
        return []


def _properties(properties: Mapping[str, Typed], member: str, body: list[Any]) -> list[Typed]:
    if member == "GetAll":
        return [("a{sv}", dict(properties))]
    try:
        return [("v", properties[str(body[1])])]
    except (KeyError, IndexError):
        raise Refusal("org.freedesktop.DBus.Error.InvalidArgs", "there is no such property") from None
