"""The keys of a factory and of its managers, in a hardware security module or in files for development (secure-world 7).

======================  =============================================================================================
`role`                  what a key is for, and to which realm it belongs: test or production
`signer`                what every key can do, wherever it lives
`address`               ``file:DIR`` and ``pkcs11:…`` read
`key_file`              one development key in one file
`token`                 one PKCS#11 token: a session kept open, opened again once when the token went away
`keyring`               issuer, software and signer together, opened and made
`owner`                 the key that certifies attestation keys, which may be somebody else's
======================  =============================================================================================

Only `token` imports python-pkcs11, and only when a token is opened: the extra ``[hsm]``.
"""
