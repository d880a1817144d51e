"""Files without a close event."""

from pathlib import Path

from pipeline.feeder.files import Fingerprint
from pipeline.feeder.settling import Settling
from pipeline.feeder.watcher import Found

PATH = Path("/in/a.png")
FOUND = Found(PATH, Path("/in"), False, 100.0)
HALF = Fingerprint(1, 10)
WHOLE = Fingerprint(2, 20)


def test_given_a_growing_file_when_it_stops_changing_then_it_settles_after_the_time_set():
    settling = Settling()
    settling.hold(FOUND, HALF, 2.0)
    assert settling.check({PATH: HALF}, 101.9) == []
    assert settling.check({PATH: WHOLE}, 102.1) == []
    assert settling.check({PATH: WHOLE}, 104.0) == []
    (settled,) = settling.check({PATH: WHOLE}, 104.2)
    assert (settled.path, settled.at, round(settled.quiet_s, 1)) == (PATH, 104.2, 2.1)
    assert len(settling) == 0


def test_given_a_file_held_when_it_is_seen_again_unchanged_then_its_time_goes_on():
    settling = Settling()
    settling.hold(FOUND, HALF, 2.0)
    settling.hold(Found(PATH, Path("/in"), False, 101.9), HALF, 2.0)
    assert len(settling.check({PATH: HALF}, 102.0)) == 1


def test_given_a_file_held_when_it_vanishes_then_it_is_forgotten():
    settling = Settling()
    settling.hold(FOUND, HALF, 2.0)
    assert settling.check({PATH: None}, 110.0) == []
    assert len(settling) == 0
