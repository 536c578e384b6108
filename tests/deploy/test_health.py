"""The container's health check, against a door that is there, one that is not ready and one that is not there."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from deploy.health import is_ready, port_of
from deploy.local.ports import keep_or_choose


class Door(BaseHTTPRequestHandler):
    """Ready as long as `status` says so."""

    status = 200

    def do_GET(self) -> None:
        self.send_response(self.status if self.path == "/health/ready" else 404)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Says nothing."""


class ClosedDoor(Door):
    status = 503


@pytest.fixture
def port(request: pytest.FixtureRequest) -> Iterator[int]:
    with HTTPServer(("127.0.0.1", 0), request.param) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(("port", "expected"), [(Door, True), (ClosedDoor, False)], indirect=["port"])
def test_a_door_is_healthy_when_it_says_that_it_is_ready(port: int, *, expected: bool) -> None:
    assert is_ready(port) is expected


def test_a_door_that_does_not_answer_is_not_healthy() -> None:
    (port,) = keep_or_choose((), 1)
    assert not is_ready(port)


def test_the_door_is_found_in_the_environment_of_its_container() -> None:
    assert port_of({"SAMEPAGE_INTAKE_APP_PORT": "8000", "SAMEPAGE_INTAKE_WORKER_PORT": "8000", "PORT": "1"}) == 8000
    with pytest.raises(ValueError, match="name 0 ports"):
        port_of({"SAMEPAGE_INTAKE_PORT": "8000"})
    with pytest.raises(ValueError, match="name 2 ports"):
        port_of({"SAMEPAGE_INTAKE_APP_PORT": "8000", "SAMEPAGE_INTAKE_WORKER_PORT": "8001"})
