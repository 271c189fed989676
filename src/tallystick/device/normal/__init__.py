"""The Normal World: endpoints and framing, nothing else; it may be fully hostile."""
