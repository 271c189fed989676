"""What a test needs: a device in the process, a person to press its buttons, and transports that record and fail."""
