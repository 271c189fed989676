"""An address by ledgercomm: `pip install ledgercomm`, then

tally up --seed "test test test test test test test test test test test junk" --open cosmos
python address.py
"""

import struct
import sys

from ledgercomm import Transport

port = int(sys.argv[1]) if len(sys.argv) > 1 else 9999
path = struct.pack("<5I", 44 | 1 << 31, 118 | 1 << 31, 1 << 31, 0, 0)

transport = Transport(interface="tcp", server="127.0.0.1", port=port)
status, data = transport.exchange(cla=0x55, ins=0x04, p1=0, p2=0, cdata=b"\x06cosmos" + path)
print(f"{status:04x}", data[33:].decode())
transport.close()
