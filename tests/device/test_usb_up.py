"""`tally up --usb tcp` as a user starts it: the locked Normal World is the USB device, and the plug works."""

import contextlib
import os
import signal
import socket
import time

import pytest
from isolated_stage import worlds
from process_stage import PATIENCE_S
from up_stage import Up
from usb_stage import FakeHost

from tallystick.wire.urb import Direction, ReturnReader, Submit
from tallystick.wire.usbip import IMPORT_REPLY_BYTES, DeviceListRequest, ImportRequest

NAME = bytes.fromhex("b001000000")


class SocketHost(FakeHost):
    """The host made by hand, over TCP: each transfer waits for its answer."""

    def __init__(self, port):
        self.link = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
        self.answers, self.sequence, self._reader = {}, 0, ReturnReader()
        self.link.sendall(ImportRequest().to_bytes())
        head = b""
        while len(head) < IMPORT_REPLY_BYTES:
            chunk = self.link.recv(IMPORT_REPLY_BYTES - len(head))
            assert chunk, "it is not lent"
            head += chunk
        assert head[4:8] == bytes(4)

    def submit(self, direction, endpoint, *, data=b"", length=None, setup=bytes(8)):
        """Submit a transfer, and wait until it is answered."""
        self.sequence += 1
        if direction is Direction.IN:
            self._reader.expect(self.sequence)
        size = len(data) if length is None else length
        self.link.sendall(Submit(self.sequence, direction, endpoint, size, data, setup).to_bytes())
        while self.sequence not in self.answers:
            heard = self.link.recv(65536)
            assert heard, "it is unplugged"
            self.answers |= {answer.sequence: answer for answer in self._reader.receive(heard)}
        return self.sequence

    def product_id(self):
        """Return the product id that its descriptor tells."""
        return int.from_bytes(self.control(0x80, 6, 0x0100, 0, 18)[10:12], "little")

    def wait_for_end(self):
        """Wait until the device is unplugged."""
        while self.link.recv(65536):
            pass
        self.link.close()


def listed(port):
    """Return how many devices there are to lend; none where whoever should say so is just ending."""
    said = b""
    with (
        contextlib.suppress(ConnectionError),
        socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as link,
    ):
        link.sendall(DeviceListRequest().to_bytes())
        while chunk := link.recv(4096):
            said += chunk
    return int.from_bytes(said[8:12], "big")


def until_listed(port):
    """Wait until there is a device to lend: it starts."""
    deadline = time.monotonic() + PATIENCE_S
    while not listed(port):
        assert time.monotonic() < deadline, "it does not come back"


@pytest.mark.parametrize("board", ["isolated", "embedded"])
def test_the_device_is_on_usb_and_comes_back_after_the_plug_was_pulled(board):
    """It answers APDUs, is unplugged with the plug, and comes back as its bootloader, and again as itself."""
    with Up("--board", board, "--usb", "tcp:0") as device:
        assert device.facts["usb"]["kind"] == "tcp"
        port = device.facts["usb"]["port"]
        host = SocketHost(port)
        host.configure()
        assert host.product_id() == 0x5011
        assert host.exchange(NAME)[:7] == b"\x01\x05BOLOS"
        for hold, expected in (("left", 0x0005), (None, 0x5011)):
            device.rest("POST", "/replug", {"hold": hold})
            host.wait_for_end()
            until_listed(port)
            host = SocketHost(port)
            assert host.product_id() == expected
        host.configure()
        assert host.exchange(NAME)[:7] == b"\x01\x05BOLOS"
        host.link.close()


def test_a_normal_world_that_dies_unplugs_the_device_and_the_next_one_is_plugged_in():
    """The host sees the plug come out; what serves it afterwards is a fresh process."""
    with Up("--usb", "tcp:0") as device:
        host = SocketHost(device.facts["usb"]["port"])
        host.configure()

        os.kill(worlds(device)["normal"], signal.SIGKILL)
        host.wait_for_end()
        until_listed(device.facts["usb"]["port"])
        again = SocketHost(device.facts["usb"]["port"])
        again.configure()
        assert again.exchange(NAME)[:7] == b"\x01\x05BOLOS"
        again.link.close()
