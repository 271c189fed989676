"""A device in the jig, before anybody listens to it: how it is held, its first process, and power.

What holds it for its life is `isolated`, which is loaded while the device boots; nothing here needs an event loop.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from tallystick.device.board.panel_pair import panel_pair
from tallystick.device.board.silicon_process import Silicon

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tallystick.device.board.jig import PowerOn
    from tallystick.wire.bundle import Bundle


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchOptions:
    """What to hold and how. `folder` is a device directory, ``chip`` and ``flash``; one that is not kept is gone afterwards."""

    folder: Path
    is_kept: bool = True
    model: str
    listener: socket.socket
    http: socket.socket | None = None
    #: listens for USB hosts; None without USB
    usb: socket.socket | None = None
    #: listens for gRPC clients that were built for Zemu; None for none
    zemu: socket.socket | None = None
    #: listens for the program that is its Bluetooth radio; None without Bluetooth
    ble: socket.socket | None = None
    approve: bool = False
    automation: str = ""
    seed: str = field(default="", repr=False)
    pin: str = field(default="", repr=False)
    expert: bool = False
    bundles: Iterable[Bundle] = ()
    open_app: str = ""
    pin_policy: str = "LEDGER"
    repeatable_rng: int | None = None
    trace: bool = False
    facts: dict[str, Any] = field(default_factory=dict)


class Plug:
    """One device in the jig. It is plugged in at once, and gets power from `power`."""

    def __init__(self, options: BenchOptions) -> None:
        self.options = options
        #: the device's end and the panel's end of the link between them; None without a panel
        self.panel_ends = panel_pair() if options.http is not None else None
        #: the device's first process; None while no power can come
        self.silicon: Silicon | None = self._plug_in(options.bundles)

    def power(self) -> None:
        """Switch the device on, for the first time."""
        from tallystick.device.board.jig import PowerOn

        self.switch_on(PowerOn(**self.order(is_first=True)))

    def switch_on(self, order: PowerOn) -> Silicon:
        """Switch the device on, held as `order` says; it is plugged in again if need be. Return its first process."""
        silicon = self.silicon or self._plug_in()
        self.silicon = silicon
        silicon.power(replace(order, bundle_fds=silicon.bundle_fds))
        return silicon

    def close(self) -> None:
        """Take the device out of the jig, if it is there: nothing of it is left."""
        silicon, self.silicon = self.silicon, None
        if silicon is not None:
            silicon.off()

    def order(self, *, is_first: bool) -> dict[str, Any]:
        """Return the members of the order that says how the device is held; a test device's words come with the first alone."""
        options = self.options
        order: dict[str, Any] = {
            "model": options.model,
            "expert": options.expert,
            "pin_policy": options.pin_policy,
            "repeatable_rng": options.repeatable_rng,
            "facts": options.facts,
            "trace": options.trace,
            "listener_fd": options.listener.fileno(),
            "usb_fd": options.usb.fileno() if options.usb is not None else -1,
            "zemu_fd": options.zemu.fileno() if options.zemu is not None else -1,
            "ble_fd": options.ble.fileno() if options.ble is not None else -1,
            "panel_fd": self.panel_ends[0].fileno() if self.panel_ends is not None else -1,
        }
        if is_first:
            order |= {"seed": options.seed, "pin": options.pin, "open_app": options.open_app}
        return order

    def _plug_in(self, bundles: Iterable[Bundle] = ()) -> Silicon:
        descriptors = [self.options.listener.fileno()]
        others = (self.options.usb, self.options.zemu, self.options.ble)
        descriptors.extend(one.fileno() for one in others if one is not None)
        if self.panel_ends is not None:
            descriptors.append(self.panel_ends[0].fileno())
        return Silicon(self.options.folder, descriptors=descriptors, bundles=[bundle.raw for bundle in bundles])
