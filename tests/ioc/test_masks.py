"""Masks over EPICS: shown as JSON, changed by a put that the Keeper has committed."""

import json
import random

import msgspec
import pytest
from p4p.client.thread import RemoteError

from ioc.description import PvDescription
from ioc.mask_pvs import describe_masks, masks_text, parse_put
from ioc.puts import check
from pipeline.errors import CommandError
from pipeline.messages import ChangeMask, MaskRef
from tests.ioc.fake_keeper import make_catalogue
from tests.ioc.rig import Rig, wait_until

CHAR = 4
CHANGE = "BCAL_occupancy:MaskChange"
ADD = {"do": "add", "name": "crate5", "reason": "known", "points": [[0.1, 0.2], [0.3, 0.4]]}
HOSTILE = {
    "no json": "crate5",
    "a list": "[]",
    "no name": '{"do": "add"}',
    "empty name": '{"do": "disable", "name": ""}',
    "long name": json.dumps({"do": "disable", "name": "x" * 61}),
    "other action": '{"do": "remove", "name": "crate5"}',
    "other field": json.dumps({**ADD, "plot": "FCAL_occupancy"}),
    "outside": json.dumps({**ADD, "points": [[0.1, 0.2], [1.3, 0.4]]}),
    "one corner": json.dumps({**ADD, "points": [[0.1, 0.2]]}),
    "too many corners": json.dumps({**ADD, "points": [[0.1, 0.2]] * 41}),
    "three numbers": json.dumps({**ADD, "points": [[0.1, 0.2, 0.3], [0.3, 0.4, 0.5]]}),
    "not a number": json.dumps(ADD).replace("0.1", "NaN"),
    "infinite": json.dumps(ADD).replace("0.1", "1e999"),
    "text as expiry": json.dumps({**ADD, "expires": "tomorrow"}),
    "deep": '{"do":' * 300,
    "control characters": json.dumps(ADD, indent=1),
    "too long": json.dumps({**ADD, "why": "x" * 5000}),
}


def set_masks(rig: Rig, *masks: MaskRef) -> None:
    fake = rig.keeper.fake
    entry = msgspec.structs.replace(fake.entries["BCAL_occupancy"], masks=masks)
    rig.keeper.call(fake.show_catalogue(entry))


def change() -> PvDescription:
    return next(one for one in describe_masks("T:P:", "P") if one.target is not None)


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_given_a_hostile_text_when_put_then_it_is_refused_with_what_was_expected(text):
    with pytest.raises(CommandError, match="expected"):
        check(change(), text)


def test_given_random_changes_of_a_good_put_when_checked_then_only_command_errors_come():
    rng = random.Random(1)
    good = json.dumps(ADD)
    for _ in range(3000):
        letters = list(good)
        for _ in range(rng.randint(1, 6)):
            letters[rng.randrange(len(letters))] = chr(rng.randrange(32, 0x2FF))
        try:
            parse_put("".join(letters))
        except CommandError:
            continue


def test_given_eight_masks_of_40_corners_when_shown_then_they_fit_the_pv():
    corners = tuple((0.12345, 0.98765) for _ in range(40))
    mask = MaskRef(mask_id=1, name="n" * 60, owner="o" * 100, reason="r" * 400, points=corners)
    entry = msgspec.structs.replace(make_catalogue(1).plots[0], masks=(mask,) * 8)
    shown = next(one for one in describe_masks("T:P:", "P") if one.target is None)
    assert len(masks_text(entry).encode()) < shown.max_length


def test_given_a_mask_when_put_over_both_faces_then_the_keeper_has_it_before_the_put_is_done(
    rig: Rig,
):
    rig.keeper.fake.received.clear()
    rig.pva.put(f"T:{CHANGE}", {"value": json.dumps({**ADD, "why": "seen it"})})
    (command,) = rig.keeper.fake.received
    assert isinstance(command, ChangeMask)
    assert (command.plot, command.action, command.name) == ("BCAL_occupancy", "add", "crate5")
    assert command.points == ((0.1, 0.2), (0.3, 0.4))
    assert command.who.why == "seen it"
    assert command.who.user
    rig.keeper.fake.received.clear()
    text = json.dumps({"do": "disable", "name": "crate5"})
    assert rig.ca.put(f"{CHANGE}.VAL$", text, ftype=CHAR, wait=True)["status"] == 1
    (command,) = rig.keeper.fake.received
    assert (command.action, command.name, command.points) == ("disable", "crate5", None)


def test_given_a_hostile_put_when_sent_then_the_client_sees_why_and_it_is_on_record(rig: Rig):
    rig.keeper.fake.received.clear()
    noted = len(rig.keeper.fake.refused_puts)
    with pytest.raises(RemoteError, match="expected JSON such as"):
        rig.pva.put(f"T:{CHANGE}", {"value": '{"do": "remove", "name": "all"}'})
    assert not [one for one in rig.keeper.fake.received if isinstance(one, ChangeMask)]
    wait_until(lambda: len(rig.keeper.fake.refused_puts) > noted, "the refusal on record")
    assert rig.keeper.fake.refused_puts[-1].pv == f"T:{CHANGE}"


def test_given_a_catalogue_with_a_mask_when_it_comes_then_masks_shows_it(rig: Rig):
    assert json.loads(rig.pva.get("T:BCAL_occupancy:Masks")) == []
    mask = MaskRef(
        mask_id=1,
        name="crate5",
        owner="ann",
        reason="waits for a supply",
        points=((0.1, 0.2), (0.3, 0.2), (0.3, 0.4)),
        expires_at=1.8e9,
    )
    set_masks(rig, mask)
    wait_until(lambda: rig.pva.get("T:BCAL_occupancy:Masks") != "[]", "the mask")
    (shown,) = json.loads(rig.pva.get("T:BCAL_occupancy:Masks"))
    assert shown == {
        "name": "crate5",
        "owner": "ann",
        "reason": "waits for a supply",
        "expires": 1.8e9,
        "points": [[0.1, 0.2], [0.3, 0.2], [0.3, 0.4]],
    }
    set_masks(rig)
