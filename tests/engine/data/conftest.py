"""Fixtures of the tests that load data by name."""

import dataclasses
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from engine.data.catalogue import SOURCES, SourceFile
from tests.engine.data.small import ARCHIVES, ARRAYS, FASHION_ARCHIVES, FILES, put, sha256


@pytest.fixture
def world(tmp_path, monkeypatch):
    """An empty working directory and cache, the small files in place of MNIST, and no mirror."""
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    monkeypatch.setenv("DIGITSWEEP_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    small = [SourceFile(name, array.shape, sha256(FILES[name])) for name, array in ARRAYS.items()]
    fashion = [
        SourceFile(name, array.shape, archive_sha256=sha256(FASHION_ARCHIVES[name])) for name, array in ARRAYS.items()
    ]
    for name, files in (("mnist", small), ("fashion-mnist", fashion)):
        source = dataclasses.replace(SOURCES[name], files=tuple(files), n_train=4, mirrors=())
        monkeypatch.setitem(SOURCES, name, source)
    return tmp_path


@pytest.fixture
def mirror(world, monkeypatch):
    """A mirror of the small archives; returns its folder."""
    folder = put(world / "mirror", ARCHIVES, ".gz")

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    address = f"http://127.0.0.1:{server.server_port}/"
    mirrors = (f"{address}gone/", address)
    for name in ("mnist", "fashion-mnist"):
        monkeypatch.setitem(SOURCES, name, dataclasses.replace(SOURCES[name], mirrors=mirrors))
    yield folder
    server.shutdown()
    thread.join()
    server.server_close()
