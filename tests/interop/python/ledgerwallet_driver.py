"""Drives ledgerwallet's `LedgerClient`, the library under ledgerctl; it finds the device by LEDGER_PROXY_*."""

from answer import answer, get_address, request, sign
from ledgerwallet.client import CommException, LedgerClient
from ledgerwallet.utils import get_device_name


def main():
    """Do the steps with the dashboard's class first, then with the app's own."""
    asked = request()
    client = LedgerClient()
    result = {}
    if "connect" in asked["steps"]:
        result["version"] = version(client)
    if asked["open_app"]:
        client.run_app("Cosmos")
    client.cla = 0x55
    for step in ("address", "show"):
        if step in asked["steps"]:
            _, ins, p1, p2, data = get_address(path=asked["path"], hrp=asked["hrp"], show=step == "show")
            reply = client.apdu_exchange(ins, data, p1, p2)
            result.setdefault("public_key", reply[:33].hex())
            result["address" if step == "address" else "shown_address"] = reply[33:].decode()
    if "sign" in asked["steps"]:
        result["signatures"] = {
            name: {"document": text, "der": sign_all(client, asked, text.encode()).hex()}
            for name, text in asked["documents"].items()
        }
    if "refuse" in asked["steps"]:
        try:
            sign_all(client, asked, next(iter(asked["documents"].values())).encode())
        except CommException as refusal:
            result["refusal"] = {"status": f"{refusal.sw:04x}", "message": refusal.message}
    client.close()
    answer(result)


def version(client):
    """Give what the client read out of the device's E0 01 answer."""
    info = client.get_version_info()
    return {
        "target_id": int(info.target_id),
        "device": get_device_name(info.target_id),
        "se_version": info.se_version,
        "mcu_version": info.mcu_version,
        "mcu_bootloader_version": info.mcu_bl_version,
        "flags": sorted(name for name, value in info.flags.items() if value is True and name[0] != "_"),
    }


def sign_all(client, asked, payload):
    """Send a whole signing request; give the last answer."""
    reply = b""
    for _, ins, p1, p2, data in sign(path=asked["path"], payload=payload):
        reply = client.apdu_exchange(ins, data, p1, p2)
    return reply


main()
