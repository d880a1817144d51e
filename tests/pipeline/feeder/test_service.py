"""The Feeder between a real tree and real sockets."""

import asyncio
import collections

import cv2
import numpy as np

from pipeline.vision.preprocess import decode, prepare
from tests.pipeline.feeder.conftest import MODEL, drop, opened, plot_png, until


def test_given_a_catalogue_when_81_files_come_in_one_second_then_81_orders_go_out(configure):
    async def scenario():
        async with opened(configure()) as stand:
            await stand.ready()
            for number in range(81):
                name = ("CDC_occupancy", "Kinematics-PSEnergy", "RICH_s4")[number % 3]
                path = stand.tree / f"RunPeriod-2026-11/Run131458/{name}_{number:04d}.png"
                drop(path, plot_png(number))
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
