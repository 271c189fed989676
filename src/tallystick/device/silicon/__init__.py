"""What a chip gives: flash, clock and entropy, real and simulated."""
