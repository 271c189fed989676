"""The manager service: provisioning, attestation, installs and updates. Today: the factory, which makes and signs images."""
