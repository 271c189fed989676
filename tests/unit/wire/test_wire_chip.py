"""The messages of the chip's bus; their bytes are in test_wire_chip_codec."""

from tallystick.wire import chip
from tallystick.wire.chip_key import Derive, Enroll


def test_secret_fields_are_not_shown():
    """Data to be hashed, proofs, tags and noise do not appear in a message's representation."""
    for message in (
        chip.Mac(chip.KeySlot.SEAL, b"hunter2"),
        chip.Tag(b"hunter2!" * 4),
        chip.Noise(b"hunter2"),
        Enroll(3, b"hunter2"),
        Derive(b"", b"hunter2"),
    ):
        assert "hunter2" not in repr(message)
