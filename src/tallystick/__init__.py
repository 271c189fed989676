"""An open, Ledger-compatible hardware-wallet platform: the device, the host tools and the service behind them.

Importing this package loads nothing else: each room is imported by name (`tallystick.wire`, `tallystick.host`, …).
"""

__version__ = "0.1.0"
