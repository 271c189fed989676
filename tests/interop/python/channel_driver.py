"""Opens secure channels with ledgerblue's and ledgerwallet's own code; APDUs and answers are lines of hexadecimal.

One argument, a JSON object: `client`, `target_id`, `private` (the signer's key), `issuer` (a public key), `image` (Intel HEX).
Standard output is the way to the device, the result is one JSON line on stderr.
"""

import binascii
import json
import os
import struct
import sys
import tempfile

WIRE = sys.stdout
sys.stdout = open(os.devnull, "w", encoding="ascii")  # noqa: SIM115, PTH123 - what the clients print is not for the device


def exchange(apdu):
    """Send an APDU; return the whole answer."""
    WIRE.write(bytes(apdu).hex() + "\n")
    WIRE.flush()
    return bytes.fromhex(sys.stdin.readline())


class Dongle:
    """What ledgerblue takes for a device."""

    def exchange(self, apdu, timeout=None):
        """Send an APDU; return the answer's data."""
        del timeout
        reply = exchange(apdu)
        if reply[-2:] != b"\x90\x00":
            raise ValueError(f"refused with {reply[-2:].hex()}")
        return bytearray(reply[:-2])

    def apduMaxDataSize(self):
        """Return what fits an APDU over USB."""
        return 255


class Device:
    """What ledgerwallet takes for a device."""

    def open(self):
        """Do nothing."""

    def exchange(self, data):
        """Send an APDU; return the answer with its status word."""
        return exchange(data)


def ledgerblue(asked):
    """Load an image, list, ask, delete; and check the device against an issuer."""
    from ledgerblue import checkGenuine, deployed, ecWrapper, endorsementSetup
    from ledgerblue.hexLoader import HexLoader
    from ledgerblue.hexParser import IntelHexParser

    private, dongle, result = bytes.fromhex(asked["private"]), Dongle(), {}
    secret = deployed.getDeployedSecretV2(dongle, bytearray(private), asked["target_id"])
    hex_loader = HexLoader(dongle, 0xE0, True, secret)
    with tempfile.NamedTemporaryFile("w", suffix=".hex") as file:
        file.write(asked["image"])
        file.flush()
        image = IntelHexParser(file.name)
    result["areas"] = [[area.getStart(), bytes(area.getData()).hex()] for area in image.getAreas()]
    hex_loader.deleteApp(b"Demo")
    hex_loader.createApp(384, 5, 64, 64, 0x800, 1)
    result["full_hash"] = hex_loader.load(0x0, 0xF0, image, targetId=asked["target_id"], targetVersion="")
    hex_loader.commit(bytes(range(70)))
    apps = hex_loader.listApp()
    result["apps"] = [[app["name"], app["flags"], bytes(app["hash"]).hex()] for app in apps]
    result["more"] = hex_loader.listApp(False)
    version = hex_loader.getVersion()
    result["version"] = [version["targetId"], version["osVersion"], version["mcuVersion"]]
    hex_loader.setupCustomCA("bench", bytes.fromhex(asked["issuer"]))
    hex_loader.resetCustomCA()
    hex_loader.deleteAppByHash(bytes(32))
    for name, script in (("genuine", checkGenuine), ("endorsement", endorsementSetup)):
        # these scripts import what their functions use only when they are started
        vars(script).update(os=os, struct=struct, binascii=binascii)
        vars(script).update(PrivateKey=ecWrapper.PrivateKey, PublicKey=ecWrapper.PublicKey)
        other = ecWrapper.PrivateKey(bytes(31) + b"\x09").pubkey.serialize(compressed=False)
        found = [
            script.getDeployedSecretV2(dongle, bytearray(private), asked["target_id"], issuer)
            for issuer in (bytes(other).hex(), asked["issuer"])
        ]
        result[name] = [one is not None for one in found]
    result["endorsed"] = bytes(dongle.exchange(bytes.fromhex("e0c0010000"))).hex()
    return result


def ledgerwallet(asked):
    """List, ask, install and remove a CA, delete, through ledgerctl's client."""
    from ledgerwallet.client import LedgerClient

    wallet = LedgerClient(Device(), private_key=bytes.fromhex(asked["private"]))
    version, memory = wallet.get_version_info_secure(), wallet.get_memory_info()
    result = {
        "apps": [[app.name, app.flags, app.full_hash.hex()] for app in wallet.apps],
        "version": [version.target_id, version.se_version, version.mcu_version],
        "memory": [memory.system_size, memory.num_app_slots],
    }
    wallet.install_ca("bench", bytes.fromhex(asked["issuer"]))
    wallet.delete_ca()
    wallet.delete_app("Demo")
    wallet.delete_app(bytes(32))
    return result


def main():
    """Do what was asked."""
    asked = json.loads(sys.argv[1])
    result = {"ledgerblue": ledgerblue, "ledgerwallet": ledgerwallet}[asked["client"]](asked)
    print(json.dumps(result), file=sys.stderr)


main()
