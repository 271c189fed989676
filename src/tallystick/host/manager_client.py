"""A manager as the host sees it: its catalogue over HTTP (wire-protocol H.1, H.2), and its flows (`manager_socket`).

Every question is a GET, is asked again when the way fails, and its answer is read up to a limit.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any, Final

import httpx

from tallystick.errors import RemoteProtocolError, TransportError
from tallystick.host.manager_address import ManagerAddress, ManagerError, NotOffered, is_loopback, unreachable
from tallystick.host.manager_socket import CONNECT_S, Flow, OpenSocket, WebSocket
from tallystick.wire.manager_app import AppV2
from tallystick.wire.manager_firmware import DeviceVersion, FinalFirmware, McuVersion, OsuFirmware
from tallystick.wire.manager_flow import FlowPath, FlowRequest

#: bytes of one answer; the vendor's whole catalogue is a tenth of it
MAX_ANSWER_BYTES: Final = 32 << 20
#: seconds between two pieces of an answer
READ_S: Final = 30.0
_TRIES: Final = 3
_RETRY_PAUSE_S: Final = 0.3
#: the version of the client that managers are told; some offer updates by it (wire-protocol H)
_LIVE_VERSION: Final = "34.0.0"


class ManagerClient:
    """Asks one manager. `http` and `open_socket` are the edges; `pause` waits between tries, in seconds.

    Every method raises NotOffered when the manager does not have it, ManagerError or ManagerTimeout when it cannot be asked, and
    RemoteProtocolError for an answer that makes no sense.
    """

    def __init__(
        self,
        address: ManagerAddress,
        *,
        http: httpx.Client | None = None,
        open_socket: OpenSocket = WebSocket,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self.address = address
        self._open_socket = open_socket
        self._pause = pause
        self._http = http or httpx.Client(
            timeout=httpx.Timeout(READ_S, connect=CONNECT_S), trust_env=not is_loopback(address.http)
        )

    def close(self) -> None:
        """Let go of connections."""
        self._http.close()

    def flow(self, path: FlowPath, request: FlowRequest) -> Flow:
        """Open a flow; raise ManagerError or ManagerTimeout when its socket does not open."""
        return Flow(self.address.ws, path, request, open_socket=self._open_socket)

    def device_version(self, target_id: int, *, provider: int) -> DeviceVersion:
        """Return the device with a target id."""
        return DeviceVersion.from_json(self._get("get_device_version", target_id=target_id, provider=provider))

    def firmware_version(self, device: int, version: str, *, provider: int) -> FinalFirmware:
        """Return the firmware that calls itself `version`."""
        return FinalFirmware.from_json(
            self._get("get_firmware_version", device_version=device, version_name=version, provider=provider)
        )

    def osu_version(self, device: int, version: str, *, provider: int) -> OsuFirmware:
        """Return the step of an update that calls itself `version`."""
        return OsuFirmware.from_json(
            self._get("get_osu_version", device_version=device, version_name=version, provider=provider)
        )

    def latest_firmware(self, device: int, final: int, *, provider: int, salt: str) -> OsuFirmware | None:
        """Return the step to the newest firmware that is offered, None when there is none."""
        document = self._get(
            "get_latest_firmware",
            current_se_firmware_final_version=final,
            device_version=device,
            provider=provider,
            salt=salt,
        )
        if not isinstance(document, dict):
            raise RemoteProtocolError("the manager's answer about the newest firmware is not an object")
        if document.get("result") != "success":
            return None
        return OsuFirmware.from_json(document.get("se_firmware_osu_version"))

    def final_firmware(self, final: int) -> FinalFirmware:
        """Return a firmware by its id."""
        return FinalFirmware.from_json(self._get(f"firmware_final_versions/{final}"))

    def mcu_versions(self, *, provider: int) -> tuple[McuVersion, ...]:
        """Return every version for the second processor."""
        return tuple(McuVersion.from_json(one) for one in self._list("mcu_versions", provider=provider))

    def apps(self, target_id: int, version: str, *, provider: int) -> tuple[AppV2, ...]:
        """Return the apps for a device with the OS `version`, the newest version of each."""
        found = self._list("v2/apps/by-target", target_id=target_id, firmware_version_name=version, provider=provider)
        return tuple(AppV2.from_json(one) for one in found)

    def _list(self, path: str, **query: str | int) -> list[Any]:
        document = self._get(path, **query)
        if not isinstance(document, list):
            raise RemoteProtocolError("the manager's answer is not a list")
        return document

    def _get(self, path: str, **query: str | int) -> object:
        url = f"{self.address.http}/{path}"
        parameters = {**query, "livecommonversion": _LIVE_VERSION}
        for is_last in (*[False] * (_TRIES - 1), True):
            try:
                return self._read(url, parameters)
            except httpx.HTTPError as error:
                if is_last:
                    raise self._unreachable(error) from error
                self._pause(_RETRY_PAUSE_S)
        raise ManagerError("the manager was not asked")

    def _unreachable(self, error: httpx.HTTPError) -> TransportError:
        return unreachable(
            self.address.http,
            error,
            is_late=isinstance(error, httpx.TimeoutException),
            is_refused=isinstance(error, httpx.ConnectError),
        )

    def _read(self, url: str, query: dict[str, str | int]) -> object:
        """Ask once; a manager that is overburdened counts as one that cannot be reached."""
        with self._http.stream("GET", url, params=query, headers={"Accept": "application/json"}) as answer:
            body = bytearray()
            for piece in answer.iter_bytes():
                body += piece
                if len(body) > MAX_ANSWER_BYTES:
                    raise RemoteProtocolError(f"the manager's answer is longer than {MAX_ANSWER_BYTES} bytes")
        if answer.status_code in {httpx.codes.BAD_GATEWAY, httpx.codes.SERVICE_UNAVAILABLE}:
            raise httpx.TransportError(f"HTTP {answer.status_code}")
        if answer.status_code == httpx.codes.NOT_FOUND:
            raise NotOffered(
                f"the manager does not know it: {_said(answer, bytes(body))}",
                remedy="see what it has: tally app list --available; or name another with --manager",
            )
        if answer.status_code != httpx.codes.OK:
            raise ManagerError(
                f"the manager answered HTTP {answer.status_code}: {_said(answer, bytes(body))}",
                remedy="see whether the URL is a manager's, and its log",
            )
        return _json(bytes(body))


def _json(body: bytes) -> object:
    try:
        document: object = json.loads(body)
    except (ValueError, RecursionError):
        raise RemoteProtocolError(
            "the manager's answer is not JSON", remedy="see whether the URL is a manager's"
        ) from None
    return document


def _said(answer: httpx.Response, body: bytes) -> str:
    """Return a manager's own words about a failure, if they can be printed."""
    try:
        document = _json(body)
    except RemoteProtocolError:
        document = None
    text = document.get("message") if isinstance(document, dict) else None
    if isinstance(text, str) and text.isprintable():
        return text[:200]
    return answer.reason_phrase or "no words"
