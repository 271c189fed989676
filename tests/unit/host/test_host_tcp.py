"""APDUs over TCP against scripted servers: whole, half, wrong and missing answers (wire-protocol A.5)."""

import socket
import threading

import pytest

from tallystick.errors import (
    DeviceNotFound,
    LocalProtocolError,
    RemoteProtocolError,
    TransportError,
    TransportTimeout,
)
from tallystick.host.transport.tcp import TcpTransport

APDU = bytes.fromhex("e001000000")
FRAME = b"\x00\x00\x00\x05" + APDU


def take(link: socket.socket, size: int = len(FRAME)) -> bytes:
    """Read exactly `size` bytes."""
    data = b""
    while len(data) < size and (chunk := link.recv(size - len(data))):
        data += chunk
    return data


def test_apdu_is_framed_and_its_answer_comes_back_with_the_status_word(serve):
    """The request carries its length, the answer's length leaves out the status word."""
    seen = []

    def script(link):
        seen.append(take(link))
        link.sendall(b"\x00\x00\x00\x02\xaa\xbb\x90\x00")

    transport = TcpTransport("127.0.0.1", serve(script).port)
    assert transport.exchange(APDU, timeout_s=60) == b"\xaa\xbb\x90\x00"
    assert seen == [FRAME]
    transport.close()


def test_answer_in_pieces_is_put_together(serve):
    """An answer that arrives byte by byte is one answer."""
    go_on = threading.Event()

    def script(link):
        take(link)
        answer = b"\x00\x00\x00\x03\x01\x02\x03\x90\x00"
        link.sendall(answer[:3])
        go_on.wait(10)
        for offset in range(3, len(answer)):
            link.sendall(answer[offset : offset + 1])

    transport = TcpTransport("127.0.0.1", serve(script).port)
    transport.send(APDU)
    assert transport.receive(0.01) is None
    go_on.set()
    assert transport.receive(10) == b"\x01\x02\x03\x90\x00"
    transport.close()


def test_several_requests_use_one_connection(serve):
    """Requests follow each other on the same connection."""

    def script(link):
        for number in range(3):
            take(link)
            link.sendall(b"\x00\x00\x00\x01" + bytes((number,)) + b"\x90\x00")

    transport = TcpTransport("127.0.0.1", serve(script).port)
    assert [transport.exchange(APDU, timeout_s=60)[0] for _ in range(3)] == [0, 1, 2]
    transport.close()


@pytest.mark.parametrize("half", [b"", b"\x00\x00", b"\x00\x00\x00\x02\xaa", b"\x00\x00\x00\x00\x90"])
def test_device_that_hangs_up_is_an_error_and_the_next_request_calls_again(serve, half):
    """A connection closed before the answer is complete is a transport error; the transport recovers by itself."""

    def broken(link):
        take(link)
        link.sendall(half)

    def whole(link):
        take(link)
        link.sendall(b"\x00\x00\x00\x00\x90\x00")

    transport = TcpTransport("127.0.0.1", serve(broken, whole).port)
    with pytest.raises(TransportError, match="broke"):
        transport.exchange(APDU, timeout_s=60)
    assert transport.exchange(APDU, timeout_s=60) == b"\x90\x00"
    transport.close()


def test_answer_with_an_absurd_length_is_refused(serve):
    """A length above any APDU is a protocol error, not a promise to wait for."""

    def script(link):
        take(link)
        link.sendall(b"\xff\xff\xff\xff")

    transport = TcpTransport("127.0.0.1", serve(script).port)
    with pytest.raises(RemoteProtocolError):
        transport.exchange(APDU, timeout_s=60)


def test_two_answers_to_one_request_are_refused(serve):
    """An answer nobody asked for is not kept for the next request."""

    def script(link):
        take(link)
        link.sendall(b"\x00\x00\x00\x00\x90\x00" * 2)

    transport = TcpTransport("127.0.0.1", serve(script).port)
    with pytest.raises(RemoteProtocolError, match="2 answers"):
        transport.exchange(APDU, timeout_s=60)


def test_late_answer_of_a_request_that_was_given_up_is_never_taken_for_another(serve):
    """After a timeout the next request goes over a new connection."""
    release = threading.Event()

    def slow(link):
        take(link)
        release.wait(60)

    def quick(link):
        take(link)
        link.sendall(b"\x00\x00\x00\x01\x07\x90\x00")

    transport = TcpTransport("127.0.0.1", serve(slow, quick).port)
    with pytest.raises(TransportTimeout):
        transport.exchange(APDU, timeout_s=0.01)
    release.set()
    assert transport.exchange(APDU, timeout_s=60) == b"\x07\x90\x00"
    transport.close()


def test_nobody_listening_is_no_device():
    """A refused connection says that no device is there, and what to do."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(DeviceNotFound) as caught:
        TcpTransport("127.0.0.1", port).send(APDU)
    assert "tally up" in caught.value.remedy


def test_call_that_is_not_answered_is_a_timeout():
    """A host that does not answer the call at all is a timeout."""

    def connect(address, timeout_s):
        raise TimeoutError

    with pytest.raises(TransportTimeout):
        TcpTransport("192.0.2.1", 9999, connect=connect).send(APDU)


def test_transport_refuses_misuse(serve):
    """A second request before the answer, and waiting without a request, are bugs of the caller."""
    transport = TcpTransport("127.0.0.1", serve(lambda link: take(link, 1)).port)
    with pytest.raises(LocalProtocolError):
        transport.receive(0)
    transport.send(APDU)
    with pytest.raises(LocalProtocolError):
        transport.send(APDU)
    transport.close()


@pytest.mark.parametrize(("host", "url"), [("127.0.0.1", "tcp:127.0.0.1:9999"), ("::1", "tcp:[::1]:9999")])
def test_url_can_be_given_to_the_device_option(host, url):
    """The transport's address is in the form that --device takes, IPv6 in brackets."""
    assert TcpTransport(host, 9999).url == url
