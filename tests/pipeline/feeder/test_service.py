"""The Feeder between a real tree and real sockets."""

import asyncio
import collections
import os

import cv2
import numpy as np

from pipeline.messages import PlotEntry
from pipeline.vision.preprocess import decode, prepare
from tests.pipeline.feeder.conftest import MODEL, drop, opened, plot_png, until

RUN = "RunPeriod-2026-11/Run131458"


def test_given_a_catalogue_when_81_files_come_in_one_second_then_81_orders_go_out(configure):
    async def scenario():
        async with opened(configure()) as stand:
            await stand.ready()
            for number in range(81):
                name = ("CDC_occupancy", "Kinematics-PSEnergy", "RICH_s4")[number % 3]
                drop(stand.tree / f"{RUN}/{name}_{number:04d}.png", plot_png(number))
            await until(lambda: len(stand.orders) >= 81)
            await until(lambda: not list(stand.tree.rglob("*.png")))
            await asyncio.sleep(1.5 * stand.config.input.rescan_s)
            assert collections.Counter(order.chunk for order in stand.orders) == dict.fromkeys(
                range(81), 1
            )
            assert {(order.run, order.period) for order in stand.orders} == {
                (131458, "RunPeriod-2026-11")
            }
            assert not stand.quarantine.exists()

    asyncio.run(scenario())


def test_given_a_model_when_a_file_comes_then_tensor_and_picture_are_those_of_preprocess(
    configure,
):
    async def scenario():
        async with opened(configure()) as stand:
            await stand.ready()
            data = plot_png(1, 1600, 1200)
            drop(stand.tree / "CDC_occupancy_0001.png", data)
            await until(lambda: stand.orders)
            tensor, jpeg = stand.frames[0]
            expected = prepare(decode(data, 10**7), "area-rgb", MODEL.input_shape)
            assert tensor == expected.tobytes()
            picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
            assert picture.shape == (600, 800, 3)

    asyncio.run(scenario())


def test_given_forms_of_one_plot_when_files_come_then_name_type_and_chunk_choose_the_plot(
    configure,
):
    async def scenario():
        async with opened(configure()) as stand:
            stand.plots = (
                PlotEntry(plot_type_id=1, name="RICH_s4", model=MODEL),
                PlotEntry(plot_type_id=2, name="RICH_s4", chunked=False),
                PlotEntry(plot_type_id=3, name="RICH_s4", file_type="jpg", ignored=True),
            )
            await stand.ready()
            jpeg = bytes(cv2.imencode(".jpg", np.full((48, 64, 3), 200, np.uint8))[1].data)
            drop(stand.tree / "RICH_s4_0007.png", plot_png(1))
            drop(stand.tree / "RICH_s4.png", plot_png(2))
            drop(stand.tree / "RICH_s4_0009.jpg", jpeg)
            await until(lambda: len(stand.orders) == 3)
            found = {order.plot.plot_type_id: order for order in stand.orders}
            assert {number: order.chunk for number, order in found.items()} == {1: 7, 2: 0, 3: 9}
            # No model, no tensor; the picture flows all the same. So do ignored plots.
            for order, (tensor, picture) in zip(stand.orders, stand.frames, strict=True):
                assert bool(tensor) == (order.plot.model is not None)
                assert picture.startswith(b"\xff\xd8")

    asyncio.run(scenario())


def test_given_no_keeper_yet_when_files_come_then_they_wait_and_then_flow(configure):
    async def scenario():
        async with opened(configure()) as stand:
            stand.open_balancer()
            feeder = stand.start_feeder()
            drop(stand.tree / "CDC_occupancy_0001.png", plot_png(1))
            await until(lambda: feeder.pulse.state == "Degraded")
            assert "Keeper does not answer" in feeder.pulse.reason
            await until(lambda: feeder.pulse.queue == 1)
            stand.open_keeper()
            await until(lambda: stand.orders)
            await until(lambda: feeder.pulse.state == "Running")
            assert not stand.quarantine.exists()

    asyncio.run(scenario())


def test_given_a_plot_type_added_later_when_its_file_comes_then_the_new_catalogue_counts(
    configure,
):
    async def scenario():
        async with opened(configure()) as stand:
            entries = stand.plots
            stand.plots = entries[:1]
            await stand.ready()
            drop(stand.tree / "RICH_s4_0001.png", plot_png(1))
            await until((stand.quarantine / "unknown-plot/RICH_s4_0001.png").exists)
            stand.plots = entries
            await stand.publish_catalogue()
            await until(lambda: stand.feeder._plots._serial == stand.serial)
            drop(stand.tree / "RICH_s4_0002.png", plot_png(2))
            await until(lambda: [order.chunk for order in stand.orders] == [2])

    asyncio.run(scenario())


def test_given_a_backlog_when_the_feeder_starts_then_the_newest_of_each_plot_goes_first(
    configure,
):
    async def scenario():
        async with opened(configure(decoders=1)) as stand:
            for number in range(1, 9):
                for name in ("CDC_occupancy", "RICH_s4"):
                    path = drop(stand.tree / f"{name}_{number:04d}.png", plot_png(number))
                    os.utime(path, (1_000_000 + number, 1_000_000 + number))
            await stand.ready()
            await until(lambda: len(stand.orders) == 16)
            assert [order.chunk for order in stand.orders[:2]] == [8, 8]
            assert {order.plot.name for order in stand.orders[:2]} == {"CDC_occupancy", "RICH_s4"}
            rest = [order.chunk for order in stand.orders[2:]]
            assert rest == sorted(rest, reverse=True)
            assert stand.orders[0].image_time == 1_000_008

    asyncio.run(scenario())


def test_given_a_clock_ahead_when_a_file_comes_then_its_time_is_not_in_the_future(configure):
    async def scenario():
        async with opened(configure()) as stand:
            await stand.ready()
            hidden = drop(stand.tree / ".CDC_occupancy_0001.png", plot_png(1))
            os.utime(hidden, (4e9, 4e9))
            hidden.rename(stand.tree / "CDC_occupancy_0001.png")
            await until(lambda: stand.orders)
            assert stand.orders[0].image_time <= stand.orders[0].closed_time

    asyncio.run(scenario())


def test_given_a_window_of_four_when_nothing_is_done_then_four_orders_are_under_way(configure):
    async def scenario():
        async with opened(configure(window=4)) as stand:
            stand.answers_done = False
            feeder = await stand.ready()
            for number in range(12):
                drop(stand.tree / f"CDC_occupancy_{number:04d}.png", plot_png(number))
            await until(lambda: len(stand.orders) == 4)
            await until(lambda: feeder.pulse.queue == 8)
            await asyncio.sleep(0.5)
            assert len(stand.orders) == 4
            await stand.done(stand.orders[0].order_id)
            await until(lambda: len(stand.orders) == 5)
            assert len(list(stand.tree.glob("*.png"))) == 11

    asyncio.run(scenario())


def test_given_an_order_not_done_when_the_time_is_up_then_it_is_sent_again_unchanged(configure):
    async def scenario():
        async with opened(configure(resend_s=0.5)) as stand:
            stand.answers_done = False
            feeder = await stand.ready()
            path = drop(stand.tree / "CDC_occupancy_0001.png", plot_png(1))
            await until(lambda: len(stand.orders) >= 3)
            assert all(order == stand.orders[0] for order in stand.orders)
            assert all(frames == stand.frames[0] for frames in stand.frames)
            await until(lambda: feeder.pulse.gauges["Resent"] >= 2)
            await stand.done(stand.orders[0].order_id, "known")
            await until(lambda: not path.exists())

    asyncio.run(scenario())


def test_given_two_copies_of_an_image_when_done_then_both_files_are_removed(configure):
    async def scenario():
        async with opened(configure()) as stand:
            await stand.ready()
            paths = [
                drop(stand.tree / f"{RUN}/CDC_occupancy-0{pad}_0001.png", plot_png(1))
                for pad in (1, 2)
            ]
            await until(lambda: not any(path.exists() for path in paths))
            assert len({order.order_id for order in stand.orders}) == 1

    asyncio.run(scenario())


def test_given_files_are_kept_when_done_then_they_stay_and_are_not_sent_again(configure):
    async def scenario():
        async with opened(configure(after="keep", rescan_s=0.3)) as stand:
            await stand.ready()
            path = drop(stand.tree / "CDC_occupancy_0001.png", plot_png(1))
            await until(lambda: len(stand.orders) == 1)
            await asyncio.sleep(1.5)
            assert len(stand.orders) == 1
            drop(path, plot_png(2))
            await until(lambda: len(stand.orders) == 2)
            await asyncio.sleep(1.0)
            assert len(stand.orders) == 2
            assert stand.orders[0].order_id != stand.orders[1].order_id
            assert path.exists()

    asyncio.run(scenario())


def test_given_a_file_replaced_while_under_way_when_done_then_the_new_one_is_not_removed_unseen(
    configure,
):
    async def scenario():
        async with opened(configure()) as stand:
            stand.answers_done = False
            await stand.ready()
            path = drop(stand.tree / "RICH_s4.png", plot_png(1))
            await until(lambda: len(stand.orders) == 1)
            drop(path, plot_png(2))
            await stand.done(stand.orders[0].order_id)
            await until(lambda: len(stand.orders) == 2)
            assert path.read_bytes() == plot_png(2)
            await stand.done(stand.orders[1].order_id)
            await until(lambda: not path.exists())

    asyncio.run(scenario())


def test_given_offline_when_a_file_comes_then_the_order_says_so(configure):
    async def scenario():
        async with opened(configure(offline=True)) as stand:
            await stand.ready()
            drop(stand.tree / "CDC_occupancy_0001.png", plot_png(1))
            await until(lambda: stand.orders)
            assert stand.orders[0].offline

    asyncio.run(scenario())
