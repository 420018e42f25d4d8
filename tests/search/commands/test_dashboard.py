"""The dashboard answers its own host names alone: a real server, asked as a rebound name and as another page would."""

import threading
from http.client import HTTPConnection

import pytest

from search.commands.dashboard import PortError, make_dashboard


@pytest.fixture
def server():
    import optuna

    storage = optuna.storages.InMemoryStorage()
    optuna.create_study(storage=storage, study_name="precious")
    server = make_dashboard(storage, 0)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def ask(server, method, path, host=None, **headers):
    connection = HTTPConnection("127.0.0.1", server.server_port, timeout=30)
    connection.putrequest(method, path, skip_host=True)
    connection.putheader("Host", host or f"127.0.0.1:{server.server_port}")
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders()
    answer = connection.getresponse()
    body = answer.read().decode()
    connection.close()
    return answer.status, body


def test_dashboard_answers_its_own_names(server):
    for name in ("127.0.0.1", "localhost", "LOCALHOST"):
        status, body = ask(server, "GET", "/api/studies", f"{name}:{server.server_port}")
        assert (status, "precious" in body) == (200, True)


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1.evil.example:{port}", ""]
)
def test_dashboard_refuses_other_hosts(server, host):
    status, body = ask(server, "DELETE", "/api/studies/0", host.format(port=server.server_port) or " ")
    assert status == 403
    assert f"http://127.0.0.1:{server.server_port}/" in body
    assert "precious" in ask(server, "GET", "/api/studies")[1]


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "https://127.0.0.1:1"])
def test_dashboard_refuses_what_another_page_sends(server, origin):
    assert ask(server, "DELETE", "/api/studies/0", Origin=origin)[0] == 403
    assert "precious" in ask(server, "GET", "/api/studies")[1]


def test_dashboard_takes_what_its_own_page_sends(server):
    assert ask(server, "DELETE", "/api/studies/0", Origin=f"http://127.0.0.1:{server.server_port}")[0] == 204


def test_taken_port_is_one_message(server):
    import optuna

    with pytest.raises(
        PortError, match=r"cannot be used: Address already in use; choose another with PORT=… \(--port\)"
    ):
        make_dashboard(optuna.storages.InMemoryStorage(), server.server_port)
