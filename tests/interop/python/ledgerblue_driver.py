"""Drives ledgerblue's `getDongle`, which finds the device by LEDGER_PROXY_ADDRESS and LEDGER_PROXY_PORT."""

from answer import answer, get_address, raw, request, sign
from ledgerblue.comm import getDongle
from ledgerblue.commException import CommException
from ledgerblue.hexLoader import HexLoader


def main():
    """Open the app if asked, then do the steps."""
    asked = request()
    dongle = getDongle()
    result = {}
    if asked["open_app"]:
        HexLoader(dongle, 0xE0).runApp(b"Cosmos")
    if "connect" in asked["steps"]:
        result["running"] = bytes(dongle.exchange(bytes.fromhex("b001000000"))).hex()
    for step in ("address", "show"):
        if step in asked["steps"]:
            apdu = raw(get_address(path=asked["path"], hrp=asked["hrp"], show=step == "show"))
            reply = bytes(dongle.exchange(apdu))
            result.setdefault("public_key", reply[:33].hex())
            result["address" if step == "address" else "shown_address"] = reply[33:].decode()
    if "sign" in asked["steps"]:
        result["signatures"] = {
            name: {"document": text, "der": exchange_all(dongle, asked, text.encode()).hex()}
            for name, text in asked["documents"].items()
        }
    if "refuse" in asked["steps"]:
        try:
            exchange_all(dongle, asked, next(iter(asked["documents"].values())).encode())
        except CommException as refusal:
            result["refusal"] = {"status": f"{refusal.sw:04x}", "message": refusal.message}
    dongle.close()
    answer(result)


def exchange_all(dongle, asked, payload):
    """Send a whole signing request; give the last answer."""
    reply = b""
    for fields in sign(path=asked["path"], payload=payload):
        reply = bytes(dongle.exchange(raw(fields)))
    return reply


main()
