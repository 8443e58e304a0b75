from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest


@pytest.fixture
def home(tmp_path):
    """A folder for downloaded data sets, which is not there yet."""
    return tmp_path / "home"


@pytest.fixture
def serve():
    """A context that serves a folder in place of the publisher's and gives its address."""

    @contextmanager
    def run(folder):
        handler = partial(SimpleHTTPRequestHandler, directory=folder)
        with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
            Thread(target=server.serve_forever, daemon=True).start()
            yield f"http://127.0.0.1:{server.server_port}"
            server.shutdown()

    return run
