"""`digitsweep dashboard`: Optuna's dashboard on the database, served to this machine alone.

A web page that the same browser shows can reach a server on this machine, by its own name (DNS rebinding: the name is
made to point here) or with a form. So a request is answered only where its Host names this server, and one that
changes something only where no other page is said to have sent it.
"""

from collections.abc import Callable, Iterable
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from engine.errors import DigitsweepError
from search.commands.common import opened, say
from search.commands.options import Database, Port

ADDRESS = "127.0.0.1"
_NAMES = ("127.0.0.1", "localhost", "[::1]")

Application = Callable[[dict[str, Any], Any], Iterable[bytes]]


class PortError(DigitsweepError, OSError):
    """A port that cannot be used."""


class _Server(ThreadingMixIn, WSGIServer):
    """One thread a request: the page asks for several things at once."""

    daemon_threads = True


class _QuietHandler(WSGIRequestHandler):
    """Writes no line for each request: the page asks again every few seconds."""

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the base class names it so)
        """Nothing."""


def guarded(application: Application, port: int) -> Application:
    """`application` for requests that name this server as their host, and come from no other page."""
    hosts = {f"{name}:{port}" for name in _NAMES} | ({*_NAMES} if port == 80 else set())
    origins = {f"http://{host}" for host in hosts}

    def answer(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        host, origin = environ.get("HTTP_HOST", "").lower(), environ.get("HTTP_ORIGIN")
        if host in hosts and (origin is None or origin.lower() in origins):
            return application(environ, start_response)
        start_response("403 Forbidden", [("Content-Type", "text/plain; charset=utf-8")])
        return [f"This dashboard answers only as http://{ADDRESS}:{port}/\n".encode()]

    return answer


def make_dashboard(storage: Any, port: int) -> WSGIServer:
    """A server of Optuna's dashboard on `storage`, bound to 127.0.0.1; port 0 takes a free one.

    Raises:
        PortError: the port is taken, or not this user's to use.
    """
    from optuna_dashboard import wsgi

    try:
        server = _Server((ADDRESS, port), _QuietHandler)
    except OSError as error:
        raise PortError(f"port {port} cannot be used: {error.strerror}; choose another with PORT=… (--port)") from error
    server.set_app(guarded(wsgi(storage), server.server_port))
    return server


def dashboard(db: Database = "runs.sqlite", port: Port = 8080) -> None:
    """Open Optuna's dashboard on the database, on this machine alone."""
    from search.store.location import locate
    from search.store.optuna_tables import optuna_storage

    with opened(db):
        storage = optuna_storage(locate(db).url, db)
    server = make_dashboard(storage, port)
    say(f"Optuna dashboard on http://{ADDRESS}:{port}/ (Ctrl-C ends it)")
    try:
        server.serve_forever()
    finally:
        server.server_close()
