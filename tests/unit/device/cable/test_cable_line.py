"""What a cable's program says, what the virtual controller is told, and what uhid is given: no kernel needed."""

import io
import json
import os
import signal
import struct
import threading

import pytest

from tallystick.device.cable.client import borrow
from tallystick.device.cable.host import UsbHost
from tallystick.device.cable.line import complaint, serve
from tallystick.device.cable.uhid import create, output, refusal
from tallystick.device.cable.vhci import VhciCable
from tallystick.device.normal.listener import bind_private
from tallystick.device.normal.relay import Relay
from tallystick.device.normal.usbip_session import UsbipSession, UsbPort
from tallystick.errors import DeviceNotFound, PermissionDenied, TransportError
from tallystick.wire.hid import HidFraming
from tallystick.wire.role import Role
from tallystick.wire.usb import CONFIGURATION, REPORT, Descriptor, Setup
from tallystick.wire.world import Apdu, Introduce, Reply

STATUS = "hub port sta spd dev      sockfd local_busid\n"
ECHO = b"\xe0\x00\x00\x00\x02ab"


@pytest.fixture(autouse=True)
def interrupt():
    """Put back how an interrupt is taken: a cable's program leaves that to whoever holds it."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


class FakeCable:
    """A cable that plugs in as often as it is told to, up to `limit` times."""

    def __init__(self, limit=10, defect=None):
        self.limit, self.defect, self.plugs, self.is_closed = limit, defect, 0, False

    def prepare(self):
        """Complain, if it is to."""
        if self.defect is not None:
            raise self.defect

    def plug(self):
        """Plug in."""
        self.plugs += 1
        if self.plugs > self.limit:
            raise TransportError("every port is taken", remedy="detach")
        return {"port": self.plugs}

    def close(self):
        """Unplug."""
        self.is_closed = True


def spoken(cable, lines):
    """Return status and messages of a cable's program that is told these lines."""
    out = io.StringIO()
    status = serve(cable, io.StringIO(lines), out)
    assert cable.is_closed
    return status, [json.loads(line) for line in out.getvalue().splitlines()]


def test_a_cable_plugs_in_for_each_line_and_ends_with_its_input():
    """It says that it is ready first; what is no order is not heard."""
    status, said = spoken(FakeCable(), "plug\nunplug\nplug\n")
    assert (status, said) == (0, [{"ready": {}}, {"plugged": {"port": 1}}, {"plugged": {"port": 2}}])


def test_a_cable_that_cannot_says_why_and_ends():
    """Its complaint comes out at the other end as the error that it was, remedy included."""
    status, said = spoken(FakeCable(defect=PermissionDenied("only root may", remedy="be root")), "plug\n")
    assert status == 1
    error = complaint(said[0]["error"])
    assert (type(error), error.message, error.remedy) == (PermissionDenied, "only root may", "be root")
    status, said = spoken(FakeCable(limit=1), "plug\nplug\n")
    assert status == 1
    assert type(complaint(said[-1]["error"])) is TransportError


class Device:
    """A device that listens on a socket of its own, served by a thread: it echoes."""

    def __init__(self, *, has_power=True):
        self._relay = Relay(self._receive)
        if has_power:
            self._relay.send(Introduce(0x5011, "tallystick-1"))
        self._port = UsbPort(self._relay)
        self.listener, self._descriptor = bind_private()
        self.address = f"/proc/{os.getpid()}/fd/{self._descriptor}"
        self._threads = [threading.Thread(target=self._serve, daemon=True)]
        self._threads[0].start()

    def _receive(self, message):
        if isinstance(message, Apdu):
            self._relay.send(Reply(message.channel, message.raw + b"\x90\x00"))

    def _serve(self):
        while True:
            try:
                link, _ = self.listener.accept()
            except OSError:
                return
            with link:
                ended = threading.Event()
                session = UsbipSession(self._port, send=link.sendall, on_end=ended.set)
                while not ended.is_set() and (data := link.recv(65536)):
                    session.receive(data)
                session.close()

    def close(self):
        """Listen no more."""
        self.listener.shutdown(2)
        self.listener.close()
        os.close(self._descriptor)
        for thread in self._threads:
            thread.join()


@pytest.fixture
def device():
    """Give a device that listens."""
    one = Device()
    yield one
    one.close()


def test_a_private_socket_leaves_no_file(tmp_path, monkeypatch):
    """Whoever has the descriptor finds it, and there is no name for anybody else."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    listener, descriptor = bind_private()
    assert list(tmp_path.iterdir()) == []
    listener.close()
    os.close(descriptor)


def test_a_device_is_borrowed_at_its_socket(device):
    """The entry says what it is; without a device, or where nobody listens, there is a clear error."""
    link, entry = borrow(device.address)
    assert (entry.vendor_id, entry.product_id) == (0x2C97, 0x5011)
    link.close()
    with pytest.raises(TransportError):
        borrow("/nowhere/at/all")


def test_a_device_without_power_is_not_borrowed():
    """The cable says so."""
    one = Device(has_power=False)
    with pytest.raises(DeviceNotFound):
        borrow(one.address)
    one.close()


def test_a_host_of_threads_reads_descriptors_and_carries_packets(device):
    """Transfers wait for their answers; when the link is closed, they end with an error."""
    link, entry = borrow(device.address)
    ended = threading.Event()
    host = UsbHost(link, entry.device_id, on_end=ended.set)
    assert host.descriptor(Descriptor.CONFIGURATION) == CONFIGURATION
    assert host.descriptor(Descriptor.REPORT, of=0) == REPORT
    assert host.descriptor(Descriptor.STRING, 3)[2:].decode("utf-16-le") == "tallystick-1"
    with pytest.raises(TransportError):
        host.descriptor(Descriptor.STRING, 9)
    host.configure()
    framing = HidFraming(Role.HOST)
    (packet,) = framing.send(ECHO)
    host.send(2, packet)
    (event,) = framing.receive(host.fetch(2))
    assert event.response.to_bytes() == ECHO + b"\x90\x00"
    host.close()
    assert ended.wait(60)
    with pytest.raises(TransportError):
        host.control(Setup(request_type=0x80, request=0, value=0, index=0, length=2))


def controller(folder, *ports):
    """Return a folder that looks like the virtual controller, with ports of these states."""
    lines = [f"hs  {number:04} {state} 000 00000000 000000 0-0\n" for number, state in enumerate(ports)]
    (folder / "status").write_text(STATUS + "".join(lines))
    (folder / "attach").write_text("")
    return folder


def test_the_first_free_port_of_the_controller_gets_the_socket(device, tmp_path):
    """One line is written: port, descriptor, device, full speed."""
    cable = VhciCable(device.address, controller=controller(tmp_path, "006", "004", "004"))
    cable.prepare()
    assert cable.plug() == {"port": 1, "product_id": 0x5011}
    port, descriptor, number, speed = (tmp_path / "attach").read_text().split()
    assert (port, number, speed) == ("1", str(1 << 16 | 2), "2")
    assert int(descriptor) > 2


def test_a_controller_without_a_free_port_is_a_clear_error(device, tmp_path):
    """So is a kernel without the controller."""
    with pytest.raises(TransportError, match="every port"):
        VhciCable(device.address, controller=controller(tmp_path, "006")).plug()
    with pytest.raises(TransportError, match="no virtual USB controller") as caught:
        VhciCable(device.address, controller=tmp_path / "none").prepare()
    assert "--usb tcp" in caught.value.remedy


def test_the_event_that_makes_a_hid_device_has_the_kernels_layout():
    """Names of 128, 64 and 64 bytes, then the numbers, then the report descriptor (linux/uhid.h)."""
    raw = create(name="Ledger Nano S+", serial="t-1", vendor_id=0x2C97, product_id=0x5011, version=0x201, report=REPORT)
    assert raw[:4] == b"\x0b\0\0\0"
    assert raw[4:132].rstrip(b"\0") == b"Ledger Nano S+"
    assert raw[196:260].rstrip(b"\0") == b"t-1"
    assert struct.unpack_from("<HHIIII", raw, 260) == (34, 3, 0x2C97, 0x5011, 0x201, 0)
    assert raw[280:] == REPORT


@pytest.mark.parametrize(("data", "packet"), [(b"\0" + b"x" * 64, b"x" * 64), (b"x" * 64, b"x" * 64), (b"", b"")])
def test_an_output_event_brings_its_packet_with_or_without_a_report_number(data, packet):
    """A kernel may put the number in front; other events bring none."""
    event = struct.pack("<I", 6) + data.ljust(4096, b"\0") + struct.pack("<HB", len(data), 1)
    assert output(event) == packet
    assert output(struct.pack("<I", 2) + event[4:]) is None
    assert output(event[:100]) is None


def test_a_report_by_the_control_pipe_is_refused():
    """Both requests are answered with an error under their own number."""
    for kind, answer in ((9, 10), (13, 14)):
        assert refusal(struct.pack("<IIBB", kind, 7, 0, 0)) == struct.pack("<IIHH", answer, 7, 5, 0)
    assert refusal(struct.pack("<II", 4, 0)) is None
