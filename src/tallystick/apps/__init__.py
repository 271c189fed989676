"""First-party apps: each folder is packed into a bundle and run by the OS, never imported by it."""
