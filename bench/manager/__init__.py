"""How many genuine checks and installs one manager does, beside what their curve operations alone would cost.

Devices are simulated: the real device's side of the channel without an OS or a person, many in one process.
"""
