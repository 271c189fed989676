"""An address and a signature by ledgerblue: `pip install ledgerblue`, then

    tally up --seed "test test test test test test test test test test test junk" --open cosmos
    LEDGER_PROXY_ADDRESS=127.0.0.1 LEDGER_PROXY_PORT=9999 python address.py

Press the right button until the device asks for approval, then both.
"""

import struct

from ledgerblue.comm import getDongle

PATH = struct.pack("<5I", 44 | 1 << 31, 118 | 1 << 31, 1 << 31, 0, 0)
DOCUMENT = (
    b'{"account_number":"12","chain_id":"cosmoshub-4","fee":{"amount":[{"amount":"5000","denom":"uatom"}],"gas":"200000"},'
    b'"memo":"","msgs":[{"type":"cosmos-sdk/MsgSend","value":{"amount":[{"amount":"1500000","denom":"uatom"}],'
    b'"from_address":"cosmos15yk64u7zc9g9k2yr2wmzeva5qgwxps6yxj00e7",'
    b'"to_address":"cosmos1erxf3sa9q2j4vgseu7jq4a258ckmk7cy076t8z"}}],"sequence":"7"}'
)


def apdu(ins, p1, data):
    return bytes([0x55, ins, p1, 0, len(data)]) + data


dongle = getDongle()
answer = bytes(dongle.exchange(apdu(0x04, 0, b"\x06cosmos" + PATH)))
print("public key", answer[:33].hex())
print("address", answer[33:].decode())

dongle.exchange(apdu(0x02, 0, PATH))
chunks = [DOCUMENT[at : at + 250] for at in range(0, len(DOCUMENT), 250)]
for chunk in chunks[:-1]:
    dongle.exchange(apdu(0x02, 1, chunk))
print("signature", bytes(dongle.exchange(apdu(0x02, 2, chunks[-1]))).hex())
dongle.close()
