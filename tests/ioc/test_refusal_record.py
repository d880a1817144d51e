"""Refusals wait for the Keeper within bounds; none is told twice or forgotten silently."""

import asyncio

from ioc import refusal_record
from ioc.access import Client
from ioc.refusal_record import KINDS_KEPT, RefusalRecord
from pipeline.errors import CommandError

CLIENT = Client(user="mallory", host="evil", address="10.0.0.9")


def play(scene, monkeypatch):
    monkeypatch.setattr(refusal_record, "PERIOD_S", 0.01)
    asyncio.run(asyncio.wait_for(scene(), 20))


def test_given_a_keeper_that_is_away_when_it_comes_back_then_the_refusals_are_recorded_once(
    monkeypatch,
):
    sent, away = [], [True]

    async def send(command):
        if away[0]:
            raise CommandError("the Keeper is not connected")
        sent.append(command)

    async def scene():
        record = RefusalRecord(send)
        task = asyncio.create_task(record.run())
        for _ in range(3):
            record.note("A", 1, CLIENT, "no")
            await asyncio.sleep(0.03)
        away[0] = False
        while not sent:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        task.cancel()
        assert [note.times for note in sent] == [3]
        assert record.lost == 0

    play(scene, monkeypatch)


def test_given_more_kinds_than_are_kept_when_noted_then_the_rest_is_counted_as_lost():
    async def send(command):
        raise CommandError("away")

    async def scene():
        record = RefusalRecord(send)
        for number in range(KINDS_KEPT + 10):
            record.note(f"PV{number}", number, CLIENT, "no")
        record.note("PV0", 0, CLIENT, "no")
        assert record.lost == 10

    asyncio.run(scene())
