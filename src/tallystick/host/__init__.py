"""The host's side of the wire: find a device, talk to it, and say what its answers mean.

`transport` carries bytes, `commands` turn typed requests into APDUs and answers into values, `Session` sends one after the
other, and `actions` are the things people want done, as streams of progress. Import the module you need; this page is empty
so that a tool pays only for what it uses.
"""
