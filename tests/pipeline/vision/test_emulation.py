"""Emulated faults look as the simulation draws true ones, and touch nothing else."""

import csv
import time
from dataclasses import replace

import numpy as np
import pytest

from hydra_ioc.bench.emulated import TRUE_KINDS, channel_map, write_map
from pipeline.errors import InputError
from pipeline.vision.channel_map import read_map
from pipeline.vision.emulation import KINDS, LABELS, Change, Unseen, emulate, scan, vary
from simulation.drawing import HEIGHT, WIDTH, Conditions, Fault
from simulation.render import draw
from simulation.sheet import NOMINAL

PLOTS = ("CDC_occupancy", "FCAL_occupancy", "TOF_occupancy", "BCAL_occupancy", "RF_selftiming")
TRUE = {emulated: true for true, emulated in TRUE_KINDS.items()}


@pytest.fixture(scope="module")
def maps():
    return {plot: channel_map(plot) for plot in PLOTS}


@pytest.fixture(scope="module")
def good():
    return {plot: draw(plot, NOMINAL, [], 1).pixels for plot in PLOTS}


def cases():
    for plot, kinds in {
        "CDC_occupancy": ("dead-crate", "dead-slot", "dead-channel", "hv-off", "hot-channel"),
        "FCAL_occupancy": ("dead-crate", "dead-slot", "dead-channel", "hv-off", "hot-channel"),
        "TOF_occupancy": ("dead-crate", "dead-slot", "dead-channel", "hv-off", "hot-channel"),
        "BCAL_occupancy": ("dead-slot", "hv-off", "hot-channel", "empty"),
        "RF_selftiming": ("shift", "empty"),
    }.items():
        for kind in kinds:
            yield plot, kind


def apart(one, other):
    """Mean difference of grey levels of what a model sees."""
    return float(np.abs(one.astype(int) - other).mean())


@pytest.mark.parametrize(("plot", "kind"), list(cases()))
def test_given_a_fault_when_emulated_then_it_looks_much_as_the_true_one_drawn(
    maps, good, plot, kind
):
    changes = list(scan(maps[plot], kind))
    change = changes[len(changes) // 2]
    done = emulate(good[plot], maps[plot], change)
    fault = Fault(
        TRUE[kind],
        plot,
        crate=change.crate,
        slot=change.slot,
        board=change.board,
        pad=change.pad,
        strength=change.strength,
        position=change.position,
        channels=() if change.channel is None else (change.channel,),
    )
    true = draw(plot, NOMINAL, [fault], 1)
    assert done.label == true.truth.label
    # What is left without high voltage is a matter of chance.
    share = 0.9 if kind == "hv-off" else 0.5
    assert apart(done.pixels, true.pixels) < share * apart(good[plot], true.pixels)


@pytest.mark.parametrize("plot", PLOTS)
def test_given_a_knock_out_when_emulated_then_nothing_outside_of_its_boxes_changes(
    maps, good, plot
):
    for kind in ("dead-slot", "dead-channel"):
        # A slot with the highest bar rescales its pad, as true ones do.
        kinds = list(scan(maps[plot], kind))
        for change in kinds[:3] if plot != "TOF_occupancy" or kind == "dead-channel" else ():
            try:
                done = emulate(good[plot], maps[plot], change)
            except Unseen:
                continue
            changed = (done.pixels != good[plot]).any(axis=-1)
            outside = np.ones(changed.shape, bool)
            for left, top, right, bottom in done.regions:
                outside[
                    round(top * HEIGHT) - 3 : round(bottom * HEIGHT) + 3,
                    round(left * WIDTH) - 3 : round(right * WIDTH) + 3,
                ] = False
            assert not (changed & outside).any()


@pytest.mark.parametrize("plot", PLOTS)
def test_given_any_change_when_emulated_then_title_axes_and_text_stay(maps, good, plot):
    frame = np.zeros((HEIGHT, WIDTH), bool)
    for pad in maps[plot].pads:
        left, top, right, bottom = pad.box
        frame[
            round(top * HEIGHT) : round(bottom * HEIGHT) + 1,
            round(left * WIDTH) : round(right * WIDTH) + 1,
        ] = True
    rng = np.random.default_rng(1)
    for kind in KINDS:
        for change in list(scan(maps[plot], kind))[:1]:
            changed = replace(vary(change, rng), strength=0.8)
            done = emulate(good[plot], maps[plot], changed)
            assert (done.pixels[~frame] == good[plot][~frame]).all()
            assert done.label == LABELS[kind]
            assert done.pixels.shape == good[plot].shape
            if kind in ("light-leak", "statistics"):
                again = emulate(good[plot], maps[plot], changed)
                assert (again.pixels == done.pixels).all()


def test_given_a_channel_that_is_dead_already_when_knocked_out_then_it_is_told(maps, good):
    from simulation.plots import PLOTS as KNOWN

    detector = KNOWN["FCAL_occupancy"].detector
    dead = int(np.flatnonzero(detector.efficiency == 0.0)[0])
    with pytest.raises(Unseen, match="changes nothing"):
        emulate(
            good["FCAL_occupancy"], maps["FCAL_occupancy"], Change("dead-channel", channel=dead)
        )


def test_given_hardware_that_is_not_there_when_asked_for_then_it_is_refused(maps, good):
    pixels, channels = good["FCAL_occupancy"], maps["FCAL_occupancy"]
    for change in (Change("dead-crate", crate=99), Change("dead-slot"), Change("shift", pad=0)):
        with pytest.raises(InputError):
            emulate(pixels, channels, change)
    with pytest.raises(InputError, match="expected a kind of"):
        emulate(pixels, channels, Change("flip"))
    assert not {"flip", "rotate", "mirror", "crop"} & set(KINDS)


def test_given_variations_when_made_then_a_shipped_model_still_says_good(maps):
    from hydra_ioc.release import DEMO_MODELS, read_index
    from pipeline.vision.preprocess import prepare
    from pipeline.vision.serving import load

    model = load(DEMO_MODELS / read_index(DEMO_MODELS)["FCAL_occupancy"])
    rng = np.random.default_rng(2)
    for run in range(3):
        pixels = draw(
            "FCAL_occupancy", Conditions(140_000 + 77 * run, 5, 1.2, True, 1.8e9), [], run
        )
        for kind in ("scale", "statistics"):
            change = replace(vary(Change(kind), rng), strength=0.7)
            done = emulate(pixels.pixels, maps["FCAL_occupancy"], change)
            tensor = prepare(done.pixels, "area-rgb", model.card.input_shape)
            weights = model.run(tensor[None]).probabilities[0]
            assert model.card.labels[weights.argmax()] == "Good"


def test_given_an_image_without_the_scale_when_emulated_then_it_is_told(maps):
    white = np.full((HEIGHT, WIDTH, 3), 255, np.uint8)
    with pytest.raises(InputError, match="colour scale of 5 colours"):
        emulate(white, maps["FCAL_occupancy"], Change("dead-crate", crate=1))
    with pytest.raises(InputError, match="expected coloured bars"):
        emulate(white, maps["TOF_occupancy"], Change("dead-crate", crate=1))


HEADER = "kind,pad,crate,slot,channel,left,top,right,bottom,polygon,empty\n"
FAULTY = {
    "nothing": "",
    "header only": HEADER,
    "unknown kind": HEADER + "box,0,1,1,1,0,0,1,1,,\n",
    "no numbers": HEADER + "cell,0,1,1,1,a,b,c,d,,\n",
    "outside": HEADER + "cell,0,1,1,1,0,0,2,1,,\n",
    "turned": HEADER + "cell,0,1,1,1,0.5,0,0.2,1,,\n",
    "two corners": HEADER + "cell,0,1,1,1,,,,,0 0 1 1,\n",
    "not finite": HEADER + "cell,0,1,1,1,nan,0,1,1,,\n",
    "crate": HEADER + "cell,0,-1,1,1,0,0,1,1,,\n",
    "large crate": HEADER + "cell,0,99999999999,1,1,0,0,1,1,,\n",
    "colour": HEADER + "map,0,,,,0,0,1,1,,white\n",
    "cells and bars": HEADER + "cell,0,1,1,1,0,0,1,1,,\nbar,0,1,1,1,0,0,1,1,,\n",
    "two frames": HEADER + "map,0,,,,0,0,1,1,,\nmap,0,,,,0,0,1,1,,\n",
    "only a scale": HEADER + "scale,0,,,,0,0,1,1,,\n",
    "binary": "\0\1\2\xff",
    "latin-1": HEADER + "cell,0,1,1,1,0,0,1,1,,\xfc\n",
    "semicolons": HEADER.replace(",", ";") + "cell;0;1;1;1;0;0;1;1;;\n",
    "misspelt column": HEADER.replace("crate", "crat") + "cell,0,1,1,1,0,0,1,1,,\n",
    "column twice": HEADER.replace("slot", "crate") + "cell,0,1,1,1,0,0,1,1,,\n",
    "no place": "kind,crate\ncell,1\n",
    "a value too many": HEADER + "cell,0,1,1,1,0,0,1,1,,,7\n",
    "the same cell twice": HEADER + "cell,0,1,1,1,0,0,1,1,,\ncell,0,2,1,1,0,0,1,1,,\n",
}


@pytest.mark.parametrize("text", FAULTY.values(), ids=FAULTY)
def test_given_a_faulty_channel_map_when_read_then_it_is_refused(tmp_path, text):
    file = tmp_path / "cells.csv"
    file.write_bytes(text.encode("latin-1"))
    with pytest.raises(InputError):
        read_map(file)
    with pytest.raises(InputError, match="cannot read"):
        read_map(tmp_path / "none.csv")


def test_given_a_million_rows_when_read_then_the_table_is_refused_before_memory_is_gone(tmp_path):
    file = tmp_path / "cells.csv"
    for row in ("cell,0,1,1,1,0,0,1,1,,\n", "x\n"):
        file.write_text(HEADER + row * 1_000_000)
        begun = time.monotonic()
        with pytest.raises(InputError, match=r"over the limit|has 1001 faults"):
            read_map(file)
        assert time.monotonic() - begun < 20


def test_given_a_table_of_a_spreadsheet_when_read_then_its_byte_order_mark_is_no_fault(tmp_path):
    file = tmp_path / "cells.csv"
    file.write_bytes(b"\xef\xbb\xbf" + (HEADER + "cell,0,1,1,1,0,0,1,1,,\n").encode())
    assert read_map(file).crates() == [1]


def test_given_a_map_in_pixels_when_read_with_their_size_then_it_is_the_same(tmp_path):
    fractions, pixels = tmp_path / "f.csv", tmp_path / "p.csv"
    write_map("FCAL_occupancy", fractions)
    with fractions.open() as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        for side, size in (("left", WIDTH), ("right", WIDTH), ("top", HEIGHT), ("bottom", HEIGHT)):
            row[side] = f"{float(row[side]) * size:.3f}"
    with pixels.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    first, second = read_map(fractions), read_map(pixels, (WIDTH, HEIGHT))
    assert np.allclose(first.pads[0].cells[7].box, second.pads[0].cells[7].box, atol=1e-4)
    with pytest.raises(InputError, match="outside the image"):
        read_map(pixels)
