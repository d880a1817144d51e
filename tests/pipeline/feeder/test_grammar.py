"""File names of the halls, and names that nobody should trust."""

import string
from datetime import datetime
from pathlib import PurePath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.config import Config
from pipeline.errors import ConfigError, FileError
from pipeline.feeder.grammar import PLOT_NAME, Names

GLUEX = (
    "CDC_occupancy FCAL_occupancy ST_occupancy TOF_occupancy DIRC_occupancy BCAL_occupancy"
    " FDC_occupancy RF_selftiming fa125_itrig PS_occupancy RF_TPOL_occupancy TAGGER_occupancy"
    " ECAL_occupancy Kinematics-PSEnergy Trigger-Bits RF_TOF_selftiming RF_FDC_selftiming"
    " RF_TAGH_selftiming RF_PSC_selftiming"
).split()
CLAS12 = (
    "FTOF_tdcOccupancy FTOF_adcOccupancy ECAL_adcOccupancy DC_OccupancyNorm BST_hits2d"
    " BMT_cOccupancy RICH_occupancy2d RICH_s1 RICH_s4 RF_adc RF_tdc RF_time TimeJitter_phase"
    " HEL_Board"
).split()
NAMES = Names(Config())

words = st.text(string.ascii_letters + string.digits, min_size=1, max_size=10)
# A name whose last part is not digits only: those are a chunk or a pad by definition.
endings = words.filter(lambda word: not word.isdecimal())
plots = st.builds(
    lambda parts, ending: "".join(f"{word}{mark}" for word, mark in parts) + ending,
    st.lists(st.tuples(words, st.sampled_from("_-")), max_size=2),
    endings,
).filter(lambda name: len(name) <= 40)
chunks = st.integers(0, 999_999_999)
suffixes = st.sampled_from([("png", "png"), ("PNG", "png"), ("jpg", "jpg"), ("jpeg", "jpg")])


def parse(name, **values):
    names = Names(Config.model_validate({"input": values})) if values else NAMES
    return names.parse(PurePath(name))


@pytest.mark.parametrize("plot", GLUEX + CLAS12)
def test_given_a_real_plot_name_when_written_in_every_form_then_it_comes_back(plot):
    assert (parse(f"{plot}_0037.png").plot, parse(f"{plot}_0037.png").chunk) == (plot, 37)
    assert (parse(f"{plot}-02_0037.png").plot, parse(f"{plot}-02_0037.png").chunk) == (plot, 37)
    assert (parse(f"{plot}.png").plot, parse(f"{plot}.png").chunk) == (plot, None)


@given(plots, chunks, suffixes)
def test_given_any_plot_when_chunked_then_plot_chunk_and_type_come_back(plot, chunk, suffix):
    found = parse(f"{plot}_{chunk:04d}.{suffix[0]}")
    assert (found.plot, found.chunk, found.file_type) == (plot, chunk, suffix[1])


@given(plots, st.integers(0, 99), chunks)
def test_given_any_plot_when_a_pad_is_numbered_then_the_pad_is_dropped(plot, pad, chunk):
    found = parse(f"{plot}-{pad:02d}_{chunk:04d}.png")
    assert (found.plot, found.chunk) == (plot, chunk)


@given(plots, endings, chunks)
def test_given_any_plot_when_a_pad_is_named_then_the_name_is_kept(plot, pad, chunk):
    name = f"{plot}-{pad}"
    if len(name) > 40:
        with pytest.raises(FileError, match="at most 40"):
            parse(f"{name}_{chunk:04d}.png")
    else:
        found = parse(f"{name}_{chunk:04d}.png")
        assert (found.plot, found.chunk) == (name, chunk)


@given(words, st.integers(0, 30), st.datetimes(datetime(2000, 1, 1), datetime(2037, 12, 31)))
def test_given_a_mon12_canvas_when_parsed_then_detector_tab_and_time_come_back(
    detector, tab, moment
):
    moment = moment.replace(microsecond=0)
    stamp = moment.strftime("%m-%d-%Y_%I.%M.%S_%p")
    found = parse(f"clas12mon_18305_{stamp}/{detector}_canvas{tab}_{stamp}.png")
    assert (found.plot, found.chunk, found.run) == (f"{detector}_canvas{tab}", None, 18305)
    assert found.time == moment.astimezone().timestamp()


@given(st.text(max_size=60))
def test_given_any_text_as_name_when_parsed_then_it_is_refused_or_fit_for_a_pv(name):
    try:
        found = NAMES.parse(PurePath("a") / f"{name.replace('/', '')}.png")
    except FileError as error:
        assert error.reason == "unknown-name"
    else:
        assert PLOT_NAME.fullmatch(found.plot)


@pytest.mark.parametrize(
    "name",
    [
        "bad name_0001.png",
        "pl\u00f6t_0001.png",
        "plot;rm -rf_0001.png",
        "plot:Threshold_0001.png",
        "plot.VAL_0001.png",
        "_0001.png",
        "-02_0001.png",
        f"{'x' * 41}_0001.png",
        "CDC_occupancy_0001.hipo",
        "CDC_occupancy_0001",
        "CDC_occupancy_0001.png.txt",
        "CDC_occupancy\n_0001.png",
        "FTOF_canvas0_13-45-2024_11.45.43_PM.png",
        "FTOF_canvas0_02-11-2024_23.45.43_PM.png",
    ],
)
def test_given_an_unfit_name_when_parsed_then_it_is_refused(name):
    with pytest.raises(FileError) as caught:
        parse(name)
    assert caught.value.reason == "unknown-name"


@pytest.mark.parametrize(
    ("path", "run", "period"),
    [
        ("CDC_occupancy_0001.png", -1, "NA"),
        ("RunPeriod-2021-08/Run080464/CDC_occupancy_0001.png", 80464, "RunPeriod-2021-08"),
        ("RunPeriod-2021-08/080464/sub/CDC_occupancy_0001.png", 80464, "RunPeriod-2021-08"),
        ("Run000000/CDC_occupancy_0001.png", 0, "NA"),
        ("2024/000123/CDC_occupancy_0001.png", 123, "NA"),
        ("9999999999/CDC_occupancy_0001.png", -1, "NA"),
        ("\u0661\u0662/CDC_occupancy_0001.png", -1, "NA"),
        ("RunX/CDC_occupancy_0001.png", -1, "NA"),
    ],
)
def test_given_folders_when_parsed_then_run_and_period_are_those_nearest_the_file(
    path, run, period
):
    found = parse(path)
    assert (found.run, found.period) == (run, period)


def test_given_a_rule_of_ones_own_when_parsed_then_it_is_used_in_its_turn():
    rule = {
        "name": "csc",
        "pattern": r"Digis_(?P<plot>hWireTBin)_p11b_(?P<chunk>\d+)\.png",
    }
    found = parse("Digis_hWireTBin_p11b_296172.png", grammars=[rule, "gluex"])
    assert (found.plot, found.chunk) == ("hWireTBin", 296172)
    assert parse("CDC_occupancy_0001.png", grammars=[rule, "gluex"]).plot == "CDC_occupancy"


@pytest.mark.parametrize(
    ("path", "run"),
    [("Run000007/rga_sp19_6620_s3.png", 6620), ("Run000007/rga_sp19_s3.png", 7)],
)
def test_given_a_rule_with_run_when_parsed_then_the_name_goes_before_the_folder(path, run):
    rule = {
        "name": "rate",
        "pattern": r"rga_sp19(?:_(?P<run>\d+))?_(?P<plot>s[1-6])\.png",
    }
    found = parse(path, grammars=[rule])
    assert (found.plot, found.chunk, found.run) == ("s3", None, run)


def test_given_a_rule_with_time_when_parsed_then_the_time_is_the_images():
    rule = {
        "name": "stamped",
        "pattern": r"(?P<plot>\w+)@(?P<time>\d{8}T\d{6})\.png",
        "time_format": "%Y%m%dT%H%M%S",
    }
    found = parse("RF_adc@20241105T120000.png", grammars=[rule])
    assert found.time == datetime(2024, 11, 5, 12).astimezone().timestamp()


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"grammars": ["rootspy"]}, "expected one of gluex, clas12"),
        ({"run": r"Run\d+"}, "expected a group"),
        ({"run": "("}, "not a regular expression"),
        ({"period": "["}, "not a regular expression"),
    ],
)
def test_given_a_faulty_grammar_when_compiled_then_the_key_is_named(values, text):
    with pytest.raises(ConfigError, match=text):
        Names(Config.model_validate({"input": values}))
