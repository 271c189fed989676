"""The probes: each adds its samples to a record."""
