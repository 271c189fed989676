"""Scripts for a device: through the secure channel for the Secure World, plain for the bootloader (wire-protocol E, G.1, H.4).

A script is sent as one bulk. Its commands are wrapped before the device has answered any of them, which holds because every one of
them is answered without data: nothing but the commands moves the channel's chain.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tallystick.manager.flow import Ask, Flow, FlowResult, Run
from tallystick.manager.genuine.channel import ChannelKeys, ask, open_channel
from tallystick.wire.dashboard import Ins, request
from tallystick.wire.loader import LoaderVersion, VersionQuery

#: makes the contents of the commands, sub-command byte first; called once the device is known to be genuine
Script = Callable[[], Sequence[bytes]]


def run_script(keys: ChannelKeys, target_id: int, script: Script) -> Flow:
    """Open a channel to a genuine device and send it a script."""
    opened = yield from open_channel(keys, target_id)
    yield Run(tuple(opened.channel.command(plain) for plain in script()))
    return FlowResult()


def run_firmware(keys: ChannelKeys, target_id: int, script: Callable[[str], Sequence[bytes]]) -> Flow:
    """Open a channel to a genuine device, ask for the version that it runs, and send it the script for that version."""
    opened = yield from open_channel(keys, target_id)
    answer = yield from ask(opened.channel, VersionQuery().to_bytes())
    commands = script(LoaderVersion.from_bytes(answer).version)
    yield Run(tuple(opened.channel.command(plain) for plain in commands))
    return FlowResult()


def run_plain(target_id: int, script: Script) -> Flow:
    """Send a script to a bootloader, which has no channel and checks signatures itself."""
    yield Ask(request(Ins.VALIDATE_TARGET_ID, data=target_id.to_bytes(4, "big")))
    yield Run(tuple(request(Ins.CHANNEL, data=plain) for plain in script()))
    return FlowResult()
