"""From an address, or none, to the one device that is meant."""

import pytest
from fake_hid import FakeHid, entry

from tallystick.errors import AmbiguousDevice, DeviceNotFound, TransportError, UsageError
from tallystick.host.transport.discovery import Finder, is_listening, parse_endpoint

ONE = entry(b"/dev/hidraw1", serial_number="0001")
SAME_SERIAL = entry(b"/dev/hidraw2", serial_number="0001", product_id=0x6011, product_string="Stax")
OTHER = entry(b"/dev/hidraw3", serial_number="7A11", product_id=0x0005)


def finder(*entries, local=False, proxy=None):
    """Return a finder over fake edges."""
    return Finder(
        proxy=proxy,
        load_hid=lambda: FakeHid(*entries),
        probe=lambda host, port: local and (host, port) == ("127.0.0.1", 9999),
        draw_channel=lambda limit: limit - 1,
    )


@pytest.mark.parametrize(
    ("entries", "local", "proxy", "address", "url"),
    [
        ((), True, None, None, "tcp:127.0.0.1:9999"),
        ((ONE,), True, None, None, "hid:0001"),
        ((ONE,), False, ("10.0.0.1", 1), None, "tcp:10.0.0.1:1"),
        ((), True, ("10.0.0.1", 1), None, "tcp:10.0.0.1:1"),
        ((ONE, OTHER), False, None, "hid:7", "hid:7A11"),
        ((ONE, OTHER), False, None, "hid:/dev/hidraw1", "hid:0001"),
        ((ONE, SAME_SERIAL), False, None, "hid:/dev/hidraw2", "hid:/dev/hidraw2"),
        ((ONE,), False, ("10.0.0.1", 1), "hid:", "hid:0001"),
        ((ONE, OTHER), False, None, "tcp:localhost:1234", "tcp:localhost:1234"),
        ((), False, None, "tcp:[::1]:9999", "tcp:[::1]:9999"),
        ((), False, None, "http://127.0.0.1:5000/apdu", "http://127.0.0.1:5000/apdu"),
        ((), False, None, "https://host/apdu", "https://host/apdu"),
    ],
)
def test_address_and_surroundings_decide_the_device(entries, local, proxy, address, url):
    """An address wins, then the proxy, then the only device on USB, then the local one."""
    assert finder(*entries, local=local, proxy=proxy).open(address).url == url


@pytest.mark.parametrize(
    ("entries", "address", "candidates"),
    [
        ((ONE, OTHER), None, ["hid:0001", "hid:7A11"]),
        ((ONE, SAME_SERIAL), "hid:", ["hid:/dev/hidraw1", "hid:/dev/hidraw2"]),
        ((ONE, SAME_SERIAL), "hid:0001", ["hid:/dev/hidraw1", "hid:/dev/hidraw2"]),
        ((ONE, OTHER), "hid:/dev/hidraw", ["hid:0001", "hid:7A11"]),
    ],
)
def test_several_devices_are_never_guessed_among(entries, address, candidates):
    """Without a choice all addresses are listed, each of which names one device."""
    with pytest.raises(AmbiguousDevice) as caught:
        finder(*entries, local=True).open(address)
    assert caught.value.candidates == candidates
    assert [finder(*entries).open(url).url for url in candidates] == candidates


@pytest.mark.parametrize(
    ("entries", "address"), [((), None), ((), "hid:"), ((ONE,), "hid:9"), ((ONE,), "hid:/dev/hidraw9")]
)
def test_nothing_that_fits_is_no_device(entries, address):
    """When nothing fits, the error says what to do."""
    with pytest.raises(DeviceNotFound) as caught:
        finder(*entries).open(address)
    assert caught.value.remedy


@pytest.mark.parametrize(
    "address", ["usb:1", "9999", "tcp:", "tcp:host", "tcp::1", "tcp:host:0", "tcp:host:70000", "tcp:h:²"]
)
def test_address_of_no_known_form_is_a_usage_error(address):
    """An address that is none is refused with the forms there are."""
    with pytest.raises(UsageError) as caught:
        finder().open(address)
    assert caught.value.remedy


def test_candidates_are_told_with_what_is_known_of_them():
    """The list names address, model and product; a bootloader's product id names its model too."""
    found = finder(ONE, SAME_SERIAL, OTHER, local=True, proxy=("10.0.0.1", 1)).candidates()
    assert [(one.url, one.kind, one.model) for one in found] == [
        ("tcp:10.0.0.1:1", "tcp", ""),
        ("hid:/dev/hidraw1", "usb", "nanosp"),
        ("hid:/dev/hidraw2", "usb", "stax"),
        ("hid:7A11", "usb", "nanosp"),
        ("tcp:127.0.0.1:9999", "tcp", ""),
    ]


def test_proxy_at_the_local_port_is_listed_once():
    """A proxy that is the local device is one device, and is not knocked at twice."""
    assert len(finder(local=True, proxy=("127.0.0.1", 9999)).candidates()) == 1


def test_missing_hidapi_leaves_the_other_ways_open():
    """Without hidapi a TCP device is still found, and asking for USB says what is missing."""

    def missing():
        raise TransportError("hidapi is not installed", remedy="install it")

    without = Finder(load_hid=missing, probe=lambda host, port: True)
    assert without.open().url == "tcp:127.0.0.1:9999"
    assert len(without.candidates()) == 1
    with pytest.raises(TransportError, match="hidapi"):
        without.open("hid:")


def test_endpoint_text_is_host_and_port():
    """Host and port are read with and without brackets."""
    assert parse_endpoint("localhost:1") == ("localhost", 1)
    assert parse_endpoint("[::1]:65535") == ("::1", 65535)


def test_probe_sees_a_listener(serve):
    """Somebody who listens is seen, a closed port is not."""
    server = serve(lambda link: None)
    assert is_listening("127.0.0.1", server.port)
    server.close()
    assert not is_listening("127.0.0.1", server.port)
