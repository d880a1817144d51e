"""Masks on the Run screen: hatched, told in words, drawn with the mouse."""

import json

import numpy as np
import pytest
from p4p.client.thread import Context
from qtpy.QtCore import QPoint, QPointF, QRectF, Qt
from qtpy.QtGui import QImage, QPainter

from displays import mask_paint
from displays.heat import Heat
from displays.mask_pencil import Pencil
from displays.mask_put import MaskDialog
from displays.masks import Mask, parse
from tests.displays.test_run_screen import WAIT_MS, good, screen, settings  # noqa: F401

BOX = [[0.25, 0.25], [0.5, 0.25], [0.5, 0.5], [0.25, 0.5]]
LISTED = {
    "name": "crate5",
    "owner": "ann",
    "reason": "waits for a supply",
    "expires": 1.8e9,
    "points": BOX,
}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no json",
        "[" * 100_000,
        '{"name": "a"}',
        "[1, null, []]",
        json.dumps([{**LISTED, "points": "none"}]),
        json.dumps([{**LISTED, "points": [[0, 0], [1, "x"], [1, 1]]}]),
        json.dumps([{**LISTED, "points": [[0, 0], [1, 1]]}]),
    ],
)
def test_given_a_malformed_list_when_parsed_then_nothing_is_drawn(text):
    assert parse(text) == ()


def test_given_a_list_when_parsed_then_owner_reason_and_end_are_told():
    (mask,) = parse(json.dumps([LISTED]))
    assert mask.points == tuple(map(tuple, BOX))
    assert mask.line().startswith("crate5: waits for a supply (ann, until 2027-01-15")
    (endless,) = parse(json.dumps([{**LISTED, "expires": None}]))
    assert endless.line().endswith("(ann, no end)")


def painted(masks, heat=None):
    image = QImage(400, 300, QImage.Format_RGB32)
    image.fill(Qt.white)
    painter, box = QPainter(image), QRectF(0, 0, 400, 300)
    if heat is not None:
        mask_paint.clip(painter, masks, box)
        heat.paint(painter, box, 1.0)
    else:
        mask_paint.paint(painter, masks, box)
    painter.end()
    bits = image.constBits()
    bits.setsize(image.byteCount())
    return np.frombuffer(bits, np.uint8).reshape(300, 400, 4)[..., :3].copy()


def test_given_a_mask_when_painted_then_its_part_is_hatched_and_nothing_else(qtbot):
    pixels = painted(parse(json.dumps([LISTED])))
    marked = (pixels != 255).any(axis=-1)
    assert 0.1 < marked[75:150, 100:200].mean() < 0.9
    assert not marked[160:].any()
    assert not marked[:, 210:].any()


def test_given_heat_under_a_mask_when_painted_then_it_is_not_shown(qtbot):
    values = np.zeros((30, 40), np.uint8)
    values[10:13, 12:18] = 255
    heat = Heat(values)
    assert (painted((), heat) != 255).any()
    assert not (painted(parse(json.dumps([LISTED])), heat)[80:145, 105:195] != 255).any()


def test_given_the_mouse_when_it_drags_or_clicks_then_a_box_or_a_polygon_comes_out():
    pencil, box = Pencil(), QRectF(100, 50, 400, 200)
    pencil.start()
    pencil.press(QPointF(200, 100))
    assert pencil.release(QPointF(300, 150), box) == ((0.25, 0.25), (0.5, 0.5))
    pencil.start()
    for x, y in ((100, 50), (300, 50), (900, 250)):
        assert pencil.close(box) is None
        pencil.press(QPointF(x, y))
        assert pencil.release(QPointF(x + 2, y), box) is None
    assert pencil.close(box) == ((0.005, 0.0), (0.505, 0.0), (1.0, 1.0))


def test_given_a_dialog_when_filled_in_then_it_gives_the_change(qtbot):
    dialog = MaskDialog("CDC_occupancy", ((0.1, 0.2), (0.3, 0.4)), None)
    qtbot.addWidget(dialog)
    ok = dialog.buttons.buttons()[0]
    assert not ok.isEnabled()
    dialog.name.setText("crate5")
    dialog.reason.setText("known")
    assert ok.isEnabled()
    dialog.span.setCurrentText("until switched off")
    assert dialog.change() == {
        "do": "add",
        "name": "crate5",
        "reason": "known",
        "points": [[0.1, 0.2], [0.3, 0.4]],
        "expires": None,
    }


def test_given_a_mask_in_force_when_shown_then_card_and_detail_tell_and_change_it(
    good,  # noqa: F811
    qtbot,
    monkeypatch,
):
    ioc, screen = good  # noqa: F811
    ioc.say(plot="CDC_occupancy", masks=[LISTED])
    card = screen.store.cards["CDC_occupancy"]
    mask = parse(json.dumps([LISTED]))[0]
    qtbot.waitUntil(lambda: card.face.masks == (mask,), timeout=WAIT_MS)
    screen.desk.open("CDC_occupancy")
    window = screen.desk.windows["CDC_occupancy"]
    qtbot.waitUntil(lambda: "waits for a supply" in window.rows["Masks"].text(), timeout=WAIT_MS)
    assert window.mask_row.off.isEnabled()

    monkeypatch.setattr(MaskDialog, "exec_", lambda dialog: dialog.name.setText("new") or True)
    window.mask_row.add.click()
    box = window.picture.picture_box()
    begin, end = (
        QPoint(round(box.left() + share * box.width()), round(box.top() + share * box.height()))
        for share in (0.5, 0.75)
    )
    qtbot.mousePress(window.picture, Qt.LeftButton, pos=begin)
    qtbot.mouseMove(window.picture, end)
    qtbot.mouseRelease(window.picture, Qt.LeftButton, pos=end)
    qtbot.waitUntil(lambda: "Done" in window.mask_row.told.text(), timeout=WAIT_MS)
    with Context("pva") as context:
        change = json.loads(context.get(f"{ioc.prefix}CDC_occupancy:MaskChange"))
    assert (change["do"], change["name"]) == ("add", "new")
    assert np.allclose(change["points"], [[0.5, 0.5], [0.75, 0.75]], atol=0.01)

    window.mask_row.send({"do": "disable", "name": "refuse"})
    qtbot.waitUntil(lambda: "may not write" in window.mask_row.told.text(), timeout=WAIT_MS)
    assert not window.picture.pencil.active
    window.close()


def test_given_masks_without_points_when_outlined_then_nothing_breaks(qtbot):
    assert mask_paint.outline((Mask("a", ()),), QRectF(0, 0, 10, 10)).isEmpty()
