"""Drives ledgercomm's `Transport` over TCP."""

from answer import answer, get_address, request, sign
from ledgercomm import Transport

SUCCESS = 0x9000


def main():
    """Open the app if asked, then do the steps."""
    asked = request()
    transport = Transport(interface="tcp", server="127.0.0.1", port=asked["apdu_port"])
    result = {}
    if asked["open_app"]:
        exchange(transport, (0xE0, 0xD8, 0x00, 0x00, b"Cosmos"))
    if "connect" in asked["steps"]:
        status, data = transport.exchange_raw("b001000000")
        result["running"] = data.hex() if status == SUCCESS else f"{status:04x}"
    for step in ("address", "show"):
        if step in asked["steps"]:
            reply = exchange(transport, get_address(path=asked["path"], hrp=asked["hrp"], show=step == "show"))
            result.setdefault("public_key", reply[:33].hex())
            result["address" if step == "address" else "shown_address"] = reply[33:].decode()
    if "sign" in asked["steps"]:
        result["signatures"] = {
            name: {"document": text, "der": sign_all(transport, asked, text.encode())[1].hex()}
            for name, text in asked["documents"].items()
        }
    if "refuse" in asked["steps"]:
        status, data = sign_all(transport, asked, next(iter(asked["documents"].values())).encode())
        result["refusal"] = {"status": f"{status:04x}", "message": data.decode("ascii")}
    if "malformed" in asked["steps"]:
        status, data = sign_all(transport, asked, asked["malformed"].encode())
        result["malformed"] = {"status": f"{status:04x}", "message": data.decode("ascii")}
    transport.close()
    answer(result)


def send(transport, fields):
    """Exchange one APDU given as fields; give (status, data)."""
    cla, ins, p1, p2, data = fields
    return transport.exchange(cla=cla, ins=ins, p1=p1, p2=p2, cdata=data)


def exchange(transport, fields):
    """Exchange one APDU that must succeed; give its data."""
    status, data = send(transport, fields)
    if status != SUCCESS:
        raise SystemExit(f"{fields} was answered {status:04x} {data.hex()}")
    return data


def sign_all(transport, asked, payload):
    """Send a whole signing request; give the status and data of the first failure or of the last answer."""
    status, data = SUCCESS, b""
    for fields in sign(path=asked["path"], payload=payload):
        status, data = send(transport, fields)
        if status != SUCCESS:
            break
    return status, data


main()
