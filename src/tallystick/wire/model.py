"""The models we can be or meet: identifiers, screen and memory (wire-protocol A.1, A.2, A.4, C.7 and H.2)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

__all__ = ["MODELS", "VENDOR_ID", "Model", "by_ble_service", "by_product_id", "by_target_id", "version_key"]

VENDOR_ID: Final = 0x2C97

_VERSION = re.compile(r"(\d{1,5})\.(\d{1,5})(?:\.(\d{1,5}))?", re.ASCII)


def version_key(version: str) -> tuple[int, int, int]:
    """Return an OS version as three numbers to compare by; a suffix is left out, and what is no version counts as 0.0.0."""
    match = _VERSION.match(version)
    if match is None:
        return (0, 0, 0)
    return (int(match[1]), int(match[2]), int(match[3] or 0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """What tells one model from another.

    `target_id` is the secure element's (32 bits), `older_target_ids` those of its earlier firmware. `product_high` is the high
    byte of the USB product id and `bootloader_product_id` the whole id in bootloader mode. `ble_service` is the third group
    of the service UUID, None without Bluetooth. Screen sizes are pixels, memory sizes bytes; `block_changes` says from which
    OS version on clients count in blocks of another size.
    """

    name: str
    product: str
    target_id: int
    older_target_ids: tuple[int, ...] = ()
    mcu_target_id: int | None = None
    product_high: int
    bootloader_product_id: int
    ble_service: str | None = None
    screen_width: int
    screen_height: int
    touch: bool = False
    flash_bytes: int
    block_bytes: int
    block_changes: tuple[tuple[tuple[int, int, int], int], ...] = ()

    @property
    def product_id(self) -> int:
        """The USB product id with the HID and WebUSB interfaces: clients of any age look at the high byte."""
        return self.product_high << 8 | 0x11

    @property
    def ble_service_uuid(self) -> str | None:
        """The Bluetooth service, None without Bluetooth."""
        return None if self.ble_service is None else f"13d63400-2c97-{self.ble_service}-0000-4c6564676572"

    def block_bytes_at(self, os_version: str) -> int:
        """Return the size of the blocks in which an OS of this version counts an app's size."""
        size = self.block_bytes
        for since, changed in self.block_changes:
            if version_key(os_version) >= since:
                size = changed
        return size


_KIB = 1024

_ALL = (
    Model(
        name="nanos",
        product="Nano S",
        target_id=0x31100004,
        older_target_ids=(0x31100003, 0x31100002),
        mcu_target_id=0x01000001,
        product_high=0x10,
        bootloader_product_id=0x0001,
        screen_width=128,
        screen_height=32,
        flash_bytes=320 * _KIB,
        block_bytes=4 * _KIB,
        block_changes=(((2, 0, 0), 2 * _KIB),),
    ),
    Model(
        name="nanox",
        product="Nano X",
        target_id=0x33000004,
        mcu_target_id=0x05010003,
        product_high=0x40,
        bootloader_product_id=0x0004,
        ble_service="0004",
        screen_width=128,
        screen_height=64,
        flash_bytes=2048 * _KIB,
        block_bytes=4 * _KIB,
    ),
    # the S Plus and the touch models: what current clients' public device tables say, 1533 KiB in blocks of 32 bytes, since
    # clients draw the free space by their own table
    Model(
        name="nanosp",
        product="Nano S+",
        target_id=0x33100004,
        product_high=0x50,
        bootloader_product_id=0x0005,
        screen_width=128,
        screen_height=64,
        flash_bytes=1533 * _KIB,
        block_bytes=32,
    ),
    Model(
        name="stax",
        product="Stax",
        target_id=0x33200004,
        product_high=0x60,
        bootloader_product_id=0x0006,
        ble_service="6004",
        screen_width=400,
        screen_height=672,
        touch=True,
        flash_bytes=1533 * _KIB,
        block_bytes=32,
    ),
    Model(
        name="flex",
        product="Flex",
        target_id=0x33300004,
        product_high=0x70,
        bootloader_product_id=0x0007,
        ble_service="3004",
        screen_width=480,
        screen_height=600,
        touch=True,
        flash_bytes=1533 * _KIB,
        block_bytes=32,
    ),
    Model(
        name="apex_p",
        product="Nano Gen5",
        target_id=0x33400004,
        product_high=0x80,
        bootloader_product_id=0x0008,
        ble_service="8004",
        screen_width=300,
        screen_height=400,
        touch=True,
        flash_bytes=1533 * _KIB,
        block_bytes=32,
    ),
)

#: every model by its name
MODELS: Final[Mapping[str, Model]] = MappingProxyType({model.name: model for model in _ALL})

_BY_TARGET_ID = {target: model for model in _ALL for target in (model.target_id, *model.older_target_ids)}


def by_target_id(target_id: int) -> Model | None:
    """Return the model with this secure-element target id, of any firmware age, or None."""
    return _BY_TARGET_ID.get(target_id)


def by_ble_service(service: str) -> Model | None:
    """Return the model with this Bluetooth service (the third group of its UUID), or None."""
    return next((model for model in _ALL if service and model.ble_service == service), None)


def by_product_id(product_id: int) -> Model | None:
    """Return the model with this USB product id, or None: a bootloader's id exactly, else by the high byte, as clients do."""
    for model in _ALL:
        if product_id == model.bootloader_product_id:
            return model
    return next((model for model in _ALL if product_id >> 8 == model.product_high), None)
