"""Hostile files, lost peers, a killed Feeder: nothing is lost, nothing stops."""

import asyncio
import collections
import errno
import os
import random
import signal
import sys
import zlib
from pathlib import Path

import msgspec
import pytest
import zmq

from pipeline.feeder import service
from pipeline.messages import Done, Heartbeat, ModelRef, decode, encode
from pipeline.sockets import open_socket
from tests.pipeline.feeder.conftest import MODEL, drop, opened, plot_png, until

GOOD = plot_png(0)


def malformed(number):
    """Name, bytes and expected reason of one bad file."""
    rng = random.Random(number)
    noise = rng.randbytes(200)
    cut = rng.randrange(8, len(GOOD) - 1)
    flip = rng.randrange(45, len(GOOD) - 20)
    flipped = GOOD[:flip] + bytes([GOOD[flip] ^ 0x55]) + GOOD[flip + 1 :]
    bomb = b"IHDR" + bytes([0, 1, 0, 0, 0, 1, 0, 0, 8, 2, 0, 0, 0])
    end = b"\x00\x00\x00\x00IEND" + zlib.crc32(b"IEND").to_bytes(4, "big")
    bomb_png = GOOD[:8] + b"\x00\x00\x00\x0d" + bomb + zlib.crc32(bomb).to_bytes(4, "big") + end
    kinds = [
        (f"CDC_occupancy_{number:04d}.png", noise, "not-an-image"),
        (f"CDC_occupancy_{number:04d}.png", GOOD[:cut], "truncated"),
        (f"CDC_occupancy_{number:04d}.png", flipped, "corrupt"),
        (f"CDC_occupancy_{number:04d}.png", bomb_png, "too-many-pixels"),
        (f"CDC_occupancy_{number:04d}.png", GOOD + bytes(60_000), "oversized"),
        (f"CDC_occupancy_{number:04d}.jpg", GOOD, "unknown-plot"),
        (f"nobody_knows_{number:04d}.png", GOOD, "unknown-plot"),
        (f"bad name {number}.png", GOOD, "unknown-name"),
        (f"CDC_occupancy_{number:04d}.root", noise, "unknown-name"),
        (f"CDC_occupancy_{number:04d}.png", b"", "truncated"),
    ]
    return kinds[number % len(kinds)]


def test_given_1000_malformed_files_when_they_come_then_each_is_set_aside_and_good_ones_flow(
    configure,
):
    async def scenario():
        async with opened(configure(max_bytes=50_000)) as stand:
            feeder = await stand.ready()
            expected = collections.Counter()
            good = 0
            for number in range(1000):
                name, data, reason = malformed(number)
                drop(stand.tree / f"Run{number // 100:06d}" / name, data)
                expected[reason] += 1
                if number % 20 == 0:
                    drop(stand.tree / f"RICH_s4_{number:04d}.png", plot_png(number))
                    good += 1
            await until(lambda: sum(feeder.pulse.refusals.values()) == 1000)
            await until(lambda: len(stand.orders) == good)
            await until(lambda: not [path for path in stand.tree.rglob("*") if path.is_file()])
            found = {
                folder.name: len(list(folder.glob("*"))) // 2
                for folder in stand.quarantine.iterdir()
            }
            assert found == expected
            assert feeder.pulse.refusals == {
                "".join(map(str.capitalize, reason.split("-"))): count
                for reason, count in expected.items()
            }
            assert feeder.pulse.state == "Running"
            assert len(stand.orders) == good

    asyncio.run(scenario())


def test_given_pipes_links_and_odd_names_when_they_come_then_they_are_set_aside(configure):
    async def scenario():
        async with opened(configure(rescan_s=0.3)) as stand:
            outside = drop(stand.config.state_dir / "outside.png", GOOD)
            stand.plots += (msgspec.structs.replace(stand.plots[0], file_type="jpg"),)
            feeder = await stand.ready()
            os.mkfifo(stand.tree / "CDC_occupancy_0001.png")
            (stand.tree / "CDC_occupancy_0002.png").symlink_to(outside)
            (stand.tree / "CDC_occupancy_0003.png").symlink_to(stand.tree / "nothing")
            (stand.tree / "CDC_occupancy_0004.png").mkdir()
            drop(stand.tree / os.fsdecode(b"run\xff/CDC_occupancy_0005.png"), GOOD)
            drop(stand.tree / "CDC_occupancy_0006.jpg", GOOD)
            await until(lambda: sum(feeder.pulse.refusals.values()) == 5)
            assert (stand.quarantine / "not-a-file/CDC_occupancy_0001.png").is_fifo()
            assert (stand.quarantine / "outside-tree/CDC_occupancy_0002.png").is_symlink()
            assert (stand.quarantine / "unreadable/CDC_occupancy_0003.png").is_symlink()
            assert (stand.quarantine / "unknown-name/CDC_occupancy_0005.png").exists()
            assert (stand.quarantine / "wrong-type/CDC_occupancy_0006.jpg").exists()
            assert (stand.tree / "CDC_occupancy_0004.png").is_dir()
            assert outside.exists()
            drop(stand.tree / "RICH_s4_0001.png", GOOD)
            await until(lambda: len(stand.orders) == 1)

    asyncio.run(scenario())


def test_given_a_link_inside_the_tree_when_done_then_only_the_link_is_removed(configure):
    async def scenario():
        async with opened(configure()) as stand:
            target = drop(stand.tree / ".store/image.png", GOOD)
            link = stand.tree / "CDC_occupancy_0001.png"
            link.symlink_to(target)
            await stand.ready()
            await until(lambda: stand.orders and not link.is_symlink())
            assert target.exists()

    asyncio.run(scenario())


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_given_a_file_without_read_permission_when_it_comes_then_it_is_set_aside(configure):
    async def scenario():
        async with opened(configure()) as stand:
            hidden = drop(stand.tree / ".CDC_occupancy_0001.png", GOOD)
            hidden.chmod(0)
            await stand.ready()
            hidden.rename(stand.tree / "CDC_occupancy_0001.png")
            await until((stand.quarantine / "unreadable/CDC_occupancy_0001.png").exists)

    asyncio.run(scenario())


def test_given_no_place_for_the_quarantine_when_files_are_refused_then_it_says_so_and_heals(
    configure,
):
    async def scenario():
        async with opened(configure(rescan_s=0.5)) as stand:
            stand.quarantine.write_bytes(b"in the way")
            feeder = await stand.ready()
            bad = [drop(stand.tree / f"CDC_occupancy_{n:04d}.png", b"bad") for n in range(20)]
            await until(lambda: feeder.pulse.gauges["Stuck"] == 20)
            await until(lambda: feeder.pulse.state == "Degraded")
            assert "cannot be moved to the quarantine" in feeder.pulse.reason
            drop(stand.tree / "RICH_s4_0001.png", GOOD)
            await until(lambda: len(stand.orders) == 1)
            await asyncio.sleep(1.2)
            assert feeder.pulse.refusals == {"NotAnImage": 20}
            assert all(path.exists() for path in bad)
            stand.quarantine.unlink()
            await until(lambda: feeder.pulse.state == "Running")
            assert not any(path.exists() for path in bad)

    asyncio.run(scenario())


def test_given_a_file_that_cannot_be_removed_when_done_then_it_is_not_fed_again(
    configure, monkeypatch
):
    async def scenario():
        def refuse(*_):
            raise PermissionError(errno.EACCES, "Permission denied")

        # Root, as whom tests may run, could remove anything.
        monkeypatch.setattr(service, "_remove", refuse)
        async with opened(configure(rescan_s=0.3)) as stand:
            feeder = await stand.ready()
            path = drop(stand.tree / "CDC_occupancy_0001.png", GOOD)
            await until(lambda: f"{path} cannot be removed" in feeder.pulse.reason)
            assert feeder.pulse.state == "Degraded"
            await asyncio.sleep(1.0)
            assert len(stand.orders) == 1

    asyncio.run(scenario())


def test_given_a_model_of_unknown_preprocessing_when_a_file_comes_then_it_waits_for_a_catalogue(
    configure,
):
    async def scenario():
        async with opened(configure()) as stand:
            entries = stand.plots
            odd = msgspec.structs.replace(MODEL, preprocessing="bilinear")
            stand.plots = tuple(msgspec.structs.replace(entry, model=odd) for entry in entries)
            feeder = await stand.ready()
            drop(stand.tree / "RICH_s4_0001.png", GOOD)
            await until(lambda: "area-rgb" in feeder.pulse.reason)
            assert feeder.pulse.state == "Degraded"
            stand.plots = entries
            await stand.publish_catalogue()
            await until(lambda: stand.orders)
            await until(lambda: feeder.pulse.state == "Running")

    asyncio.run(scenario())


def test_given_a_new_model_when_an_order_is_sent_again_then_it_is_made_for_the_new_model(
    configure,
):
    async def scenario():
        async with opened(configure(resend_s=1.0)) as stand:
            stand.answers_done = False
            await stand.ready()
            drop(stand.tree / "RICH_s4_0001.png", plot_png(3, 320, 240))
            await until(lambda: stand.orders)
            other = ModelRef(
                model_id=2,
                digest="1" * 64,
                input_shape=(60, 80, 3),
                preprocessing="area-rgb",
                labels=("Good", "Bad"),
            )
            stand.plots = tuple(
                msgspec.structs.replace(entry, model=other) for entry in stand.plots
            )
            await stand.publish_catalogue()
            await until(lambda: stand.orders[-1].plot.model == other)
            assert len({order.order_id for order in stand.orders}) == 1
            assert len(stand.frames[-1][0]) == 60 * 80 * 3

    asyncio.run(scenario())


def test_given_malformed_messages_when_they_come_then_they_are_counted_and_files_flow(configure):
    async def scenario():
        async with opened(configure()) as stand:
            feeder = await stand.ready()
            rng = random.Random(1)
            for number in range(1000):
                topic = (b"done", b"catalogue", b"done\xff")[number % 3]
                await stand.publish(topic, rng.randbytes(rng.randrange(60)))
            await stand.publish(b"done")
            await stand.publish(b"done", *map(bytes, encode(Done(order_id="x", outcome="known"))))
            await until(lambda: feeder.pulse.refusals.get("Message") == 1001)
            drop(stand.tree / "RICH_s4_0001.png", GOOD)
            await until(lambda: stand.orders)
            assert feeder.pulse.state == "Running"

    asyncio.run(scenario())


def test_given_no_balancer_when_files_come_then_the_feeder_says_so_and_nothing_piles_up(
    configure,
):
    async def scenario():
        async with opened(configure(resend_s=0.3, window=8)) as stand:
            stand.open_keeper()
            feeder = stand.start_feeder()
            for number in range(20):
                drop(stand.tree / f"RICH_s4_{number:04d}.png", plot_png(number))
            await until(lambda: "Balancer takes no orders" in feeder.pulse.reason)
            assert feeder.pulse.state == "Degraded"
            await asyncio.sleep(1.0)
            stand.open_balancer()
            await until(lambda: len(stand.orders) >= 20)
            await until(lambda: feeder.pulse.state == "Running")
            assert len({order.order_id for order in stand.orders}) == 20

    asyncio.run(scenario())


def test_given_a_balancer_that_dies_when_it_is_back_then_its_orders_are_sent_again_at_once(
    configure,
):
    async def scenario():
        async with opened(configure(resend_s=600.0)) as stand:
            stand.answers_done = False
            await stand.ready()
            for number in range(10):
                drop(stand.tree / f"RICH_s4_{number:04d}.png", plot_png(number))
            await until(lambda: len(stand.orders) == 10)
            first = {order.order_id for order in stand.orders}
            await stand.stop("balancer")
            stand.orders.clear()
            stand.answers_done = True
            stand.open_balancer()
            await until(lambda: {order.order_id for order in stand.orders} == first)
            await until(lambda: not list(stand.tree.glob("*.png")))

    asyncio.run(scenario())


def test_given_a_keeper_that_dies_when_it_is_back_then_its_new_catalogue_is_fetched(configure):
    async def scenario():
        async with opened(configure()) as stand:
            feeder = await stand.ready()
            entries = stand.plots
            await stand.stop("keeper")
            stand.plots = (*entries, msgspec.structs.replace(entries[0], name="New_plot"))
            stand.open_keeper()
            await until(lambda: feeder._plots.find(("New_plot", "png", True)))
            drop(stand.tree / "New_plot_0001.png", GOOD)
            await until(lambda: stand.orders)

    asyncio.run(scenario())


def test_given_files_under_way_when_the_feeder_is_killed_then_the_same_orders_come_again(
    configure, tmp_path
):
    async def scenario():
        config = configure(window=8)
        async with opened(config) as stand:
            stand.open_balancer()
            stand.open_keeper()
            file = tmp_path / "hydra.toml"
            file.write_text(
                f'state_dir = "{config.state_dir}"\n[input]\nwindow = 8\nsettle_s = 0.3\n'
            )
            for number in range(40):
                drop(stand.tree / f"Run000001/RICH_s4_{number:04d}.png", plot_png(number))
            stand.answers_done = False
            hydra = Path(sys.executable).with_name("hydra-ioc")
            command = [str(hydra), "--config", str(file), "feeder"]
            process = await asyncio.create_subprocess_exec(*command)
            try:
                await until(lambda: len(stand.orders) >= 8)
                for order in stand.orders[:3]:
                    await stand.done(order.order_id)
                await until(lambda: len(list(stand.tree.rglob("*.png"))) == 37)
            finally:
                process.kill()
                await process.wait()
            done = {order.order_id for order in stand.orders[:3]}
            before = {order.order_id for order in stand.orders} - done
            stand.orders.clear()
            stand.answers_done = True
            process = await asyncio.create_subprocess_exec(*command)
            try:
                await until(lambda: not list(stand.tree.rglob("*.png")))
            finally:
                process.send_signal(signal.SIGTERM)
                assert await process.wait() == 0
            again = [order.order_id for order in stand.orders]
            assert before <= set(again)
            assert not done & set(again)
            assert len(set(again)) == len(again) == 37

    asyncio.run(scenario())


def test_given_a_feeder_when_it_runs_then_its_heartbeat_tells_state_and_counts(configure):
    async def scenario():
        async with opened(configure()) as stand:
            ear = open_socket(stand.context, stand.config, zmq.SUB, bind="health_ioc")
            ear.subscribe(b"")
            try:
                await stand.ready()
                drop(stand.tree / "RICH_s4_0001.png", GOOD)
                drop(stand.tree / "rubbish", GOOD)
                async with asyncio.timeout(20):
                    while True:
                        beat, _ = decode(await ear.recv_multipart())
                        assert isinstance(beat, Heartbeat)
                        if beat.handled == 1 and beat.dropped == 1:
                            break
                assert (beat.stage, beat.state) == ("Feeder", "Running")
                gauges = {gauge.name: gauge.value for gauge in beat.gauges}
                assert gauges["RefusedUnknownName"] == 1
            finally:
                ear.close(0)

    asyncio.run(scenario())
