"""Property tests of the wire run without a deadline: how busy the machine is says nothing about a codec."""

from hypothesis import settings

settings.register_profile("wire", deadline=None)
settings.load_profile("wire")
