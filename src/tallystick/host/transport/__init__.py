"""Ways to a device: USB (HID), TCP and HTTP behind one Protocol, and how to find the one that is meant."""
