"""ledgerblue and ledgerwallet judge the secure channel by itself: their handshake, their records, their loader."""

import binascii
import hashlib
import json
import subprocess
import sys
from pathlib import Path

import client
import ecdsa
import pytest

from conftest import require

pytestmark = pytest.mark.interop

HERE = Path(__file__).parent
PRIVATE = "11" * 32
TARGETS = (0x31100002, 0x31100003, 0x33100004)
FULL_HASH = "2eab72741d6f57c3b332d6b62bf202e30df66f44dfecfe02daed09f02926e68d"  # attestation 8
LINE = bytes(range(256)) * 2


def public_of(private):
    """Give the public key of a private one, both in hexadecimal."""
    key = ecdsa.SigningKey.from_string(bytes.fromhex(private), ecdsa.SECP256k1)
    return "04" + key.get_verifying_key().to_string().hex()


def image():
    """Give the image of attestation 8 as Intel HEX, written by hand."""
    lines = [b"\x02\x00\x00\x04\xc0\xde"]
    lines += [b"\x10" + at.to_bytes(2, "big") + b"\x00" + LINE[at : at + 16] for at in range(0, 512, 16)]
    lines += [b"\x04\x00\x00\x05\xc0\xde\x00\x01", b"\x00\x00\x00\x01"]
    return "".join(":" + (line + bytes([-sum(line) & 0xFF])).hex().upper() + "\n" for line in lines)


@pytest.fixture
def judge(tmp_path):
    """Give a function that has a client talk to a device's end; it gives what either says at the end."""
    require(client.why_no_python())
    env = client.environment(home=tmp_path, apdu_port=0)

    def talk(name, *, target_id, trusted):
        issuer = public_of("55" * 32)
        asked = {"client": name, "target_id": target_id, "private": PRIVATE, "issuer": issuer, "image": image()}
        end = [sys.executable, str(HERE / "channel_end.py"), json.dumps({"target_id": target_id, "trusted": trusted})]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        with subprocess.Popen(end, **pipes) as device:
            try:
                driver = subprocess.run(
                    client.driver_command("python", "channel_driver", asked),
                    env=env,
                    cwd=tmp_path,
                    stdin=device.stdout,
                    stdout=device.stdin,
                    stderr=subprocess.PIPE,
                    text=True,
                    timeout=client.TIME_LIMIT_S,
                    check=False,
                )
                device.stdin.close()
                said = device.stderr.read().decode()
            finally:
                device.kill()
        assert driver.returncode == 0, driver.stderr + said
        return json.loads(driver.stderr.splitlines()[-1]), json.loads(said.splitlines()[-1])

    return talk


def crc_command(data):
    """Give the command that checks a segment, by the checksum of the standard library."""
    return "080000" + len(data).to_bytes(4, "big").hex() + f"{binascii.crc_hqx(data, 0xFFFF):04x}"


@pytest.mark.parametrize("target_id", TARGETS, ids=hex)
def test_ledgerblue_loads_and_checks_through_the_channel(judge, target_id):
    """Its handshake is taken in all generations, its records are read, ours are read by it, and it finds the device genuine."""
    result, end = judge("ledgerblue", target_id=target_id, trusted={})
    assert {tuple(asked) for asked in end["asked"]} == {(public_of(PRIVATE), None)}
    assert len(end["asked"]) == 5
    assert result["areas"] == [[0xC0DE0000, LINE.hex()]]
    expected = ["0c0444656d6f", "0b050000018000000040000000400000080000000001", "0500000000"]
    told = end["told"]
    assert told[:3] == expected
    loads = [bytes.fromhex(command) for command in told if command.startswith("06")]
    assert b"".join(load[3:] for load in loads) == LINE
    assert told[3 + len(loads) :] == [
        "07",
        crc_command(LINE),
        "0946" + bytes(range(70)).hex(),
        *("0e", "0f", "10"),
        "120562656e636841" + public_of("55" * 32),
        "13",
        "15" + "00" * 32,
    ]
    # ledgerblue takes the blocks for the upper half of the flags
    assert result["apps"] == [["Demo", 0x10800, "02" * 32]]
    assert result["more"] == []
    assert result["version"] == [target_id, "1.1.1", "4.03"]
    if target_id == 0x33100004:
        assert result["full_hash"] == FULL_HASH
    # by another issuer it is not, by the right one it is
    assert result["genuine"] == result["endorsement"] == [False, True]
    endorsed = bytes.fromhex(result["endorsed"])
    device = ecdsa.VerifyingKey.from_string(bytes.fromhex(public_of("33" * 32)), ecdsa.SECP256k1)
    digest = hashlib.sha256(b"\xff" + endorsed[:65]).digest()
    assert device.verify_digest(endorsed[65:], digest, sigdecode=ecdsa.util.sigdecode_der)


@pytest.mark.parametrize("target_id", TARGETS[1:], ids=hex)
def test_ledgerwallet_talks_through_the_channel(judge, target_id):
    """Ledgerctl's client, known by the name of its CA, lists, asks, installs a CA, and deletes."""
    result, end = judge("ledgerwallet", target_id=target_id, trusted={"bench": public_of(PRIVATE)})
    assert end["asked"] == [[public_of(PRIVATE), "bench"]]
    assert result["apps"] == [["Demo", 0x800, "02" * 32]]
    assert result["memory"] == [1, 5]
    assert result["version"][:2] == [target_id, "1.1.1"]
    assert result["version"][2].rstrip("\x00") == "4.03"
    ca = "120562656e636841" + public_of("55" * 32)
    assert end["told"] == ["10", "11", "0e", "0f", ca, "13", "0c0444656d6f", "15" + "00" * 32]
