"""Serves sandbox processors on this machine and nowhere else."""

import json
import socket
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.sandbox.faults import Fault
from tests.sandbox.processor import Processor
from tests.sandbox.steering.asking import STEER, steer
from tests.sandbox.wire import Reply, Request

LOOPBACK = "127.0.0.1"
PAGE = b"<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"
DELIVER_EVERY = 0.2


class NotHere(RuntimeError):
    """A sandbox answers on the loopback interface only: it takes anybody's word for who they are."""


class Server(ThreadingHTTPServer):
    """A processor behind a port of its own. url: where it is reached."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, processor: Processor, port: int = 0, host: str = LOOPBACK) -> None:
        if host != LOOPBACK:
            raise NotHere(host)
        super().__init__((host, port), _Handler)
        self.processor = processor
        self.url = f"http://{host}:{self.server_address[1]}"
        self.stopping = Event()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news; anything else is a mistake of ours."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    """An answer leaves in one piece: a second one would wait for the first to be acknowledged, 40 ms later."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True
    server: Server

    def _serve(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        parts = urlsplit(self.path)
        request = Request(
            self.command, parts.path, parse_qsl(parts.query, keep_blank_values=True),
            {name.lower(): value for name, value in self.headers.items()},
            self.rfile.read(length), base=self.server.url,
        )  # fmt: skip
        if request.path.startswith(STEER):
            self._send(steer(self.server.processor, request))
            return
        processor = self.server.processor
        self.server.stopping.wait(processor.latency) if processor.latency else None
        fault = processor.faults.take(request.path, request.body)
        reply = self._spoilt(fault, request) if fault else processor.answer(request)
        if reply is None:
            self._cut()
        else:
            self._send(reply)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve

    def do_OPTIONS(self) -> None:
        """Hosted fields call from the page of the merchant, which is another origin."""
        self._send(Reply(204, headers={"access-control-allow-methods": "*", "access-control-allow-headers": "*"}))

    def _spoilt(self, fault: Fault, request: Request) -> Reply | None:
        """The reply as the fault has it; None to cut the line."""
        processor, kind = self.server.processor, fault.kind
        if kind.endswith("_before"):
            return self._lost(kind, fault)
        if kind == "rate_limit":
            return processor.too_often(request)
        if kind == "expired":
            return processor.not_allowed(request)
        reply = processor.answer(request)
        if kind.endswith("_after"):
            return self._lost(kind, fault)
        if kind == "delay":
            self.server.stopping.wait(fault.seconds)
        elif kind == "truncated":
            self._send(reply, cut=max(1, len(reply.body) // 2))
            return None
        elif kind == "html":
            reply = Reply(200, PAGE, "text/html")
        elif kind == "empty":
            reply = Reply(200, b"", reply.content_type)
        elif kind == "garbled":
            reply = Reply(200, bytes(range(128, 256)), reply.content_type)
        elif kind == "lie_amount":
            reply = processor.lie(reply, fault)
        return reply

    def _lost(self, kind: str, fault: Fault) -> Reply | None:
        if kind.startswith("error"):
            return Reply(500, PAGE, "text/html")
        if kind.startswith("hang"):
            self.server.stopping.wait(fault.seconds)
        return None

    def _send(self, reply: Reply, cut: int | None = None) -> None:
        self.send_response(reply.status)
        if reply.body:
            self.send_header("content-type", reply.content_type)
        self.send_header("content-length", str(len(reply.body)))
        if "access-control-allow-origin" not in reply.headers:
            self.send_header("access-control-allow-origin", "*")
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(reply.body[:cut])
        self.wfile.flush()

    def _cut(self) -> None:
        """As a line that breaks: reset, not closed politely."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing: a request line may hold what is nobody's business."""


def serve(processor: Processor, port: int = 0, *, posting: bool = True, poll: float = 0.5) -> Server:
    """Start answering, in threads. posting: deliver webhooks as they fall due; else only when told. poll: seconds,
    how soon it stops."""
    server = Server(processor, port)
    Thread(target=server.serve_forever, kwargs={"poll_interval": poll}, daemon=True).start()
    if posting:
        Thread(target=_post, args=(server,), daemon=True).start()
    return server


def _post(server: Server) -> None:
    while not server.stopping.wait(DELIVER_EVERY):
        server.processor.webhooks.deliver_due()


def stop(server: Server) -> None:
    """From here on nobody answers at that port: a connection is refused."""
    server.stopping.set()
    server.shutdown()
    server.server_close()


@contextmanager
def running(processor: Processor, *, posting: bool = False) -> Iterator[Server]:
    """Serve a processor on a free port while the block runs."""
    server = serve(processor, posting=posting, poll=0.002)
    try:
        yield server
    finally:
        stop(server)


def dumps(value: Any) -> bytes:
    """JSON without blanks, as most webhooks are sent."""
    return json.dumps(value, separators=(",", ":")).encode()
