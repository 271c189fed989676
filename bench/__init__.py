"""How fast and how big the device is, beside the physical limits of the machine and beside Speculos where it is installed.

`python -m bench` measures and prints; nothing here is a test, because a shared machine's clock proves nothing. Speculos is
a command that the person who measures has installed; nothing of it is in this project.
"""
