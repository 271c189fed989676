"""The secure channel, sans-IO, both roles (wire-protocol D, attestation 2).

`HostHandshake` yields the commands of a handshake and is sent the answers; `DeviceHandshake` has one method per step. Either
ends in a `Channel`, the record layer. Cryptography comes in through the Protocols `ChannelSuite` and `ChannelSigner`, which
`tallystick.crypto.scp` meets.
"""

from __future__ import annotations

from tallystick.wire.channel_device import DeviceCredentials, DeviceHandshake, HostSigner, TrustedKey
from tallystick.wire.channel_host import HostHandshake, OpenChannel, Unsigned
from tallystick.wire.channel_seam import Channel, ChannelEphemeral, ChannelRecords, ChannelSigner, ChannelSuite

__all__ = [
    "Channel",
    "ChannelEphemeral",
    "ChannelRecords",
    "ChannelSigner",
    "ChannelSuite",
    "DeviceCredentials",
    "DeviceHandshake",
    "HostHandshake",
    "HostSigner",
    "OpenChannel",
    "TrustedKey",
    "Unsigned",
]
