"""The shared floor: bytes on one side, meaning on the other.

Every format that crosses a wire of the platform is read and written here, for both ends, and nowhere else. Nothing in this
room opens a socket, reads a clock or draws a random number: each codec is given bytes and returns values, or the reverse.
Import the module of the format you need; this page imports none of them, so that a tool pays only for what it uses.
"""
