"""A certificate of the device's own issuer, in the hands of a native app on a whole device."""

from tests.unit.device.native.native_program import END, FLASH, RAM, call, elf

from tallystick.manager.provisioning.pki import certify_key
from tallystick.testing.device import VirtualDevice
from tallystick.testing.factory import known_key
from tallystick.wire.pki import PkiCertificate

RECEIVE, SEND, LOAD = 0x03000089, 0x04000088, 0x060000AA
NOTES = [("ledger.target_id", "0x33000004"), ("ledger.api_level", "26")]
ISSUER = known_key("issuer")


def loading(raw):
    """Return a file of an app that loads a certificate when asked, and answers the length and the text of its name."""

    def code(at):
        load = call(LOAD, 8, at, len(raw), RAM + 408, RAM + 404, 0)
        return call(RECEIVE, RAM, 300, 0) + load + call(SEND, 0x20, RAM + 404, 9, 0) + call(RECEIVE, RAM, 300, 0) + END

    return elf(code(FLASH + len(code(0))) + raw, notes=NOTES)


def answered(tmp_path, signer):
    """Return what such an app answers with a certificate that `signer` signed."""
    values = {"key_id": 0x100, "usage": 8, "curve": 0x21, "trusted_name": b"Coins"}
    short = bytes((2 + (ISSUER.public_key[64] & 1),)) + ISSUER.public_key[1:33]
    file = tmp_path / "app.elf"
    file.write_bytes(loading(certify_key(signer, PkiCertificate(public_key=short, **values)).to_bytes()))
    response = VirtualDevice(model="nanox", apps=[file], open="Demo").exchange("e001000000")
    return response.data + response.status.to_bytes(2, "big")


def test_app_trusts_whom_the_device_s_issuer_certified(tmp_path):
    """The key of the issuer that certified the device is the root; another factory's key is none."""
    assert answered(tmp_path, ISSUER) == b"\5\0\0\0Coins"
    assert b"Coins" not in answered(tmp_path, known_key("owner"))
