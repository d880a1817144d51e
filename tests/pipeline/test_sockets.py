"""Sockets are attached as configured, and never unprotected beyond this machine."""

import asyncio

import pytest
import zmq
import zmq.asyncio
import zmq.auth

from pipeline.config import Config
from pipeline.config.model import Sockets
from pipeline.errors import TransportError
from pipeline.health import RECEIVERS, Pulse
from pipeline.messages import Heartbeat, decode
from pipeline.sockets import leaves_machine, open_socket
from pipeline.stage_socket import StageSocket
from tests.conftest import free_port


@pytest.fixture
def context():
    made = zmq.asyncio.Context()
    yield made
    made.destroy(linger=0)


@pytest.mark.parametrize(
    ("endpoint", "expected"),
    [
        ("ipc:///tmp/x", False),
        ("tcp://127.0.0.1:5", False),
        ("tcp://localhost:5", False),
        ("tcp://*:5", True),
        ("tcp://0.0.0.0:5", True),
        ("tcp://hydra.example:5", True),
    ],
)
def test_given_an_endpoint_when_asked_then_it_is_known_whether_it_leaves_the_machine(
    endpoint, expected
):
    assert leaves_machine(endpoint) is expected


def test_given_no_keys_when_bound_beyond_loopback_then_it_is_refused(tmp_path, context):
    config = Config(state_dir=tmp_path, sockets=Sockets(orders=f"tcp://*:{free_port()}"))
    with pytest.raises(TransportError, match="needs CURVE keys"):
        open_socket(context, config, zmq.ROUTER, bind="orders")


def test_given_an_endpoint_in_use_when_bound_then_it_is_named(tmp_path, context):
    port = free_port()
    config = Config(state_dir=tmp_path, sockets=Sockets(orders=f"tcp://127.0.0.1:{port}"))
    first = open_socket(context, config, zmq.ROUTER, bind="orders")
    with pytest.raises(TransportError, match=f"orders at tcp://127.0.0.1:{port}"):
        open_socket(context, config, zmq.ROUTER, bind="orders")
    first.close(0)


async def _heard(tmp_path, context, keys):
    port = free_port()
    folder = tmp_path / "keys"
    folder.mkdir()
    zmq.auth.create_certificates(folder, "server")
    zmq.auth.create_certificates(folder, "client")
    sockets = Sockets(orders=f"tcp://0.0.0.0:{port}", curve_folder=folder)
    server = open_socket(
        context, Config(state_dir=tmp_path, sockets=sockets), zmq.PULL, bind="orders"
    )
    near = Sockets(orders=f"tcp://127.0.0.1:{port}", curve_folder=folder)
    client = context.socket(zmq.PUSH)
    client.setsockopt(zmq.LINGER, 0)
    if keys != "none":
        zmq.auth.create_certificates(folder, "stranger")
        public, secret = zmq.auth.load_certificate(folder / f"{keys}.key_secret")
        client.curve_publickey, client.curve_secretkey = public, secret
        client.curve_serverkey = zmq.auth.load_certificate(folder / "server.key")[0]
    client.connect(near.orders)
    await client.send(b"order")
    arrived = await server.poll(5000 if keys == "client" else 500)
    server.close(0)
    client.close(0)
    return bool(arrived)


@pytest.mark.parametrize("keys", ["client", "stranger", "none"])
def test_given_curve_keys_when_a_client_connects_then_only_one_with_known_keys_is_heard(
    tmp_path, context, keys
):
    assert asyncio.run(_heard(tmp_path, context, keys)) is (keys == "client")


def test_given_a_pulse_when_it_runs_then_all_receivers_hear_it(tmp_path, context):
    config = Config(state_dir=tmp_path)

    async def scenario() -> list[Heartbeat]:
        receivers = [open_socket(context, config, zmq.SUB, bind=name) for name in RECEIVERS]
        for receiver in receivers:
            receiver.subscribe(b"")
        pulse = Pulse("Feeder", queue_limit=10)
        pulse.state = "Running"
        pulse.handled(0.02)
        pulse.refused("UnknownName")
        task = asyncio.create_task(pulse.run(context, config))
        try:
            heard = []
            for receiver in receivers:
                assert await receiver.poll(5000)
                heard.append(decode(await receiver.recv_multipart())[0])
            return heard
        finally:
            task.cancel()
            for receiver in receivers:
                receiver.close(0)

    for heartbeat in asyncio.run(scenario()):
        assert heartbeat.stage == "Feeder"
        assert heartbeat.handled == 1
        assert heartbeat.dropped == 1
        assert heartbeat.latency_s == pytest.approx(0.02)
        assert {gauge.name: gauge.value for gauge in heartbeat.gauges} == {"RefusedUnknownName": 1}


def test_given_a_false_alarm_of_the_socket_when_received_then_it_waits_for_the_message(
    tmp_path, context, monkeypatch
):
    config = Config(state_dir=tmp_path)
    real, calls = StageSocket.recv, []

    def falsely_readable(self, *args, **options):
        calls.append(self)
        if len(calls) == 1:
            raise zmq.Again
        return real(self, *args, **options)

    async def scenario() -> list[bytes]:
        receiver = open_socket(context, config, zmq.PULL, bind="reports")
        sender = open_socket(context, config, zmq.PUSH, connect="reports")
        monkeypatch.setattr(StageSocket, "recv", falsely_readable)
        try:
            await sender.send_multipart([b"a", b"b"])
            return await asyncio.wait_for(receiver.recv_multipart(), 10)
        finally:
            receiver.close(0)
            sender.close(0)

    assert asyncio.run(scenario()) == [b"a", b"b"]
    assert len(calls) > 2
