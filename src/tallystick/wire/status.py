"""Status words: how a device answers one, and what a person is told about it.

`Reject` is the device's side: raising it ends the command with that word. `explain` is the host's side: one table from status
word to a stable word for scripts, a meaning, and a remedy (wire-protocol B.1, cosmos-app 2). The same word means different
things to different layers, so the table has one part per layer; a layer without its own entry falls back to the OS.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, unique

from tallystick.wire.status_word import StatusWord

__all__ = ["Group", "Layer", "Meaning", "Reject", "StatusWord", "explain"]


class Reject(Exception):
    """End the command in hand with `status` (16 bits), after `data` if the protocol has some.

    Final: raised by device and apps, caught at the dispatch point alone. It holds no text, so that nothing can leak by it.
    """

    def __init__(self, status: int, data: bytes = b"") -> None:
        super().__init__(status)
        self.status = int(status)
        self.data = data

    def __str__(self) -> str:
        return f"{self.status:04X}"


@unique
class Layer(Enum):
    """Who answered: the operating system, the loader while something is installed, or an app."""

    OS = "os"
    INSTALL = "install"
    COSMOS = "cosmos"
    TRANSFER = "transfer"


@unique
class Group(Enum):
    """What a program can do about it, coarsely."""

    SUCCESS = "success"
    LOCKED = "locked"
    REFUSED = "refused"
    WRONG_STATE = "wrong_state"
    NOT_ENOUGH_SPACE = "not_enough_space"
    ALREADY_INSTALLED = "already_installed"
    NOT_FOUND = "not_found"
    BAD_REQUEST = "bad_request"
    TRUST = "trust"
    INTERNAL = "internal"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """What a status word says: `word` is stable snake_case, `meaning` and `remedy` are sentences without a full stop."""

    status: int
    word: str
    meaning: str
    remedy: str
    group: Group


_UNLOCK = "unlock the device with its PIN"
_ASK_AGAIN = "send it again and approve on the device"
_ONBOARD = "set the device up first: follow its screen"
_MAKE_ROOM = "remove an app and try again"
_DASHBOARD = "quit the app that is open and try again"
_UPDATE = "compare the versions of device, app and client, and update the older one"
_CLIENT = "the client built the request wrongly: update it or report it to its authors"
_REPLUG = "unplug the device, plug it in again and retry"
_REPORT = "report it with the command that was sent, the device model and its version"
_NOTHING = "nothing is to be done"
_SOURCE = "load only software whose source you trust, signed for this device"
_PATHS = "use a path the app allows, such as 44'/118'/0'/0/0"
_EXPERT = "switch expert mode on in the app's settings"
_NO_ATTESTATION = "the device has no attestation key that an owner certified"
_CERTIFY = "have the device's owner certify attestation key 1, then try again"

_S, _G = StatusWord, Group
_Rows = tuple[tuple[StatusWord, Group, str, str], ...]

_OS: _Rows = (
    (_S.SUCCESS, _G.SUCCESS, "done", _NOTHING),
    (_S.NOT_ENOUGH_SPACE, _G.NOT_ENOUGH_SPACE, "there is not enough space on the device", _MAKE_ROOM),
    (_S.NOT_ENOUGH_SPACE_5103, _G.NOT_ENOUGH_SPACE, "there is not enough space on the device", _MAKE_ROOM),
    (_S.IMAGE_NOT_CREATED, _G.WRONG_STATE, "no lock-screen image was created", "create the image before loading it"),
    (_S.API_LEVEL_MISMATCH, _G.BAD_REQUEST, "the app was built for another API level than this OS", _UPDATE),
    (_S.SIDE_LOADING_NOT_SUPPORTED, _G.WRONG_STATE, "this model takes no side-loaded apps", "install it by a manager"),
    (_S.INVALID_CONTEXT, _G.NOT_FOUND, "the app was not found", "list the installed apps and check the name"),
    (_S.INTERNAL_ERROR, _G.INTERNAL, "the device had an internal error", _REPLUG),
    (_S.LOCKED_IN_MANAGER, _G.LOCKED, "the device is locked", _UNLOCK),
    (_S.APP_STORAGE_CRYPTO_5419, _G.TRUST, "the app-storage backup does not decrypt", "use the backup of this device"),
    (_S.APP_STORAGE_CRYPTO_541A, _G.TRUST, "the app-storage backup does not decrypt", "use the backup of this device"),
    (_S.APP_STORAGE_CRYPTO_541B, _G.TRUST, "the app-storage backup does not decrypt", "use the backup of this device"),
    (_S.APP_STORAGE_CRYPTO_541C, _G.TRUST, "the app-storage backup does not decrypt", "use the backup of this device"),
    (_S.REFUSED_BY_USER, _G.REFUSED, "refused on the device", _ASK_AGAIN),
    (_S.PIN_NOT_SET, _G.WRONG_STATE, "the device has no PIN yet", _ONBOARD),
    (_S.LOCKED, _G.LOCKED, "the device is locked", _UNLOCK),
    (_S.IMAGE_SLOT_NOT_ALLOCATED, _G.WRONG_STATE, "no room was reserved for the image", "create the image first"),
    (_S.PKI_SIGNATURE_INVALID, _G.TRUST, "a certificate's signature does not hold", _UPDATE),
    (_S.IN_RECOVERY_MODE_622F, _G.WRONG_STATE, "the device is in recovery mode", "leave recovery mode: restart it"),
    (_S.AUTHENTICATION_FAILED, _G.TRUST, "authentication failed", "check the keys of both ends"),
    (_S.WRONG_TARGET_ID, _G.BAD_REQUEST, "this was made for another device model", "choose the build for this model"),
    (_S.NO_SESSION, _G.WRONG_STATE, "there is no secure channel", "open the channel again"),
    (_S.NOT_ONBOARDED_6611, _G.WRONG_STATE, "the device is not set up", _ONBOARD),
    (_S.REGISTRY_ERROR, _G.INTERNAL, "the device's list of apps is damaged", _REPLUG),
    (_S.LIST_NOT_STARTED, _G.WRONG_STATE, "a list was continued that had not been started", "start the list again"),
    (_S.LANGUAGE_ARGUMENT_INVALID, _G.BAD_REQUEST, "the language request is wrong", _CLIENT),
    (_S.NO_CUSTOM_IMAGE, _G.NOT_FOUND, "there is no lock-screen image on the device", _NOTHING),
    (_S.IN_RECOVERY_MODE, _G.WRONG_STATE, "the device is in recovery mode", "leave recovery mode: restart it"),
    (_S.BACKUP_ALREADY_FINISHED, _G.WRONG_STATE, "the backup is already finished", "start a new backup"),
    (_S.RESTORE_ALREADY_FINISHED, _G.WRONG_STATE, "the restore is already finished", "start a new restore"),
    (_S.KEY_DERIVATION_FAILED, _G.INTERNAL, "the key could not be made", _REPLUG),
    (_S.WRONG_LENGTH, _G.BAD_REQUEST, "the request has a wrong length", _CLIENT),
    (_S.APDU_TOO_SHORT, _G.BAD_REQUEST, "the request is too short", _CLIENT),
    (
        _S.APP_NAME_INVALID,
        _G.BAD_REQUEST,
        "the app's name is missing or too short",
        "give the name of an installed app",
    ),
    (_S.MISSING_PARAMETER, _G.BAD_REQUEST, "a parameter is missing", _CLIENT),
    (
        _S.APP_NOT_FOUND,
        _G.NOT_FOUND,
        "no app of this name is installed",
        "list the installed apps, or install it first",
    ),
    (_S.CHUNK_OFFSET_INVALID, _G.BAD_REQUEST, "a part was sent for a wrong place", _CLIENT),
    (_S.MISSING_DEPENDENCY, _G.NOT_FOUND, "an app this one needs is missing", "install the app it depends on first"),
    (_S.WRONG_TARGET_DEVICE, _G.BAD_REQUEST, "this was made for another device", "choose the build for this model"),
    (_S.LANGUAGE_ID_INVALID, _G.BAD_REQUEST, "the device does not know this language", "choose another language"),
    (_S.IMAGE_METADATA_INVALID, _G.BAD_REQUEST, "the image's header is wrong", "make the image for this model"),
    (_S.IMAGE_SIZE_INVALID, _G.BAD_REQUEST, "the image's size is wrong", "make the image for this model"),
    (_S.CHUNK_SIZE_INVALID, _G.BAD_REQUEST, "a part has a wrong size", _CLIENT),
    (_S.BACKUP_HEADER_INVALID, _G.BAD_REQUEST, "the backup's header is wrong", "use an unchanged backup"),
    (_S.COMMAND_NOT_ACCEPTED, _G.WRONG_STATE, "the command is not accepted now", _DASHBOARD),
    # apps answer the error of a system call as 6800 and its low bits: 4103, 4104, 4106 of attestation keys (attestation 4, 6)
    (_S.ATTESTATION_KEY_EMPTY, _G.WRONG_STATE, _NO_ATTESTATION, _CERTIFY),
    (_S.ATTESTATION_CERTIFICATE_EMPTY, _G.WRONG_STATE, _NO_ATTESTATION, _CERTIFY),
    (_S.ATTESTATION_SIGNING_EMPTY, _G.WRONG_STATE, _NO_ATTESTATION, _CERTIFY),
    (_S.SECURITY_STATUS_NOT_SATISFIED, _G.LOCKED, "the device is locked, or does not allow this", _UNLOCK),
    (_S.DATA_INVALID, _G.NOT_FOUND, "the data is invalid, or no such app is installed", "check the name or the data"),
    (_S.CONDITIONS_NOT_SATISFIED, _G.REFUSED, "refused on the device, or not possible now", _ASK_AGAIN),
    (_S.COMMAND_NOT_ALLOWED, _G.REFUSED, "the command is not allowed", _ASK_AGAIN),
    (_S.BUFFER_FULL, _G.BAD_REQUEST, "the request is too long for the device", "make it smaller"),
    (_S.PATH_OUT_OF_RANGE, _G.BAD_REQUEST, "the derivation path is out of range", _PATHS),
    (_S.HRP_LENGTH_INVALID, _G.BAD_REQUEST, "the address prefix has a wrong length", "use a prefix of 1 to 83 letters"),
    (_S.PATH_NOT_ALLOWED, _G.BAD_REQUEST, "the derivation path is not allowed", _PATHS),
    (_S.HRP_NOT_ALLOWED, _G.BAD_REQUEST, "the address prefix does not go with this path", _PATHS),
    (_S.EXPERT_MODE_REQUIRED, _G.WRONG_STATE, "this needs expert mode", _EXPERT),
    (_S.CUSTOM_CHANNEL_UNAVAILABLE, _G.TRUST, "this device opens no secure channel for a custom key", _SOURCE),
    (_S.INCORRECT_DATA, _G.BAD_REQUEST, "the data is incorrect", _CLIENT),
    (_S.FUNCTION_NOT_SUPPORTED, _G.BAD_REQUEST, "the function is not supported", _UPDATE),
    (
        _S.MISSING_LIBRARY,
        _G.NOT_FOUND,
        "an app or library this one needs is missing",
        "install what it depends on first",
    ),
    (_S.NOT_ENOUGH_FLASH, _G.NOT_ENOUGH_SPACE, "there is not enough space on the device", _MAKE_ROOM),
    (_S.NOT_ENOUGH_FLASH_6A85, _G.NOT_ENOUGH_SPACE, "there is not enough space on the device", _MAKE_ROOM),
    (_S.REFERENCED_DATA_NOT_FOUND, _G.NOT_FOUND, "what the request refers to was not found", _CLIENT),
    (_S.FILE_ALREADY_EXISTS, _G.WRONG_STATE, "it exists already", "remove the old one first"),
    (_S.ALREADY_INSTALLED, _G.ALREADY_INSTALLED, "it is already installed", _NOTHING),
    (_S.ALREADY_INSTALLED_6A8F, _G.ALREADY_INSTALLED, "it is already installed", _NOTHING),
    (_S.WRONG_P1P2, _G.BAD_REQUEST, "a parameter of the request is wrong", _CLIENT),
    (_S.WRONG_EXPECTED_LENGTH, _G.BAD_REQUEST, "the request has a wrong length", _CLIENT),
    (_S.INS_NOT_SUPPORTED, _G.WRONG_STATE, "what is open on the device does not know this command", _DASHBOARD),
    (_S.UNKNOWN_APDU_6D01, _G.WRONG_STATE, "the device is not on its dashboard", _DASHBOARD),
    (_S.UNKNOWN_APDU, _G.WRONG_STATE, "the device is not on its dashboard", _DASHBOARD),
    (_S.NOT_ONBOARDED_6D06, _G.WRONG_STATE, "the device is not set up", _ONBOARD),
    (_S.NOT_ONBOARDED, _G.WRONG_STATE, "the device is not set up", _ONBOARD),
    (_S.CLA_NOT_SUPPORTED, _G.WRONG_STATE, "an app is open, and it does not know this command", _DASHBOARD),
    (_S.UNKNOWN_APDU_6E01, _G.WRONG_STATE, "the device is not on its dashboard", _DASHBOARD),
    (_S.TECHNICAL_PROBLEM, _G.INTERNAL, "the device had a technical problem", _REPLUG),
    (_S.SIGNING_FAILED, _G.INTERNAL, "signing failed", _REPLUG),
    (_S.APP_LOCKED, _G.LOCKED, "the app is locked", _UNLOCK),
    (_S.LICENSING, _G.INTERNAL, "a licence is missing", _REPORT),
    (_S.HALTED, _G.INTERNAL, "the device has halted", _REPLUG),
    (_S.MEMORY_PROBLEM, _G.INTERNAL, "the memory has a problem", _REPLUG),
    (_S.NO_FILE_SELECTED, _G.WRONG_STATE, "no file is selected", _CLIENT),
    (_S.OFFSET_INVALID, _G.BAD_REQUEST, "an offset is invalid", _CLIENT),
    (_S.FILE_NOT_FOUND, _G.NOT_FOUND, "the file was not found", _CLIENT),
    (_S.FILE_INCONSISTENT, _G.INTERNAL, "the file is inconsistent", _REPORT),
    (_S.ALGORITHM_NOT_SUPPORTED, _G.BAD_REQUEST, "the algorithm is not supported", _UPDATE),
    (_S.KEY_CHECK_VALUE_INVALID, _G.TRUST, "a key's check value is wrong", "check the keys of both ends"),
    (_S.CODE_NOT_INITIALISED, _G.WRONG_STATE, "no secret code is set", _ONBOARD),
    (_S.ACCESS_CONDITION_NOT_FULFILLED, _G.LOCKED, "access is not granted", _UNLOCK),
    (_S.CODE_STATUS_CONTRADICTION, _G.WRONG_STATE, "the secret code's state does not allow this", _UNLOCK),
    (_S.INVALIDATION_CONTRADICTION, _G.WRONG_STATE, "the file's state does not allow this", _CLIENT),
    (_S.CODE_BLOCKED, _G.LOCKED, "the secret code is blocked", "reset the device and restore it from its words"),
    (_S.MAXIMUM_REACHED, _G.WRONG_STATE, "a counter is at its end", _REPORT),
)

# only while something is being installed do these words say "already there" (wire-protocol B.1, groups)
_INSTALL: _Rows = (
    (_S.INCORRECT_DATA, _G.ALREADY_INSTALLED, "it is already installed", _NOTHING),
    (_S.FUNCTION_NOT_SUPPORTED, _G.ALREADY_INSTALLED, "it is already installed", _NOTHING),
    (_S.SECURITY_STATUS_NOT_SATISFIED, _G.LOCKED, "the device is locked, or a custom CA is already there", _UNLOCK),
)

_COSMOS: _Rows = (
    (_S.KEY_DERIVATION_FAILED, _G.INTERNAL, "the key or the address could not be made", _REPLUG),
    (_S.WRONG_LENGTH, _G.BAD_REQUEST, "the request or its path is cut short", _CLIENT),
    (_S.SECURITY_STATUS_NOT_SATISFIED, _G.BAD_REQUEST, "the request is empty", _CLIENT),
    (
        _S.DATA_INVALID,
        _G.BAD_REQUEST,
        "the app cannot show this transaction",
        "read the text that came with the answer",
    ),
    (_S.COMMAND_NOT_ALLOWED, _G.REFUSED, "refused on the device", _ASK_AGAIN),
    (_S.BUFFER_FULL, _G.BAD_REQUEST, "the transaction is too long for the app", "split it into smaller transactions"),
    (_S.PATH_OUT_OF_RANGE, _G.BAD_REQUEST, "account or index is over 100, which needs expert mode", _EXPERT),
    (_S.INS_NOT_SUPPORTED, _G.BAD_REQUEST, "the app does not know this command", _UPDATE),
    (_S.WRONG_P1P2, _G.BAD_REQUEST, "the part number of the signing request is wrong", _CLIENT),
    (_S.CLA_NOT_SUPPORTED, _G.WRONG_STATE, "another app is open, or none", "open the app this command belongs to"),
    (_S.SIGNING_FAILED, _G.INTERNAL, "signing failed", _REPLUG),
)

_TRANSFER: _Rows = (
    (_S.CONDITIONS_NOT_SATISFIED, _G.REFUSED, "refused on the device, or not possible now", _ASK_AGAIN),
    (
        _S.INCORRECT_DATA,
        _G.TRUST,
        "the other device is not one of this owner that runs the same app",
        "use two devices of one model, with the same version of system and app, certified by the same owner",
    ),
    (_S.INS_NOT_SUPPORTED, _G.BAD_REQUEST, "the app does not know this command", _UPDATE),
    (_S.WRONG_P1P2, _G.BAD_REQUEST, "the step of the request is wrong", _CLIENT),
    (_S.CLA_NOT_SUPPORTED, _G.WRONG_STATE, "another app is open, or none", "open the app this command belongs to"),
    (_S.TECHNICAL_PROBLEM, _G.INTERNAL, "the app cannot read or keep its key", _REPLUG),
)


def _table(rows: _Rows) -> dict[int, Meaning]:
    return {
        int(status): Meaning(status=status, word=status.name.lower(), meaning=meaning, remedy=remedy, group=group)
        for status, group, meaning, remedy in rows
    }


_TABLE = {
    Layer.OS: _table(_OS),
    Layer.INSTALL: _table(_INSTALL),
    Layer.COSMOS: _table(_COSMOS),
    Layer.TRANSFER: _table(_TRANSFER),
}


def explain(status: int, *, layer: Layer = Layer.OS) -> Meaning:
    """Return what `status` (16 bits) means when `layer` answered it; an unknown word comes back in hexadecimal."""
    found = _TABLE[layer].get(status) or _TABLE[Layer.OS].get(status) or _family(status)
    if found is not None:
        return found
    return _meaning(
        status,
        "unknown_status",
        f"the device answered {status:04X}, which this version does not know",
        _REPORT,
        _G.UNKNOWN,
    )


def _family(status: int) -> Meaning | None:
    low = status & 0xFF
    if status >> 8 == 0x61:
        return _meaning(status, "more_data", f"{low} more bytes are waiting", "fetch them: 00 C0 00 00 00", _G.SUCCESS)
    if status >> 8 == 0x6C:
        return _meaning(status, "wrong_expected_length", f"the answer has {low} bytes", _CLIENT, _G.BAD_REQUEST)
    if status >> 4 == 0x63C:
        attempts = f"the PIN was wrong, {low & 0xF} attempts are left"
        return _meaning(status, "pin_attempts_left", attempts, "enter the right PIN", _G.LOCKED)
    if 0x422D <= status <= 0x4239 or status in {_S.PKI_CERTIFICATE_3301, _S.PKI_CERTIFICATE_4118}:
        return _meaning(status, "pki_certificate_error", "the device does not accept a certificate", _UPDATE, _G.TRUST)
    return None


def _meaning(status: int, word: str, meaning: str, remedy: str, group: Group) -> Meaning:
    return Meaning(status=status, word=word, meaning=meaning, remedy=remedy, group=group)
