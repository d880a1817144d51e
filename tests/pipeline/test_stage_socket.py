"""A socket that tries first and waits second loses no wake-up."""

import asyncio
import contextlib
import itertools

import pytest
import zmq
import zmq.asyncio

from pipeline.stage_socket import StageSocket


@pytest.fixture
def context():
    made = zmq.asyncio.Context()
    yield made
    made.destroy(0)


def pair(
    context: zmq.asyncio.Context, kinds: tuple[int, int], limit: int = 1000
) -> list[StageSocket]:
    sockets: list[StageSocket] = []
    for kind in kinds:
        socket = context.socket(kind, socket_class=StageSocket)
        socket.setsockopt(zmq.LINGER, 0)
        socket.setsockopt(zmq.SNDHWM, limit)
        socket.setsockopt(zmq.RCVHWM, limit)
        sockets.append(socket)
    sockets[0].bind("inproc://pair")
    sockets[1].connect("inproc://pair")
    return sockets


def within(scenario) -> object:
    return asyncio.run(asyncio.wait_for(scenario, 30))


@pytest.mark.parametrize("limit", [1, 2, 1000])
def test_given_two_talkers_when_both_send_and_receive_at_once_then_nothing_waits_for_ever(
    context, limit
):
    """Sending takes notice of what came, which the receiver waits for, and the other way."""
    count = 3000

    async def talk(socket: StageSocket) -> list[int]:
        async def say() -> None:
            for number in range(count):
                await socket.send_multipart([b"%d" % number, b"x" * 10])
                if number % 7 == 0:
                    await asyncio.sleep(0)

        async def hear() -> list[int]:
            return [int((await socket.recv_multipart())[0]) for _ in range(count)]

        _, heard = await asyncio.gather(say(), hear())
        return heard

    async def scenario() -> list[list[int]]:
        one, other = pair(context, (zmq.DEALER, zmq.DEALER), limit)
        return await asyncio.gather(talk(one), talk(other))

    assert within(scenario()) == [list(range(count))] * 2


def test_given_two_receivers_of_one_socket_when_messages_come_then_each_is_received_once(context):
    async def scenario() -> list[int]:
        push, pull = pair(context, (zmq.PUSH, zmq.PULL))
        got: list[int] = []

        async def take() -> None:
            while True:
                got.append(int((await pull.recv_multipart())[0]))
                await asyncio.sleep(0)

        takers = [asyncio.create_task(take()) for _ in range(2)]
        for number in range(100):
            await push.send_multipart([b"%d" % number])
            await asyncio.sleep(0)
        while len(got) < 100:
            await asyncio.sleep(0.01)
        for taker in takers:
            taker.cancel()
        return got

    assert sorted(within(scenario())) == list(range(100))


def test_given_a_receiver_that_was_cancelled_when_the_next_one_waits_then_it_gets_the_message(
    context,
):
    async def scenario() -> list[bytes]:
        push, pull = pair(context, (zmq.PUSH, zmq.PULL))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.05):
                await pull.recv_multipart()
        waiting = asyncio.create_task(pull.recv_multipart())
        await asyncio.sleep(0)
        await push.send_multipart([b"late"])
        return await waiting

    assert within(scenario()) == [b"late"]


def test_given_nothing_to_do_when_not_to_wait_then_it_says_again(context):
    async def scenario() -> None:
        push, pull = pair(context, (zmq.PUSH, zmq.PULL), limit=1)
        with pytest.raises(zmq.Again):
            await pull.recv_multipart(flags=zmq.NOBLOCK)
        with pytest.raises(zmq.Again):
            for _ in itertools.count():
                await push.send_multipart([b"x"], flags=zmq.NOBLOCK)

    within(scenario())


def test_given_a_poll_when_its_time_is_over_then_0_and_when_a_message_comes_then_its_event(context):
    async def scenario() -> tuple[int, int, int]:
        push, pull = pair(context, (zmq.PUSH, zmq.PULL))
        nothing = await pull.poll(20)
        waiting = asyncio.create_task(pull.poll(10_000))
        await asyncio.sleep(0)
        await push.send_multipart([b"x"])
        return nothing, await waiting, await pull.poll(0)

    assert within(scenario()) == (0, zmq.POLLIN, zmq.POLLIN)


def test_given_a_socket_that_is_closed_when_somebody_waits_on_it_then_the_wait_is_cancelled(
    context,
):
    async def scenario() -> None:
        _, pull = pair(context, (zmq.PUSH, zmq.PULL))
        waiting = asyncio.create_task(pull.recv_multipart())
        await asyncio.sleep(0)
        pull.close(0)
        with pytest.raises(asyncio.CancelledError):
            await waiting

    within(scenario())


def test_given_a_second_event_loop_when_the_socket_waits_there_then_it_is_woken_there(context):
    push, pull = pair(context, (zmq.PUSH, zmq.PULL))

    async def exchange(text: bytes) -> list[bytes]:
        waiting = asyncio.create_task(pull.recv_multipart())
        await asyncio.sleep(0)
        await push.send_multipart([text])
        return await waiting

    assert within(exchange(b"first")) == [b"first"]
    assert within(exchange(b"second")) == [b"second"]


def test_given_frames_that_are_not_copied_when_received_then_their_memory_is_read_in_place(context):
    async def scenario() -> list[bytes]:
        push, pull = pair(context, (zmq.PUSH, zmq.PULL))
        await push.send_multipart([b"head", b"y" * 300_000])
        frames = await pull.recv_multipart(copy=False)
        assert all(isinstance(frame, zmq.Frame) for frame in frames)
        return [bytes(frame.buffer) for frame in frames]

    assert within(scenario()) == [b"head", b"y" * 300_000]
