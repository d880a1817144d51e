"""The heat map over a plot."""

import numpy as np
from qtpy.QtCore import QRectF
from qtpy.QtGui import QColor, QImage, QPainter

from displays.heat import Heat
from displays.plot_link import upright


def blob(rows=14, columns=20, row=4, column=15):
    y, x = np.mgrid[0:rows, 0:columns]
    return (np.exp(-(((y - row) / 2.0) ** 2) - ((x - column) / 2.0) ** 2) * 250).astype(np.uint8)


def painted(heat, opacity):
    image = QImage(400, 280, QImage.Format_RGB32)
    image.fill(QColor("#808080"))
    painter = QPainter(image)
    heat.paint(painter, QRectF(0, 0, 400, 280), opacity)
    painter.end()
    return image


def test_given_a_hot_region_when_outlined_then_the_outline_lies_around_it(qapp):
    heat = Heat(blob())
    region = heat.region()
    assert not heat.is_empty
    assert abs(region.center().x() - 15.5 / 20) < 0.03
    assert abs(region.center().y() - 4.5 / 14) < 0.03
    assert region.width() < 0.25


def test_given_a_heat_map_when_painted_then_the_cold_part_of_the_plot_is_untouched(qapp):
    image = painted(Heat(blob()), 0.4)
    assert QColor(image.pixel(20, 260)) == QColor("#808080")
    assert QColor(image.pixel(310, 90)) != QColor("#808080")


def test_given_opacity_zero_when_painted_then_nothing_lies_over_the_plot(qapp):
    assert painted(Heat(blob()), 0.0) == painted(Heat(np.zeros((2, 2), np.uint8)), 1.0)


def test_given_a_map_that_points_nowhere_when_outlined_then_it_is_empty(qapp):
    assert Heat(np.zeros((9, 12), np.uint8)).is_empty
    assert Heat(np.full((9, 12), 20, np.uint8)).is_empty
    assert Heat(np.zeros((0, 0), np.uint8)).is_empty


def test_given_any_order_of_dimensions_when_taken_then_the_picture_stands_upright():
    pixels = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)
    assert np.array_equal(upright(pixels), pixels)
    assert np.array_equal(upright(pixels.reshape(3, 6, 4)), pixels)
    assert upright(np.zeros(12, np.uint8)) is None
    assert upright(np.zeros((2, 2, 2), np.uint8)) is None
    assert upright(None) is None
    assert upright(3) is None
