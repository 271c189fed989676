"""Bundles made in a test, and a small OS that drives their programs call by call."""

import json

from tallystick.app.inline import InlineHost
from tallystick.wire.bundle import Bundle
from tallystick.wire.syscall import DeviceInfo, Outcome

INFO = DeviceInfo(model="nanosp", target_id=0x33100004, os_version="1", mcu_version="1", touch=False, page_width=17)


def pack(entry="app:start", **modules):
    """Return a bundle of `modules` (name without ending, source)."""
    manifest = {"name": "Demo", "version": "1", "entry": entry}
    return Bundle.pack(json.dumps(manifest).encode(), {f"{name}.py": source for name, source in modules.items()})


class Launched:
    """An app on the inline host, and what it has said."""

    def __init__(self, bundle):
        self.requests = []
        self.ends = []
        self.app = InlineHost().launch(bundle, INFO, on_request=self.requests.append, on_end=self.ends.append)

    def answer(self, value=None, **changes):
        """Answer the request in hand; return the next one, or None at the end."""
        count = len(self.requests)
        self.app.answer(Outcome(value=value, **changes))
        return self.requests[count] if len(self.requests) > count else None
