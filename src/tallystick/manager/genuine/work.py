"""What the sockets of this room ask for (wire-protocol H.3)."""

from __future__ import annotations

from tallystick.manager.flow import FlowError
from tallystick.manager.genuine.endorsement import endorse
from tallystick.manager.genuine.flow import check_genuine, list_apps
from tallystick.manager.service import Service
from tallystick.manager.work import Work
from tallystick.wire.manager_flow import DEFAULT_PERSO, FlowRequest
from tallystick.wire.model import by_target_id


def genuine_work(service: Service, asked: FlowRequest) -> Work:
    """Return the genuine check of a device."""
    subject = checked_target(asked)
    return Work(action="genuine", subject=subject, flow=check_genuine(service.channel_keys, asked.target_id))


def list_work(service: Service, asked: FlowRequest) -> Work:
    """Return the list of the apps of a device."""
    subject = checked_target(asked)
    return Work(action="list", subject=subject, flow=list_apps(service.channel_keys, asked.target_id))


def endorse_work(service: Service, asked: FlowRequest) -> Work:
    """Return the endorsement of an attestation key."""
    subject, owner = checked_target(asked), service.owner
    flow = endorse(service.channel_keys, owner, asked)
    return Work(action="endorse", subject=subject, flow=flow, is_heavy=owner is not None and owner.is_blocking)


def checked_target(asked: FlowRequest) -> str:
    """Return the name of the model that is asked about; raise FlowError for an unknown target or key set."""
    if asked.perso not in {"", DEFAULT_PERSO}:
        raise FlowError(f"there is no key set {asked.perso}", remedy=f"this manager has {DEFAULT_PERSO}")
    model = by_target_id(asked.target_id)
    if model is None:
        raise FlowError(f"no model has the target id {asked.target_id}")
    return model.name
