"""The Secure World below the OS: the vault that seals the seed, and the keychain that uses it."""
