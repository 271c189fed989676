"""APDUs over HTTP against scripted servers (wire-protocol A.6)."""

import json
import socket
import threading

import pytest

from tallystick.errors import (
    DeviceNotFound,
    LocalProtocolError,
    RemoteProtocolError,
    TransportError,
    TransportTimeout,
    UsageError,
)
from tallystick.host.transport.http import HttpTransport

APDU = bytes.fromhex("e001000000")


def request_of(link: socket.socket) -> tuple[str, dict]:
    """Read one request; return its first line and its JSON body."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += link.recv(4096)
    head, _, body = data.partition(b"\r\n\r\n")
    size = next(int(line.split(b":")[1]) for line in head.splitlines() if line.lower().startswith(b"content-length"))
    while len(body) < size:
        body += link.recv(4096)
    return head.splitlines()[0].decode(), json.loads(body)


def reply(body: bytes, *, status: str = "200 OK") -> bytes:
    """Return one answer."""
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


@pytest.mark.parametrize(
    ("path", "line", "member"),
    [
        ("", "POST / HTTP/1.1", "apduHex"),
        ("/", "POST / HTTP/1.1", "apduHex"),
        ("/bridge", "POST /bridge HTTP/1.1", "apduHex"),
        ("/apdu", "POST /apdu HTTP/1.1", "data"),
    ],
)
def test_path_of_the_url_decides_the_body(serve, path, line, member):
    """A path that ends in /apdu takes the REST body, any other the bridge's; both answer with `data`."""
    seen = []

    def script(link):
        seen.append(request_of(link))
        link.sendall(reply(b'{"data":"aabb9000"}'))

    transport = HttpTransport(f"http://127.0.0.1:{serve(script).port}{path}")
    assert transport.exchange(APDU, timeout_s=60) == b"\xaa\xbb\x90\x00"
    assert seen == [(line, {member: "e001000000"})]


def test_answer_is_waited_for_in_slices(serve):
    """While the device waits for a person, receive says that nothing is there yet."""
    go_on = threading.Event()

    def script(link):
        request_of(link)
        go_on.wait(10)
        link.sendall(reply(b'{"data":"9000"}'))

    transport = HttpTransport(f"http://127.0.0.1:{serve(script).port}/apdu")
    transport.send(APDU)
    assert transport.receive(0.01) is None
    go_on.set()
    assert transport.receive(10) == b"\x90\x00"


@pytest.mark.parametrize(
    ("status", "body"),
    [
        ("200 OK", b'{"error":"no device"}'),
        ("200 OK", b"<html>"),
        ("200 OK", b'{"data":"90"}'),
        ("200 OK", b'{"data":"zz"}'),
        ("200 OK", b'{"data":5}'),
        ("404 Not Found", b"nothing here"),
        ("200 OK", b"[" * 100_000),
        ("200 OK", b'{"data":"' + b"00" * 70_000 + b'"}'),
    ],
)
def test_answer_that_is_none_is_a_protocol_error(serve, status, body):
    """Errors of the proxy, other pages and bodies beyond any APDU are refused with the HTTP status and a remedy."""

    def script(link):
        request_of(link)
        link.sendall(reply(body, status=status))

    with pytest.raises(RemoteProtocolError, match=f"HTTP {status[:3]}") as caught:
        HttpTransport(f"http://127.0.0.1:{serve(script).port}/apdu").exchange(APDU, timeout_s=60)
    assert "/apdu" in caught.value.remedy


@pytest.mark.parametrize(
    "half", [b"", b"HTTP/1.1 200", b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{", b"\x00\xff\r\n"]
)
def test_answer_that_breaks_off_is_an_error_and_the_next_request_works(serve, half):
    """A connection closed in the middle is an error; the transport recovers by itself."""

    def broken(link):
        request_of(link)
        link.sendall(half)

    def whole(link):
        request_of(link)
        link.sendall(reply(b'{"data":"9000"}'))

    transport = HttpTransport(f"http://127.0.0.1:{serve(broken, whole).port}/apdu")
    with pytest.raises((TransportError, RemoteProtocolError)):
        transport.exchange(APDU, timeout_s=60)
    assert transport.exchange(APDU, timeout_s=60) == b"\x90\x00"


def test_silent_server_is_a_timeout(serve):
    """A server that takes the request and says nothing is given up."""
    release = threading.Event()

    def script(link):
        request_of(link)
        release.wait(60)

    transport = HttpTransport(f"http://127.0.0.1:{serve(script).port}/apdu")
    with pytest.raises(TransportTimeout):
        transport.exchange(APDU, timeout_s=0.01)
    release.set()


def test_nobody_listening_is_no_device():
    """A refused connection says that no device is there."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(DeviceNotFound):
        HttpTransport(f"http://127.0.0.1:{port}/apdu").send(APDU)


def test_transport_refuses_misuse(serve):
    """A second request before the answer, and waiting without a request, are bugs of the caller."""
    transport = HttpTransport(f"http://127.0.0.1:{serve(request_of).port}/apdu")
    with pytest.raises(LocalProtocolError):
        transport.receive(0)
    transport.send(APDU)
    with pytest.raises(LocalProtocolError):
        transport.send(APDU)
    transport.close()


@pytest.mark.parametrize(
    "url", ["ftp://host/apdu", "http://", "http:///apdu", "http://host:99999/apdu", "http://[::1/apdu"]
)
def test_url_that_is_none_is_a_usage_error(url):
    """An address that cannot be called is refused before anything is sent."""
    with pytest.raises(UsageError):
        HttpTransport(url)


def test_secure_url_is_called_with_tls():
    """The scheme https asks for a TLS connection to its own default port."""
    asked = []

    def connect(host, port, secure):
        asked.append((host, port, secure))
        raise AssertionError

    with pytest.raises(AssertionError):
        HttpTransport("https://device.example/apdu", connect=connect).send(APDU)
    assert asked == [("device.example", None, True)]
