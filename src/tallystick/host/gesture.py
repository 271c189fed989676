"""The gestures a device may be waiting for, in words for the person who is to make them."""

from __future__ import annotations

from enum import StrEnum, unique


@unique
class Gesture(StrEnum):
    """What the person owes the device; the values are stable words for machine-readable output."""

    UNLOCK = "unlock"
    ALLOW_OPEN_APP = "allow_open_app"
    ALLOW_LIST_APPS = "allow_list_apps"
    ALLOW_RENAME = "allow_rename"
    COMPARE_ADDRESS = "compare_address"
    REVIEW_TRANSACTION = "review_transaction"
    ALLOW_MANAGER = "allow_manager"
    ALLOW_INSTALL = "allow_install"
    ALLOW_FIRMWARE = "allow_firmware"
    START_BOOTLOADER = "start_bootloader"
    REPLACE_KEY = "replace_key"
    ALLOW_EXPORT = "allow_export"
    ALLOW_IMPORT = "allow_import"
    BREAK_SEAL = "break_seal"

    @property
    def words(self) -> str:
        """One sentence that says what to do."""
        return _WORDS[self]


_WORDS = {
    Gesture.UNLOCK: "Unlock the device: enter its PIN.",
    Gesture.ALLOW_OPEN_APP: "Allow on the device that the app is opened.",
    Gesture.ALLOW_LIST_APPS: "Allow on the device that its apps are listed.",
    Gesture.ALLOW_RENAME: "Confirm the new name on the device.",
    Gesture.COMPARE_ADDRESS: "Compare the address on the device with the one you expect, then approve or reject it there.",
    Gesture.REVIEW_TRANSACTION: "Read the transaction on the device, page by page, then approve or reject it there.",
    Gesture.ALLOW_MANAGER: "Allow on the device that this manager speaks to it.",
    Gesture.ALLOW_INSTALL: "Confirm on the device what is to be installed or removed.",
    Gesture.ALLOW_FIRMWARE: "Compare the version on the device, then confirm there that the firmware is installed.",
    Gesture.START_BOOTLOADER: "Unplug the device, hold its left button, and plug it in again.",
    Gesture.REPLACE_KEY: "Read on the device what is lost with the attestation key it has, then confirm there that it is replaced.",
    Gesture.ALLOW_EXPORT: "Compare the key on the sending device, then allow there that it leaves for good.",
    Gesture.ALLOW_IMPORT: "Allow on the receiving device that it takes a key.",
    Gesture.BREAK_SEAL: "Compare hash and key on the device, then sign there: the key can never move afterwards.",
}
