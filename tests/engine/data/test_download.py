"""Downloads, from a server in a thread of this process."""

import hashlib
import threading
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from engine.data import download as module
from engine.data.catalogue import SOURCES
from engine.data.download import DownloadError, Patience, download
from engine.errors import DataError

BODY = bytes(range(256)) * 1_000


class Handler(BaseHTTPRequestHandler):
    """Answers by the first part of the path: what kind of mirror this is."""

    def do_GET(self):
        kind = self.path.split("/")[1]
        if kind == "missing":
            self.send_error(404)
            return
        if kind == "redirect":
            self.send_response(302)
            self.send_header("Location", "/good/x.gz")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        if kind.startswith("drip"):
            self.drip(b"HTTP/1.0 200 OK\r\n" if kind == "drip-headers" else b"HTTP/1.0 200 OK\r\n\r\n")
            return
        body = {"altered": BODY[:-1] + b"?", "long": BODY + b"more"}.get(kind, BODY)
        self.send_response(200)
        if kind != "unsized":
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if kind == "truncated" else body)

    def drip(self, start):
        """A few bytes every now and then, each in time for a socket's timeout, until the other side hangs up."""
        self.wfile.write(start)
        with suppress(OSError):
            while not self.server.stopping.wait(0.01):
                self.wfile.write(b"X-A: b\r\n")

    def log_message(self, *args):
        pass


@contextmanager
def serving():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.stopping = threading.Event()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.stopping.set()
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="module")
def server():
    with serving() as address:
        yield address


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def check(path):
    if path.read_bytes() != BODY:
        raise DataError(f"altered: got SHA-256 {hashlib.sha256(path.read_bytes()).hexdigest()}")


def fetch(server, kinds, folder, **options):
    mirrors = [f"{server}/{kind}/" for kind in kinds]
    return download("x.gz", mirrors, folder, check=check, max_bytes=len(BODY), **options)


@pytest.mark.parametrize("kind", ["good", "unsized", "redirect"])
def test_download_puts_the_file_in_place(server, tmp_path, kind):
    path = fetch(server, [kind], tmp_path / "new" / "cache")
    assert path == tmp_path / "new" / "cache" / "x.gz"
    assert path.read_bytes() == BODY
    assert [p.name for p in path.parent.iterdir()] == ["x.gz"]


def test_download_goes_on_to_the_next_mirror(server, tmp_path):
    path = fetch(server, ["missing", "truncated", "altered", "long", "good"], tmp_path)
    assert path.read_bytes() == BODY
    assert [p.name for p in tmp_path.iterdir()] == ["x.gz"]


def test_download_gives_every_mirrors_reason(server, tmp_path):
    kinds = ["missing", "truncated", "altered", "long"]
    with pytest.raises(DownloadError) as caught:
        fetch(server, kinds, tmp_path)
    addresses, reasons = zip(*caught.value.reasons, strict=True)
    assert list(addresses) == [f"{server}/{kind}/x.gz" for kind in kinds]
    assert reasons == (
        "HTTP 404 Not Found",
        "truncated: 128,000 of 256,000 bytes",
        f"altered: got SHA-256 {hashlib.sha256(BODY[:-1] + b'?').hexdigest()}",
        "more than the 256,000 bytes that the file can have",
    )
    assert list(tmp_path.iterdir()) == []


def test_download_names_a_mirror_that_does_not_answer(tmp_path):
    with serving() as address:
        pass  # now nothing listens there
    with pytest.raises(DownloadError, match="Connection refused"):
        fetch(address, ["good"], tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_download_names_a_mirror_that_stops_answering(tmp_path, monkeypatch):
    def silent(request, timeout):
        raise TimeoutError("timed out")

    monkeypatch.setattr(module.urllib.request, "urlopen", silent)
    with pytest.raises(DownloadError, match="no answer within 10 s"):
        fetch("http://127.0.0.1:9", ["good"], tmp_path)


@pytest.mark.parametrize(
    ("kind", "reason"), [("drip", "too slow: "), ("drip-headers", "no complete answer within 0.3 s")]
)
def test_download_goes_on_from_a_mirror_that_only_drips(server, tmp_path, kind, reason):
    patience = Patience(silence_seconds=5, answer_seconds=0.3, window_seconds=0.3, window_bytes=10_000)
    with pytest.raises(DownloadError) as caught:
        fetch(server, [kind], tmp_path, patience=patience)
    assert caught.value.reasons[0][1].startswith(reason)
    assert list(tmp_path.iterdir()) == []
    assert fetch(server, [kind, "good"], tmp_path, patience=patience).read_bytes() == BODY


def test_download_leaves_nothing_when_interrupted(server, tmp_path):
    def interrupt(name, done, total):
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(server, ["good"], tmp_path, progress=interrupt)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("kind", "total"), [("good", len(BODY)), ("unsized", None)])
def test_download_reports_its_progress(server, tmp_path, kind, total):
    calls = []
    fetch(server, [kind], tmp_path, progress=lambda *call: calls.append(call))
    done = [n for _, n, _ in calls]
    assert {(name, all_bytes) for name, _, all_bytes in calls} == {("x.gz", total)}
    assert (done[0], done[-1]) == (0, len(BODY))
    assert done == sorted(done)


def test_mirrors_are_https():
    assert all(m.startswith("https://") and m.endswith("/") for s in SOURCES.values() for m in s.mirrors)
