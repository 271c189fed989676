"""What people want done with a device, as streams of progress that any interface can show.

Each action is a generator of `Progress`, `NeedsUser` and, at the end, one `Done`; `result` runs one to its value.
"""

from tallystick.host.actions.step import Action, Done, NeedsUser, Progress, result

__all__ = ["Action", "Done", "NeedsUser", "Progress", "result"]
