"""The bootloader's commands: ``E0 04`` with the MCU's target id, then a Normal World in plain ``E0 00`` (wire-protocol G.1).

Addresses are absolute and begin at `BASE`; areas and chunks may come in any order, also from the top down. What counts is the
memory at the boot command: it holds one package, and the package the one Normal World that the update on its way names.
Without an update on its way nothing is taken. Whatever is refused, the device stays in its bootloader.
"""

from __future__ import annotations

from tallystick.device.os.consent import Handler, require_no_parameters
from tallystick.device.os.upgrade import Upgrade
from tallystick.wire.apdu import CommandApdu
from tallystick.wire.dashboard import Ins
from tallystick.wire.firmware import MAX_PACKAGE
from tallystick.wire.loader_command import decode_command
from tallystick.wire.loader_image import Boot, CheckCrc, Flush, Load, SetLoadOffset
from tallystick.wire.loader_layout import crc16
from tallystick.wire.status import Reject, StatusWord

#: where the memory of the MCU begins
BASE = 0x08000000


class McuFlash:
    """Takes a Normal World from one client at a time: the last that selected the target. `target_id` is the MCU's."""

    def __init__(self, upgrade: Upgrade, *, target_id: int) -> None:
        self._upgrade = upgrade
        self._target_id = target_id
        self._client: int | None = None
        self._memory = bytearray()
        self._segment: int | None = None
        self.handlers: dict[int, Handler] = {Ins.VALIDATE_TARGET_ID: self._select, Ins.CHANNEL: self._command}

    def drop(self, channel: int | None) -> None:
        """Forget what the client of `channel` had begun; None is all clients."""
        if channel is None or channel == self._client:
            self._client, self._segment = None, None
            self._memory.clear()

    async def _select(self, apdu: CommandApdu, channel: int) -> bytes:
        require_no_parameters(apdu)
        if len(apdu.data) != 4:
            raise Reject(StatusWord.WRONG_LENGTH)
        if int.from_bytes(apdu.data, "big") != self._target_id:
            raise Reject(StatusWord.WRONG_TARGET_ID)
        self.drop(None)
        self._client = channel
        return b""

    async def _command(self, apdu: CommandApdu, channel: int) -> bytes:
        require_no_parameters(apdu)
        if channel != self._client or self._upgrade.pending is None:
            raise Reject(StatusWord.CONDITIONS_NOT_SATISFIED)
        match decode_command(apdu.data, bootloader=True):
            case SetLoadOffset(address=address):
                if not BASE <= address <= BASE + MAX_PACKAGE:
                    raise Reject(StatusWord.CHUNK_OFFSET_INVALID)
                self._segment = address - BASE
            case Load(offset=offset, data=data):
                self._write(self._at(offset), data)
            case CheckCrc(offset=offset, length=length, crc=crc):
                start = self._at(offset)
                if start + length > len(self._memory):
                    raise Reject(StatusWord.CHUNK_OFFSET_INVALID)
                if crc16(bytes(self._memory[start : start + length])) != crc:
                    raise Reject(StatusWord.DATA_INVALID)
            case Flush():
                self._at(0)
            case Boot(address=address):
                self._boot(address & ~1)
        return b""

    def _at(self, offset: int) -> int:
        if self._segment is None:
            raise Reject(StatusWord.CONDITIONS_NOT_SATISFIED)
        return self._segment + offset

    def _write(self, start: int, data: bytes) -> None:
        end = start + len(data)
        if end > MAX_PACKAGE:
            raise Reject(StatusWord.NOT_ENOUGH_SPACE_5103)
        if end > len(self._memory):
            self._memory.extend(bytes(end - len(self._memory)))
        self._memory[start:end] = data

    def _boot(self, address: int) -> None:
        """Hand the memory over; what was refused is forgotten, so that the next try begins anew."""
        raw = bytes(self._memory)
        client = self._client
        self.drop(None)
        self._client = client
        if address != BASE:
            raise Reject(StatusWord.CHUNK_OFFSET_INVALID)
        self._upgrade.put_normal_world(raw)
