"""USB cables: small programs that bring the device's USB/IP to a controller of this machine. They see bytes, and no world.

Each is given the address of the device's socket, does what needs the rights of root, and plugs in when it is told to.
"""
