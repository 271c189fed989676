"""From an address, or none, to the one device that is meant.

Addresses: ``hid:`` (the only one plugged in), ``hid:SERIAL`` or ``hid:PATH`` (their beginning is enough), ``tcp:HOST:PORT``,
``http://…`` and ``https://…``, ``ble:``, ``ble:ADDRESS`` or ``ble:NAME`` (their beginning is enough). Without an address: the proxy of LEDGER_PROXY_ADDRESS and LEDGER_PROXY_PORT, else the only
device on USB, else a device that listens at 127.0.0.1:9999; never by Bluetooth, which takes seconds. Nothing is ever guessed among several.
"""

from __future__ import annotations

import secrets
import socket
from collections.abc import Callable
from dataclasses import dataclass

from tallystick.errors import AmbiguousDevice, DeviceNotFound, TransportError, UsageError
from tallystick.host.transport.base import Transport
from tallystick.host.transport.ble import BleInfo, BleRadio, BleTransport, system_radio
from tallystick.host.transport.hid import HidInfo, HidModule, HidTransport, candidates, hidapi
from tallystick.host.transport.http import HttpTransport
from tallystick.host.transport.tcp import TcpTransport
from tallystick.wire.model import by_ble_service, by_product_id
from tallystick.wire.tcp import DEFAULT_PORT

LOCAL_HOST = "127.0.0.1"
_PROBE_TIMEOUT_S = 0.3
#: seconds to listen for devices on the air: they advertise several times in each
_SCAN_S = 5.0
_MAX_PORT = 65_535
_FORMS = "use hid:, hid:SERIAL, tcp:HOST:PORT, http://HOST:PORT/apdu or ble:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A device that could be meant: its address, the way to it (``usb``, ``tcp`` or ``ble``), and what is known of it."""

    url: str
    kind: str
    model: str = ""
    product: str = ""
    serial: str = ""
    path: str = ""


def is_listening(host: str, port: int) -> bool:
    """Tell whether somebody accepts connections at `host`:`port`, within a third of a second."""
    try:
        socket.create_connection((host, port), _PROBE_TIMEOUT_S).close()
    except OSError:
        return False
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Finder:
    """Look for devices. `proxy` is the host and port from the environment; the rest are the edges, replaceable in tests."""

    proxy: tuple[str, int] | None = None
    load_hid: Callable[[], HidModule] = hidapi
    load_ble: Callable[[], BleRadio] = system_radio
    probe: Callable[[str, int], bool] = is_listening
    draw_channel: Callable[[int], int] = secrets.randbelow

    def candidates(self) -> list[Candidate]:
        """Return every device that could be meant when no address is given, in the order of preference."""
        found = []
        if self.proxy is not None:
            found.append(Candidate(url=_tcp_url(*self.proxy), kind="tcp"))
        found += [_candidate(info, url) for info, url in self._plugged()]
        local = _tcp_url(LOCAL_HOST, DEFAULT_PORT)
        if all(one.url != local for one in found) and self.probe(LOCAL_HOST, DEFAULT_PORT):
            found.append(Candidate(url=local, kind="tcp"))
        return found

    def nearby(self) -> list[Candidate]:
        """Return the devices that are heard over Bluetooth, which takes some seconds; raise TransportError without an adapter."""
        radio = self.load_ble()
        try:
            return [_heard(info) for info in radio.scan(_SCAN_S)]
        finally:
            radio.close()

    def open(self, url: str | None = None) -> Transport:
        """Return the way to the device at `url`, or to the one that is meant without it.

        Raises UsageError for an address of no known form, AmbiguousDevice when several devices fit, DeviceNotFound when none
        does. Whether the device answers shows with the first request.
        """
        if url:
            return self._at(url)
        if self.proxy is not None:
            return TcpTransport(*self.proxy)
        plugged = self._plugged()
        if plugged:
            return self._hid(plugged, wanted="")
        if self.probe(LOCAL_HOST, DEFAULT_PORT):
            return TcpTransport(LOCAL_HOST, DEFAULT_PORT)
        raise DeviceNotFound(
            f"no device on USB, and none at {_tcp_url(LOCAL_HOST, DEFAULT_PORT)}",
            remedy="plug a device in, start one with `tally up`, or name one with --device",
        )

    def _at(self, url: str) -> Transport:
        scheme, _, rest = url.partition(":")
        if scheme in {"http", "https"}:
            return HttpTransport(url)
        if scheme == "tcp":
            return TcpTransport(*parse_endpoint(rest))
        if scheme == "hid":
            return self._hid(self._plugged(is_optional=False), wanted=rest)
        if scheme == "ble":
            return self._ble(wanted=rest)
        raise UsageError(f"{url!r} is not the address of a device", remedy=_FORMS)

    def _plugged(self, *, is_optional: bool = True) -> list[tuple[HidInfo, str]]:
        try:
            module = self.load_hid()
        except TransportError:
            if is_optional:
                return []
            raise
        infos = candidates(module)
        serials = [info.serial for info in infos]
        # real devices of some models share one serial number, and then only the path tells them apart
        return [
            (info, f"hid:{info.serial}" if info.serial and serials.count(info.serial) == 1 else _path_url(info))
            for info in infos
        ]

    def _hid(self, plugged: list[tuple[HidInfo, str]], *, wanted: str) -> Transport:
        fitting = [
            (info, url)
            for info, url in plugged
            if info.serial.startswith(wanted) or _path_url(info).removeprefix("hid:").startswith(wanted)
        ]
        if not fitting:
            what = f"no device on USB fits hid:{wanted}" if wanted else "no device on USB"
            raise DeviceNotFound(what, remedy="plug it in and unlock it; `tally device list` shows what is there")
        if len(fitting) > 1:
            urls = [url for _, url in fitting]
            raise AmbiguousDevice(
                f"{len(urls)} devices fit: {', '.join(urls)}",
                candidates=urls,
                remedy=f"choose one, for example with --device {urls[0]}",
            )
        info, url = fitting[0]
        return HidTransport(info, module=self.load_hid(), channel=self.draw_channel(0x10000), url=url)

    def _ble(self, *, wanted: str) -> Transport:
        radio = self.load_ble()
        try:
            heard = radio.scan(_SCAN_S)
        finally:
            radio.close()
        fitting = [
            info for info in heard if info.address.lower().startswith(wanted.lower()) or info.name.startswith(wanted)
        ]
        if not fitting:
            what = f"no device on the air fits ble:{wanted}" if wanted else "no device is heard over Bluetooth"
            raise DeviceNotFound(what, remedy="unlock it, switch its Bluetooth on, and bring it near")
        if len(fitting) > 1:
            urls = [f"ble:{info.address}" for info in fitting]
            raise AmbiguousDevice(
                f"{len(urls)} devices fit: {', '.join(urls)}",
                candidates=urls,
                remedy=f"choose one, for example with --device {urls[0]}",
            )
        return BleTransport(fitting[0], radio=radio)


def parse_endpoint(text: str) -> tuple[str, int]:
    """Read ``HOST:PORT``, IPv6 in brackets; raise UsageError for anything else."""
    host, _, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not host or not (port.isascii() and port.isdigit()) or not 0 < int(port[:6]) <= _MAX_PORT:
        raise UsageError(f"{text!r} is not a host and a port", remedy=f"write it like tcp:{LOCAL_HOST}:{DEFAULT_PORT}")
    return host, int(port)


def _tcp_url(host: str, port: int) -> str:
    return f"tcp:[{host}]:{port}" if ":" in host else f"tcp:{host}:{port}"


def _path_url(info: HidInfo) -> str:
    return f"hid:{info.path.decode('ascii', 'replace')}"


def _heard(info: BleInfo) -> Candidate:
    model = by_ble_service(info.service)
    return Candidate(
        url=f"ble:{info.address}", kind="ble", model=model.name if model else "", product=info.name, path=info.address
    )


def _candidate(info: HidInfo, url: str) -> Candidate:
    model = by_product_id(info.product_id)
    return Candidate(
        url=url,
        kind="usb",
        model=model.name if model else "",
        product=info.product,
        serial=info.serial,
        path=info.path.decode("ascii", "replace"),
    )
