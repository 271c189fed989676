"""Proxies between a client and the device that write down what the client sends, byte for byte."""

import http.client
import http.server
import json
import socket
import socketserver
import threading
from contextlib import contextmanager

STREAM_CHUNK = 65536


@contextmanager
def recording_tcp(port):
    """Listen on a free port before `port`; give (own port, list of what was sent, as "apdu HEX")."""
    sent = []
    server = _Tcp(("127.0.0.1", 0), _TcpHandler)
    server.target, server.sent = port, sent
    with _serving(server):
        yield server.server_address[1], sent


@contextmanager
def recording_http(port):
    """Listen on a free port before `port`; give (own port, list of what was sent, as "METHOD PATH[ HEX]")."""
    sent = []
    server = _Http(("127.0.0.1", 0), _HttpHandler)
    server.target, server.sent = port, sent
    with _serving(server):
        yield server.server_address[1], sent


@contextmanager
def _serving(server):
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Tcp(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False


class _TcpHandler(socketserver.BaseRequestHandler):
    """One connection: bytes pass as they come, in both directions; whole requests are noted."""

    def handle(self):
        with socket.create_connection(("127.0.0.1", self.server.target)) as device:
            back = threading.Thread(target=pass_on, args=(device, self.request), daemon=True)
            back.start()
            pending = b""
            while chunk := receive(self.request):
                pending = self.note(pending + chunk)
                device.sendall(chunk)
            device.shutdown(socket.SHUT_WR)
            back.join()

    def note(self, pending):
        """Write down each whole request (u32 length, APDU: wire-protocol A.5); give what is left."""
        while len(pending) >= 4 and len(pending) >= 4 + int.from_bytes(pending[:4], "big"):
            end = 4 + int.from_bytes(pending[:4], "big")
            self.server.sent.append(f"apdu {pending[4:end].hex()}")
            pending = pending[end:]
        return pending


def receive(source):
    """Read what is there; nothing once the peer is gone."""
    try:
        return source.recv(STREAM_CHUNK)
    except OSError:
        return b""


def pass_on(source, sink):
    """Carry bytes until one side is gone."""
    while chunk := receive(source):
        try:
            sink.sendall(chunk)
        except OSError:
            return


class _Http(http.server.ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False


class _HttpHandler(http.server.BaseHTTPRequestHandler):
    """One request: passed on whole, noted, its answer passed back as it comes."""

    def do_GET(self):
        self.forward(b"")

    def do_POST(self):
        self.forward(self.rfile.read(int(self.headers.get("Content-Length", "0"))))

    def forward(self, body):
        """Note the request, ask the device, give its answer back chunk by chunk."""
        self.server.sent.append(" ".join([self.command, self.path, *apdu_in(body)]))
        headers = {name: self.headers[name] for name in ("Content-Type", "Accept") if name in self.headers}
        device = http.client.HTTPConnection("127.0.0.1", self.server.target)
        try:
            device.request(self.command, self.path, body=body or None, headers=headers)
            answer = device.getresponse()
            self.send_response_only(answer.status, answer.reason)
            self.send_header("Content-Type", answer.headers.get("Content-Type", "application/json"))
            self.send_header("Connection", "close")
            self.end_headers()
            while chunk := answer.read1(STREAM_CHUNK):
                self.wfile.write(chunk)
                self.wfile.flush()
        except OSError:
            return  # the client has had enough of a stream, or the device is gone: both end the answer
        finally:
            device.close()

    def log_message(self, *args):
        """Keep quiet: what was sent is in the list."""


def apdu_in(body):
    """Give the APDU of a request body as a list of one text, or an empty list."""
    try:
        document = json.loads(body)
    except ValueError:
        return []
    return [document[key] for key in ("data", "apduHex") if key in document] if isinstance(document, dict) else []
