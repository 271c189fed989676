"""Boards: which parts make up a device. Pure composition."""
