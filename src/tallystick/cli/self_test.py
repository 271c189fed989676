"""`tally device selftest`: lock a program in as the device does, let it try to get out, and say what came of it."""

from __future__ import annotations

import click

from tallystick.cli.command import DeviceCommand
from tallystick.cli.exit import ExitCode
from tallystick.cli.render import Report
from tallystick.device.sandbox import self_test as sandbox
from tallystick.device.sandbox.role import Role
from tallystick.device.sandbox.self_test import Result
from tallystick.device.silicon.entropy import machine_rng

#: who is locked in, for people
_WORDS = {Role.NORMAL: "Normal World", Role.APP: "app"}


@click.command("selftest", cls=DeviceCommand)
def self_test() -> Report:
    """Try on this machine what an app or the Normal World could try to get out. Every attempt has to be refused.

    It is tried by programs of this installation, and by programs out of a signed image, as a device's worlds are. No device is
    needed, and none is touched.
    """
    from tallystick.cli.self_test_image import spawn_from_image  # the factory, which no other command here needs

    results = [sandbox.run(role) for role in sandbox.ROLES]
    start = spawn_from_image()
    imaged = [sandbox.run(role, start=start) for role in sandbox.ROLES]
    holds = all(result.holds for result in (*results, *imaged))
    missing = results[0].offered.missing
    sources = machine_rng().sources
    by_name = {
        one.name: [{other.name: other.outcome for other in result.outcomes}.get(one.name, "-") for result in results]
        for one in results[0].outcomes
    }
    lines = [f"{_WORDS[result.role]}: {_verdict(result)}" for result in results]
    lines += [f"{_WORDS[result.role]}, from a signed image: {_verdict(result)}" for result in imaged]
    lines += [f"Missing: {line}" for line in missing]
    lines += [f"Randomness of a device's chip here: {', '.join(sources)}"]
    return Report(
        schema="device.selftest",
        data={
            "holds": holds,
            "boundaries": results[0].offered.to_json(),
            "randomness": list(sources),
            "roles": [_document(result) for result in results],
            "image": [_document(result) for result in imaged],
        },
        lines=lines,
        headings=("ATTEMPT", *(_WORDS[result.role].upper() for result in results)),
        rows=[(name, *map(_word, outcomes)) for name, outcomes in by_name.items()],
        exit_code=0 if holds else ExitCode.NOT_TRUSTED,
    )


def _document(result: Result) -> dict[str, object]:
    """Return the test of one role for programs."""
    return {
        "role": result.role.value,
        "holds": result.holds,
        "attempts": [{"name": one.name, "outcome": one.outcome} for one in result.outcomes],
    }


def _verdict(result: Result) -> str:
    """Return the outcome for a role in words."""
    if result.holds:
        return f"every one of {len(result.outcomes)} is as it must be"
    if result.status:
        return f"the test ended with status {result.status} after {len(result.outcomes)} attempts"
    return f"{len(result.failures)} of {len(result.outcomes)} are not as they must be"


def _word(outcome: str) -> str:
    return "refused" if outcome == "EPERM" else outcome
