"""A proxy between a client and the manager that writes down requests, sockets and replies, without what differs each time.

Noted are ``GET /path?name=value``, bodies of a POST, and each reply in a socket. Hashes, and names that hold one, differ
with each change of the code: they become ``*``. Data of a reply is random: it is noted whether there is any.
"""

import json
import re
import socket
import threading
from contextlib import contextmanager
from urllib.parse import parse_qsl, urlsplit

from recorder import pass_on, receive

_CHANGING = re.compile(r"^(?:[0-9a-f]{64}|[a-z]+/[0-9.]+/[a-z]+/app_.*)$")
_END = b"\r\n\r\n"
_TEXT = 0x1


@contextmanager
def recording_manager(address):
    """Listen on a free port before the manager at `address` (its `http://HOST:PORT/api`); give (own port, list)."""
    sent = []
    target = urlsplit(address)
    listener = socket.create_server(("127.0.0.1", 0))
    threads = []

    def serve():
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threads.append(threading.Thread(target=carry, args=(client, (target.hostname, target.port), sent)))
            threads[-1].start()

    server = threading.Thread(target=serve)
    server.start()
    try:
        yield listener.getsockname()[1], sent
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        server.join()
        for thread in threads:
            thread.join()


def carry(client, target, sent):
    """Pass one connection on, in both directions, and read along what the client says."""
    reading = _Reading(sent)
    with client, socket.create_connection(target) as manager:
        back = threading.Thread(target=give_back, args=(manager, client))
        back.start()
        while chunk := receive(client):
            reading.take(chunk)
            manager.sendall(chunk)
        manager.shutdown(socket.SHUT_WR)
        back.join()


def give_back(manager, client):
    """Carry the manager's side; at its end the client sees the end, too."""
    pass_on(manager, client)
    try:
        client.shutdown(socket.SHUT_RDWR)
    except OSError:
        return


class _Reading:
    """Reads what one client says: requests, and after an upgrade the frames of a WebSocket (RFC 6455)."""

    def __init__(self, sent):
        self._sent = sent
        self._pending = b""
        self._is_socket = False

    def take(self, chunk):
        """Note whatever is whole."""
        self._pending += chunk
        while self._frame() if self._is_socket else self._request():
            pass

    def _request(self):
        head, found, rest = self._pending.partition(_END)
        if not found:
            return False
        line, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        length = int(headers.get("content-length", "0"))
        if len(rest) < length:
            return False
        body, self._pending = rest[:length], rest[length:]
        method, url, _ = line.split(" ")
        self._is_socket = headers.get("upgrade", "").lower() == "websocket"
        self._sent.append(" ".join(["SOCKET" if self._is_socket else method, plain_url(url), *plain_body(body)]))
        return True

    def _frame(self):
        data = self._pending
        if len(data) < 2:
            return False
        size, at = data[1] & 0x7F, 2
        if size > 125:
            at += 2 if size == 126 else 8
            size = int.from_bytes(data[2:at], "big")
        if len(data) < at + 4 + size:
            return False
        mask, masked = data[at : at + 4], data[at + 4 : at + 4 + size]
        self._pending = data[at + 4 + size :]
        if data[0] & 0x0F == _TEXT:
            text = bytes(byte ^ mask[index % 4] for index, byte in enumerate(masked))
            reply = json.loads(text)
            self._sent.append(
                "reply " + json.dumps(reply | ({"data": "…"} if reply.get("data") else {}), ensure_ascii=False)
            )
        return True


def plain_url(url):
    """Give path and query with what differs each time as `*`."""
    parts = urlsplit(url)
    query = "&".join(f"{name}={plain(value)}" for name, value in parse_qsl(parts.query, keep_blank_values=True))
    return parts.path + (f"?{query}" if query else "")


def plain_body(body):
    """Give a JSON body in the same form, as a list of one text, or none."""
    if not body:
        return []
    document = json.loads(body)
    return [json.dumps([plain(one) for one in document] if isinstance(document, list) else document)]


def plain(value):
    """Give a value, or `*` for one that differs each time."""
    return "*" if isinstance(value, str) and _CHANGING.match(value) else value
