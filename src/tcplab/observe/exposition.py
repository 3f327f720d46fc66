"""``/metrics`` and ``/healthz`` over HTTP, beside the loop that runs the node."""

import asyncio
import concurrent.futures
import errno
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from types import TracebackType
from typing import Final, Self, TypeVar

from tcplab.observe.collector import Collector

T = TypeVar("T")

PATIENCE: Final = 2.0  # real seconds to wait for the node's loop; the health check waits longer, and hears why
IDLE_LIMIT: Final = 60.0  # real seconds after which a silent client is cut off

Healthy = Callable[[], str | None]
"""Returns what is wrong with the node, in one line, or ``None``."""


class ExpositionError(Exception):
    """Metrics cannot be served; one line that names the address and the way out."""


def on_loop(loop: asyncio.AbstractEventLoop, ask: Callable[[], T], patience: float = PATIENCE) -> Callable[[], T]:
    """Return a function that any other thread may call, and that lets the loop's thread call ``ask``.

    It raises TimeoutError if the loop does not answer within ``patience`` real seconds, or never will.
    """

    def from_outside() -> T:
        answer: concurrent.futures.Future[T] = concurrent.futures.Future()

        def on_the_loops_thread() -> None:
            if answer.set_running_or_notify_cancel():
                try:
                    answer.set_result(ask())
                except Exception as error:
                    answer.set_exception(error)

        if loop.is_closed():
            raise TimeoutError("the node's loop is closed")
        loop.call_soon_threadsafe(on_the_loops_thread)
        try:
            return answer.result(patience)
        except concurrent.futures.TimeoutError:
            answer.cancel()
            raise TimeoutError(f"the node's loop has not answered for {patience:g} s") from None

    return from_outside


def serve(
    collector: Collector, port: int, host: str = "127.0.0.1", *, healthy: Healthy = lambda: None
) -> "MetricsServer":
    """Serve ``/metrics`` and ``/healthz`` until the returned server is closed.

    Args:
        collector: asked for every ``GET /metrics``.
        port: to listen on; 0 takes a free one.
        host: address to listen on.
        healthy: asked for every ``GET /healthz``, on a thread of the server: see :func:`on_loop`.

    Raises:
        ExpositionError: the port is in use, or the address is not this machine's.
    """
    try:
        return MetricsServer(_Server(host, port, collector, healthy))
    except OSError as error:
        raise ExpositionError(_trouble(host, port, error)) from error


class MetricsServer:
    """Answers on threads of its own until it is closed; may be used as a context."""

    def __init__(self, server: "_Server") -> None:
        self.port: Final[int] = server.server_address[1]
        self._server = server
        self._thread = threading.Thread(target=server.serve_forever, args=(0.1,), name="metrics", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Serve no more, and free the port."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> Self:
        """Serve until the context is left."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        self.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, host: str, port: int, collector: Collector, healthy: Healthy) -> None:
        self.collector = collector
        self.healthy = healthy
        super().__init__((host, port), _Handler)

    def server_bind(self) -> None:
        TCPServer.server_bind(self)  # not HTTPServer's, which asks the DNS for this machine's name
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: a client that hangs up is no news, and what else goes wrong was answered with a 500."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    server_version = "tcplab"
    sys_version = ""
    timeout = IDLE_LIMIT

    def do_GET(self) -> None:
        self._send(*self._answer(self.path.partition("?")[0]))

    def _answer(self, path: str) -> tuple[int, str, bytes]:
        try:
            if path == "/metrics":
                return 200, *self.server.collector.render(self.headers.get("Accept", ""))
            if path == "/healthz":
                trouble = self.server.healthy()
                return _line(503, trouble) if trouble else _line(200, "ok")
        except TimeoutError as error:
            return _line(503, str(error))
        except Exception as error:
            return _line(500, f"{type(error).__name__}: {error}")
        return _line(404, "there are /metrics and /healthz")

    def _send(self, status: int, content_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing: a scrape every second is no news."""


def _line(status: int, line: str) -> tuple[int, str, bytes]:
    return status, "text/plain; charset=utf-8", f"{line}\n".encode()


def _trouble(address: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        choice = "choose another (TCPLAB_METRICS_PORT, or --metrics-port)"
        return f"metrics: port {port} on {address} is in use; stop what uses it, or {choice}"
    return f"metrics: cannot listen on {address} port {port}: {error.strerror}"
