"""Genuine check and list of installed apps (wire-protocol H.3, H.4)."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from tallystick.errors import RemoteProtocolError
from tallystick.manager.flow import Ask, Flow, FlowResult
from tallystick.manager.genuine.channel import ChannelKeys, ask, open_channel
from tallystick.wire.app_list import AppListEntry, decode_app_list
from tallystick.wire.channel import Channel
from tallystick.wire.image import AppFlag
from tallystick.wire.loader import ListApps, ListMoreApps

#: pages of one list: more apps than fit any flash
_MAX_PAGES = 512
_LIST = ListApps().to_bytes()
_LIST_MORE = ListMoreApps().to_bytes()


def check_genuine(keys: ChannelKeys, target_id: int) -> Flow:
    """Check that a device owns a key which the issuer certified.

    The result is two bytes in hexadecimal: whether the device runs a user interface, and an app of a custom CA, that
    did not come from here. ``0000`` is a good device.
    """
    opened = yield from open_channel(keys, target_id)
    apps = yield from _list(opened.channel)
    foreign_interface = any(app.flags & AppFlag.BOLOS_UX for app in apps)
    custom_authority = any(app.flags & AppFlag.CUSTOM_CA for app in apps)
    return FlowResult(data=f"{int(foreign_interface):02x}{int(custom_authority):02x}")


def list_apps(keys: ChannelKeys, target_id: int) -> Flow:
    """List what is installed: name, flags and both hashes of every app."""
    opened = yield from open_channel(keys, target_id)
    apps = yield from _list(opened.channel)
    return FlowResult(result=[_entry(app) for app in apps if app.is_app])


def _entry(app: AppListEntry) -> dict[str, Any]:
    return {
        "flags": app.flags,
        "hash": app.full_hash.hex(),
        "hash_code_data": app.code_hash.hex(),
        "name": app.name,
    }


def _list(channel: Channel) -> Generator[Ask, bytes, list[AppListEntry]]:
    apps: list[AppListEntry] = []
    command = _LIST
    for _ in range(_MAX_PAGES):
        page = decode_app_list((yield from ask(channel, command)))
        if not page:
            return apps
        apps += page
        command = _LIST_MORE
    raise RemoteProtocolError("the list of apps has no end")
