"""Masks between an order and a model: covered before the pass, hidden behind it."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from pipeline.messages import Order
from pipeline.vision.mask import Area, cover, covered, hide, in_force
from pipeline.vision.serving import Outputs, ServedModel


def masks_of(order: Order) -> tuple[int, ...]:
    """Give the ids of the masks that are in force for an order."""
    return tuple(mask.mask_id for mask in in_force(order.plot.masks, order.closed_time))


def area_of(order: Order, shape: tuple[int, int, int]) -> Area | None:
    """Mark what masks cover of an order's tensor.

    Args:
        order: The order.
        shape: Height, width and channels of the tensor.

    Returns:
        (height, width); None without a mask in force.
    """
    masks = in_force(order.plot.masks, order.closed_time)
    if not masks:
        return None
    return covered(tuple(mask.points for mask in masks), shape[:2], order.image_size)


def masked(order: Order, tensor: NDArray[np.uint8], model: ServedModel) -> NDArray[np.uint8]:
    """Cover what the masks of an order cover with what a model finds normal.

    Args:
        order: The order.
        tensor: (H, W, C); returned as it is without a mask in force.
        model: The model that is to judge it: each has a normal of its own.
    """
    area = area_of(order, model.card.input_shape)
    return tensor if area is None else cover(tensor, area, model.normal)


def unheated(order: Order, outputs: Outputs, model: ServedModel) -> Outputs:
    """Take the heat under the masks of an order from what a model said."""
    area = area_of(order, model.card.input_shape)
    return outputs if area is None else replace(outputs, maps=hide(outputs.maps, area))
