"""USB descriptors: byte for byte where the specification or a real device's source gives them, and whole."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.errors import RemoteProtocolError
from tallystick.wire.functionfs import EventKind, descriptors, events
from tallystick.wire.model import MODELS
from tallystick.wire.usb import (
    BOS,
    CONFIGURATION,
    HID,
    INTERFACES,
    MS_OS_20,
    REPORT,
    Descriptor,
    Identity,
    Setup,
)

numbers = st.integers(0, 0xFF)
words = st.integers(0, 0xFFFF)
setups = st.builds(Setup, request_type=numbers, request=numbers, value=words, index=words, length=words)


def split(data):
    """Return the descriptors that follow each other in `data`."""
    found, at = [], 0
    while at < len(data):
        found.append(data[at : at + data[at]])
        at += data[at]
    assert at == len(data)
    return found


@pytest.mark.parametrize("model", MODELS.values(), ids=lambda model: model.name)
def test_a_device_is_its_model_or_its_models_bootloader(model):
    """Vendor 2c97, the product id of the model or of its bootloader, and the same product string (wire-protocol A.1, A.2)."""
    for product_id in (model.product_id, model.bootloader_product_id):
        identity = Identity(product_id=product_id, serial="tallystick-00")
        raw = identity.device_descriptor()
        assert raw == bytes.fromhex("1201100200000040972c") + product_id.to_bytes(2, "little") + bytes.fromhex(
            "010201020301"
        )
        assert identity.product == model.product


def test_strings_are_utf_16_with_their_length_in_front():
    """Index 0 is the language, 1 to 3 are manufacturer, product and serial, and there is no other."""
    identity = Identity(product_id=0x1011, serial="t-1")
    assert identity.string_descriptor(0) == bytes.fromhex("04030904")
    texts = [identity.string_descriptor(index) for index in (1, 2, 3)]
    assert [text[2:].decode("utf-16-le") for text in texts] == ["Ledger", "Nano S", "t-1"]
    assert all(text[0] == len(text) and text[1] == Descriptor.STRING for text in texts)
    assert identity.string_descriptor(4) is None
    assert identity.string_descriptor(0xEE) is None


def test_the_configuration_is_the_documented_one():
    """HID is interface 0 with endpoints 82 and 02, WebUSB interface 1 with 83 and 03 (wire-protocol A.2)."""
    expected = (
        "09024000020100c032"  # 64 bytes, two interfaces, self powered, 100 mA
        "090400000203000000 092111010001222200 07058203400001 07050203400001"
        "0904010002ffffff00 07058303400001 07050303400001"
    )
    assert bytes.fromhex(expected.replace(" ", "")) == CONFIGURATION
    assert struct.unpack_from("<H", CONFIGURATION, 2)[0] == len(CONFIGURATION)
    assert split(CONFIGURATION)[2] == HID
    assert [one.number for one in INTERFACES] == [0, 1]


def test_the_report_descriptor_is_the_one_clients_look_for():
    """It has 34 bytes and begins with usage page FFA0 (wire-protocol A.2)."""
    assert len(REPORT) == 34 == HID[7]
    assert bytes.fromhex("06a0ff0901a101") == REPORT[:7]
    assert REPORT[-1] == 0xC0


def test_the_bos_descriptor_names_webusb_and_the_windows_set():
    """Both capabilities are of platform type, and their lengths are those of what they name (WebUSB 4; MS OS 2.0)."""
    head, webusb, windows = split(BOS)
    assert head == bytes((5, Descriptor.BOS)) + len(BOS).to_bytes(2, "little") + b"\x02"
    assert webusb == bytes.fromhex("18100500 38b60834a909a0478bfda0768815b665 0001 1e 00".replace(" ", ""))
    assert windows[:20] == bytes.fromhex("1c100500 df60ddd88945c74c9cd2659d9e648a9f".replace(" ", ""))
    assert struct.unpack_from("<IHBB", windows, 20) == (0x06030000, len(MS_OS_20), 0x77, 0)


def test_the_windows_set_is_for_interface_1_alone():
    """Its lengths nest, it names WINUSB, and it has an interface GUID (Microsoft OS 2.0 descriptors)."""
    assert struct.unpack_from("<HHIH", MS_OS_20) == (10, 0, 0x06030000, len(MS_OS_20))
    assert struct.unpack_from("<HHBBH", MS_OS_20, 10) == (8, 1, 0, 0, len(MS_OS_20) - 10)
    assert struct.unpack_from("<HHBBH", MS_OS_20, 18) == (8, 2, 1, 0, len(MS_OS_20) - 18)
    assert struct.unpack_from("<HH8s8s", MS_OS_20, 26) == (20, 3, b"WINUSB\0\0", bytes(8))
    size, kind, data_type, name_bytes = struct.unpack_from("<HHHH", MS_OS_20, 46)
    assert (46 + size, kind, data_type) == (len(MS_OS_20), 4, 7)
    name, rest = MS_OS_20[54 : 54 + name_bytes], MS_OS_20[54 + name_bytes :]
    assert name.decode("utf-16-le") == "DeviceInterfaceGUIDs\0"
    assert int.from_bytes(rest[:2], "little") == len(rest) - 2
    assert rest[2:].decode("utf-16-le").endswith("}\0\0")


@given(setups)
def test_a_setup_packet_survives_the_wire(setup):
    """Any set-up packet is read as it was written."""
    assert Setup.from_bytes(setup.to_bytes()) == setup


@pytest.mark.parametrize("size", [0, 1, 7, 9, 64])
def test_a_setup_packet_of_another_size_is_refused(size):
    """A set-up packet has eight bytes."""
    with pytest.raises(RemoteProtocolError):
        Setup.from_bytes(bytes(size))


def test_functionfs_is_given_every_descriptor_at_both_speeds():
    """Magic, length, flags, counts, and the descriptors; at high speed an endpoint's interval is in microframes."""
    raw = descriptors(CONFIGURATION)
    assert struct.unpack_from("<IIIII", raw) == (3, len(raw), 3, 7, 7)
    body = raw[20:]
    assert body[: len(body) // 2] == CONFIGURATION[9:]
    high = split(body[len(body) // 2 :])
    assert [one[6] for one in high if one[1] == Descriptor.ENDPOINT] == [4, 4, 4, 4]


@pytest.mark.parametrize("size", [10, 12, 17, 40])
def test_descriptors_cut_short_are_refused(size):
    """A configuration whose lengths do not fit together makes no gadget."""
    with pytest.raises(RemoteProtocolError):
        descriptors(CONFIGURATION[:size])


def test_events_are_read_one_after_the_other():
    """A set-up event carries its packet; half an event, or an unknown one, is refused."""
    setup = Setup(request_type=0x81, request=6, value=0x2200, index=0, length=34)
    raw = bytes(8) + bytes((EventKind.ENABLE, 0, 0, 0)) + setup.to_bytes() + bytes((EventKind.SETUP, 0, 0, 0))
    assert [(event.kind, event.setup) for event in events(raw)][1] == (EventKind.SETUP, setup)
    assert events(raw)[0].kind is EventKind.ENABLE
    for broken in (raw[:-1], bytes(8) + b"\x09\0\0\0"):
        with pytest.raises(RemoteProtocolError):
            events(broken)
