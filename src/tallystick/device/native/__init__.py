"""Native apps: ARM Thumb code in memory of its own, run until it asks the OS for something."""
