"""Whose certificates this build of the app believes; the catalogue's is for the owner of the test realm, known to everybody."""

#: uncompressed public key of secp256k1, 65 bytes
OWNER_PUBLIC_KEY = bytes.fromhex(
    "0401c11e6a0fca994e0ce196d62c95f3bdeed7e3c6ca19219b81c416eadb0bf028247675e5761aac27f28194acb0ad323a3b81b6fff5ae0ccf740434e88aaf43ab"
)
