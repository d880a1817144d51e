"""Which files are taken, and when: half-written ones, odd trees, lost events."""

import asyncio
import errno
import shutil

import pytest

from pipeline.feeder import watcher
from tests.pipeline.feeder.conftest import drop, opened, plot_png, until

DATA = plot_png(1, 640, 480)


def test_given_a_writer_that_pauses_when_it_goes_on_then_the_file_is_taken_once_whole(configure):
    async def scenario():
        async with opened(configure(rescan_s=0.2, settle_s=0.5)) as stand:
            await stand.ready()
            path = stand.tree / "CDC_occupancy_0001.png"
            with path.open("wb") as file:
                for start in range(0, len(DATA), len(DATA) // 4 + 1):
                    file.write(DATA[start : start + len(DATA) // 4 + 1])
                    file.flush()
                    assert not stand.orders
                    # Longer than settle_s: it looks finished, but it is truncated.
                    await asyncio.sleep(0.7)
            await until(lambda: stand.orders)
            await until(lambda: not path.exists())
            # A file that is whole when it is read, but was not when it was seen,
            # is ordered again; the same order counts once.
            assert len({order.order_id for order in stand.orders}) == 1
            assert not stand.quarantine.exists()

    asyncio.run(scenario())


def test_given_a_writer_that_closes_in_between_when_it_appends_then_the_file_is_taken_whole(
    configure,
):
    async def scenario():
        async with opened(configure()) as stand:
            await stand.ready()
            path = stand.tree / "CDC_occupancy_0001.png"
            path.touch()
            path.write_bytes(DATA[:5000])
            with path.open("ab") as file:
                file.write(DATA[5000:])
            await until(lambda: stand.orders)
            await until(lambda: not path.exists())
            assert len(stand.orders) == 1
            assert not stand.quarantine.exists()

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "name", [".CDC_occupancy_0001.png", "CDC_occupancy_0001.png.tmp", "CDC_occupancy_0001.png~"]
)
def test_given_a_temporary_name_when_it_is_renamed_then_the_file_is_taken_then_only(
    configure, name
):
    async def scenario():
        async with opened(configure(rescan_s=0.2)) as stand:
            await stand.ready()
            hidden = drop(stand.tree / name, DATA)
            await asyncio.sleep(1.0)
            assert not stand.orders
            hidden.rename(stand.tree / "CDC_occupancy_0001.png")
            await until(lambda: len(stand.orders) == 1)
            assert not stand.quarantine.exists()

    asyncio.run(scenario())


def test_given_files_renamed_into_place_when_they_come_one_by_one_then_none_waits(configure):
    async def scenario():
        async with opened(configure(rescan_s=60.0)) as stand:
            await stand.ready()
            waits = []
            for number in range(30):
                hidden = drop(stand.tree / f".{number}", plot_png(number))
                # A file that leaves the tree is half a rename, which watchdog would
                # wait half a second to complete.
                drop(stand.tree / ".old", b"").rename(stand.config.state_dir / "old")
                hidden.rename(stand.tree / f"CDC_occupancy_{number:04d}.png")
                begun = asyncio.get_running_loop().time()
                await until(lambda number=number: len(stand.orders) == number + 1)
                waits.append(asyncio.get_running_loop().time() - begun)
            assert sorted(waits)[15] < 0.4

    asyncio.run(scenario())


def test_given_new_subfolders_when_files_come_in_them_then_they_are_taken(configure):
    async def scenario():
        async with opened(configure(rescan_s=60.0)) as stand:
            await stand.ready()
            for number in range(20):
                drop(stand.tree / f"Run{number:06d}/a/b/CDC_occupancy_0001.png", plot_png(number))
            moved = stand.config.state_dir / "elsewhere"
            drop(moved / "Run000020/CDC_occupancy_0001.png", plot_png(20))
            moved.rename(stand.tree / "moved")
            await until(lambda: len(stand.orders) == 21)
            assert {order.run for order in stand.orders} == set(range(21))

    asyncio.run(scenario())


def test_given_events_are_lost_when_the_tree_is_listed_then_the_files_are_found(configure):
    async def scenario():
        async with opened(configure(rescan_s=0.5)) as stand:
            feeder = await stand.ready()
            feeder._discovery._watcher.on_any_event = lambda _: None
            drop(stand.tree / "CDC_occupancy_0001.png", DATA)
            await until(lambda: stand.orders)

    asyncio.run(scenario())


def test_given_a_tree_that_is_not_there_when_it_appears_and_vanishes_then_the_state_says_so(
    configure,
):
    async def scenario():
        async with opened(configure()) as stand:
            stand.tree.rmdir()
            feeder = await stand.ready()
            await until(lambda: f"{stand.tree} cannot be watched" in feeder.pulse.reason)
            assert feeder.pulse.state == "Degraded"
            for number in range(2):
                drop(stand.tree / "Run000001/CDC_occupancy_0001.png", plot_png(number))
                await until(lambda: feeder.pulse.state == "Running")
                await until(lambda number=number: len(stand.orders) == number + 1)
                shutil.rmtree(stand.tree)
                await until(lambda: feeder.pulse.state == "Degraded")

    asyncio.run(scenario())


def test_given_a_file_in_place_of_a_tree_when_started_then_the_state_says_so(configure):
    async def scenario():
        async with opened(configure()) as stand:
            stand.tree.rmdir()
            stand.tree.write_bytes(b"")
            feeder = await stand.ready()
            await until(lambda: "is not a folder" in feeder.pulse.reason)

    asyncio.run(scenario())


def test_given_two_trees_when_one_is_missing_then_the_other_is_watched(configure):
    async def scenario():
        async with opened(configure(trees=["input", "second"])) as stand:
            feeder = await stand.ready()
            drop(stand.tree / "CDC_occupancy_0001.png", plot_png(1))
            await until(lambda: len(stand.orders) == 1)
            assert "second cannot be watched" in feeder.pulse.reason
            drop(stand.config.state_dir / "second/CDC_occupancy_0002.png", plot_png(2))
            await until(lambda: len(stand.orders) == 2)

    asyncio.run(scenario())


def test_given_files_are_kept_when_their_tree_is_away_for_a_while_then_they_are_not_sent_again(
    configure,
):
    async def scenario():
        async with opened(configure(after="keep", rescan_s=0.2)) as stand:
            feeder = await stand.ready()
            drop(stand.tree / "CDC_occupancy_0001.png", DATA)
            await until(lambda: len(stand.orders) == 1)
            away = stand.tree.rename(stand.config.state_dir / "away")
            await until(lambda: feeder.pulse.state == "Degraded")
            await asyncio.sleep(0.5)
            away.rename(stand.tree)
            await until(lambda: feeder.pulse.state == "Running")
            drop(stand.tree / "CDC_occupancy_0002.png", plot_png(2))
            await until(lambda: len(stand.orders) >= 2)
            await asyncio.sleep(0.5)
            assert [order.chunk for order in stand.orders] == [1, 2]

    asyncio.run(scenario())


def test_given_a_tree_that_is_a_link_when_files_come_then_their_events_are_seen(configure):
    async def scenario():
        async with opened(configure(rescan_s=60.0)) as stand:
            stand.tree.rmdir()
            real = stand.config.state_dir / "disk7"
            real.mkdir()
            stand.tree.symlink_to(real)
            await stand.ready()
            for number in range(3):
                drop(real / f"Run000007/CDC_occupancy_{number:04d}.png", plot_png(number))
                await until(lambda number=number: len(stand.orders) == number + 1)
            assert {order.path for order in stand.orders} == {
                str(stand.tree / f"Run000007/CDC_occupancy_{number:04d}.png") for number in range(3)
            }
            await until(lambda: not list(real.rglob("*.png")))

    asyncio.run(scenario())


def test_given_no_inotify_when_files_come_then_the_listing_finds_them_and_the_state_says_so(
    configure, monkeypatch
):
    async def scenario():
        def refuse(**_):
            raise OSError(errno.EMFILE, "inotify instance limit reached")

        with monkeypatch.context() as kernel:
            kernel.setattr(watcher, "InotifyObserver", refuse)
            async with opened(configure(rescan_s=0.3)) as stand:
                feeder = await stand.ready()
                await until(lambda: "inotify instance limit reached" in feeder.pulse.reason)
                drop(stand.tree / "CDC_occupancy_0001.png", DATA)
                await until(lambda: stand.orders)
                kernel.undo()
                await until(lambda: feeder.pulse.state == "Running")

    asyncio.run(scenario())
