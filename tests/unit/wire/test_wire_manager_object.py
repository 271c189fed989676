"""The objects that a manager answers over HTTP: to JSON and back, with the types that the strictest client checks."""

from __future__ import annotations

import dataclasses
import json

import pytest

from tallystick.errors import RemoteProtocolError
from tallystick.wire.manager_app import Application, AppV2, AppVersion, Category
from tallystick.wire.manager_firmware import DeviceVersion, FinalFirmware, McuVersion, OsuFirmware

OBJECTS = (
    DeviceVersion,
    FinalFirmware,
    OsuFirmware,
    McuVersion,
    AppVersion,
    AppV2,
    Application,
    Category,
)
VALUES = {"int": 3, "str": "x", "bool": True, "float": 0.5, "Ids": (1, 2)}


def filled(kind):
    """Return an object with a value in every member; a list of objects has one."""
    values = VALUES if kind is AppVersion else VALUES | {"tuple": (filled(AppVersion),)}
    return kind(**{one.name: values[str(one.type).split(" ")[0].split("[")[0]] for one in dataclasses.fields(kind)})


@pytest.mark.parametrize("kind", OBJECTS)
def test_an_object_goes_through_json(kind):
    """Every object of HTTP is read back from what it is written as."""
    one = filled(kind)
    assert kind.from_json(json.loads(json.dumps(one.to_json()))) == one


@pytest.mark.parametrize("kind", OBJECTS)
def test_a_host_ignores_what_it_does_not_know(kind):
    """Unknown members are ignored, and null stands for a default."""
    document = filled(kind).to_json()
    assert kind.from_json(document | {"brand_new": {"a": []}}) == filled(kind)
    optional = [one for one in dataclasses.fields(kind) if one.default is not dataclasses.MISSING]
    nulls = {one.metadata.get("json", one.name): None for one in optional}
    assert all(getattr(kind.from_json(document | nulls), one.name) == one.default for one in optional)


@pytest.mark.parametrize("kind", OBJECTS)
def test_a_member_of_another_type_is_refused(kind):
    """Each member with another type, and each required member that is missing, refuses the object."""
    document = filled(kind).to_json()
    for name in document:
        with pytest.raises(RemoteProtocolError):
            kind.from_json(document | {name: {"wrong": 1}})
    with pytest.raises(RemoteProtocolError):
        kind.from_json({name: value for name, value in document.items() if name != "id" and name != "versionId"})
    with pytest.raises(RemoteProtocolError):
        kind.from_json([document])


def test_objects_stand_for_their_ids():
    """Where a list of ids holds whole objects, as the vendor's service sends them, the ids inside them count."""
    document = filled(FinalFirmware).to_json() | {"osu_versions": [{"id": 9, "name": "x"}, 4]}
    assert FinalFirmware.from_json(document).osu_versions == (9, 4)


def test_an_application_has_its_versions_as_objects():
    """Clients look hashes up in the versions of an application: an id there is refused, and so is a half version."""
    document = filled(Application).to_json()
    (version,) = document["application_versions"]
    assert version == filled(AppVersion).to_json()
    for wrong in (7, {"id": 7}, None):
        with pytest.raises(RemoteProtocolError):
            Application.from_json(document | {"application_versions": [wrong]})


def test_an_app_has_the_names_that_clients_check():
    """The members of an app of the second API are exactly those of the reference."""
    assert set(filled(AppV2).to_json()) == set(
        [
            "versionId",
            "versionName",
            "versionDisplayName",
            "version",
            "currencyId",
            "description",
            "applicationType",
            "dateModified",
            "icon",
            "authorName",
            "supportURL",
            "contactURL",
            "sourceURL",
            "compatibleWallets",
            "hash",
            "perso",
            "firmware",
            "firmwareKey",
            "delete",
            "deleteKey",
            "bytes",
            "warning",
            "isDevTools",
            "category",
            "parent",
            "parentName",
        ]
    )
