"""Run by the Python of the foreign clients: what each of them makes of the device, as one line of JSON."""

import json
import struct
import sys
import time

NAME = bytes.fromhex("b001000000")
PACKET = (struct.pack(">HBHH", 0x0101, 5, 0, len(NAME)) + NAME).ljust(64, b"\0")


def listed(module):
    """Return what hidapi says of the devices of the vendor."""
    names = ("product_id", "product_string", "serial_number", "interface_number", "usage_page")
    found = module.enumerate(0x2C97, 0)
    return [{name: one[name] for name in names} | {"path": one["path"].decode()} for one in found]


def reports(module, count=25):
    """Return how many of so many reports out brought one report in, each of 64 bytes."""
    chosen = next(one for one in module.enumerate(0x2C97, 0) if one["interface_number"] in (0, -1))
    device = module.device()
    device.open_path(chosen["path"])
    good = 0
    for _ in range(count):
        device.write(b"\0" + PACKET)
        answer = bytes(device.read(64, 20_000))
        good += len(answer) == 64 and answer[:5] == PACKET[:5]
    device.close()
    return good


def ledgerblue():
    """Return what ledgerblue's getDongle brings, and how many of ten exchanges it brings again."""
    from ledgerblue.comm import getDongle

    dongle = getDongle(False)
    answers = [bytes(dongle.exchange(NAME)).hex() for _ in range(10)]
    dongle.close()
    return answers


def ledgercomm():
    """Return what ledgercomm brings over hidapi, ten times."""
    from ledgercomm import Transport

    transport = Transport(interface="hid")
    answers = []
    for _ in range(10):
        status, data = transport.exchange_raw(NAME)
        answers.append(f"{status:04x}{bytes(data).hex()}")
    transport.close()
    return answers


def main(wanted):
    """Run the clients named, and say how each went."""
    import hid
    import hidraw

    steps = {
        "hid": lambda: {"listed": listed(hid), "reports": reports(hid)},
        "hidraw": lambda: {"listed": listed(hidraw), "reports": reports(hidraw)},
        "ledgerblue": ledgerblue,
        "ledgercomm": ledgercomm,
    }
    result = {}
    for name in wanted:
        began = time.monotonic()
        try:
            result[name] = {"answer": steps[name]()}
        except (Exception, SystemExit) as error:
            result[name] = {"error": f"{type(error).__name__}: {error}"}
        result[name]["seconds"] = round(time.monotonic() - began, 2)
    print(json.dumps(result))


if __name__ == "__main__":
    main(sys.argv[1:])
