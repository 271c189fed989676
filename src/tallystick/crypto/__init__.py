"""Cryptography as pure functions on keys given to them: no state, no clock, no randomness, nothing remembered.

Each module is imported by name (`from tallystick.crypto import bip32`), so that a device pays only for what it uses.
Apps may import `hash` and `bech32` and nothing else from here (design 3).

======================  =============================================================================================
`secret`                a holder for bytes that must not be printed
`hash`                  SHA-2, SHA-3, Keccak, RIPEMD-160, HMAC
`groestl`               the hash of that name, of old firmware
`bech32`                BIP-173 and BIP-350 text encodings
`bip39`                 recovery words
`bip32`                 hierarchical keys on secp256k1
`slip10`, `slip21`      the same for Ed25519 and P-256; hierarchical symmetric keys
`kholaw`, `eip2333`     the same for Ed25519 with soft levels, and for BLS12-381
`zip32`, `aleo`         the same for shielded Zcash, and for Aleo
`secp256k1`             public keys, ECDSA and ECDH of libsecp256k1
`scp`                   keys and records of the secure channel
`p256`, `ed25519`       public keys and signatures of OpenSSL
`minisign`              signature files, verified and made
======================  =============================================================================================
"""

__all__ = ["bech32", "bip32", "bip39", "ed25519", "hash", "minisign", "p256", "secp256k1", "secret", "slip10", "slip21"]
