"""Cosmos chains: transactions as bytes and as what is signed, and the nodes that take them.

`schema` and `transaction` build, `textual` writes what SIGN_MODE_TEXTUAL shows, `rest` and `rpc` ask nodes, `plan` and `delivery`
bring it all together. Nothing here signs: that is the device's (`host.actions.cosmos`).
"""
