"""The device: silicon, boot, Secure World with its OS, Normal World, and the boards that put them together.

Rooms import downwards only: hil < silicon < boot < secure < os < (native, normal) < board.
"""
