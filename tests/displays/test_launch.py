"""The commands that open and draw the Run screen."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from qtpy.QtGui import QImage

from displays.launch import epics_environment
from tests.conftest import free_port
from tests.displays.conftest import SLOTS

HYDRA = str(Path(sys.executable).with_name("hydra-ioc"))
SLOT = 4


@pytest.fixture
def config(tmp_path):
    def make(ca, pva, prefix=f"T{SLOT}:"):
        path = tmp_path / "deployment.toml"
        path.write_text(
            f'prefix = "{prefix}"\nstate_dir = "{tmp_path}"\n'
            f"[ioc]\nca_port = {ca}\npva_port = {pva}\n"
        )
        return str(path)

    return make


def run(*arguments, **environment):
    kept = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}
    kept.pop("QT_QPA_PLATFORM", None)
    return subprocess.run(
        [HYDRA, *arguments],
        check=False,
        env=kept | environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_given_an_ioc_everywhere_when_a_client_is_set_up_then_it_looks_on_this_host():
    found = epics_environment([""], 5064, 5075)
    assert found["EPICS_CA_ADDR_LIST"] == "127.0.0.1:5064"
    assert found["EPICS_PVA_NAME_SERVERS"] == "127.0.0.1:5075"
    found = epics_environment(["10.0.0.1", "127.0.0.1"], 6064, 6075)
    assert found["EPICS_CA_ADDR_LIST"] == "10.0.0.1:6064 127.0.0.1:6064"
    assert found["EPICS_CA_AUTO_ADDR_LIST"] == "NO"


def test_given_no_display_when_the_screen_is_opened_then_it_says_how_to_and_fails(config):
    done = run("--config", config(free_port(), free_port()), "screen")
    assert done.returncode == 1
    assert "no display" in done.stderr
    assert "hydra-ioc picture" in done.stderr
    assert "Traceback" not in done.stderr


def test_given_a_running_ioc_when_drawn_then_the_file_shows_the_screen(config, live_ioc, tmp_path):
    live_ioc(SLOT).say(plot="*")
    slot = SLOTS[SLOT]
    file = tmp_path / "run.png"
    done = run("--config", config(slot.ca, slot.tcp), "picture", str(file), "--size", "1280x800")
    assert done.returncode == 0, done.stderr
    assert "Run screen of T4:" in done.stdout
    image = QImage(str(file))
    assert (image.width(), image.height()) == (1280, 800)
    colours = {image.pixel(x, y) for x in range(0, 1280, 4) for y in range(0, 800, 4)}
    assert len(colours) > 200


def test_given_a_running_ioc_when_the_screen_is_opened_then_it_shows_it_until_told_to_stop(
    config, live_ioc
):
    live_ioc(SLOT).say(plot="*")
    slot = SLOTS[SLOT]
    process = subprocess.Popen(
        [HYDRA, "--config", config(slot.ca, slot.tcp), "screen", "--fullscreen"],
        env=os.environ | {"QT_QPA_PLATFORM": "offscreen"},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        said = []
        for line in process.stderr:
            said.append(line)
            if "screen=run prefix=T4: plots=4" in line:
                break
        else:
            pytest.fail("".join(said))
        assert process.poll() is None
    finally:
        process.terminate()
        process.communicate(timeout=20)


def test_given_no_ioc_when_drawn_then_the_time_out_says_what_is_missing(config, tmp_path):
    file = tmp_path / "run.png"
    path = config(free_port(), free_port(), "NONE:")
    done = run("--config", path, "picture", str(file), "--timeout", "1")
    assert done.returncode == 1
    assert "NONE:Catalogue is not connected after 1 s" in done.stderr
    assert not file.exists()


@pytest.mark.parametrize("size", ["1280", "ax1", "1280x", "0x800"])
def test_given_a_malformed_size_when_drawn_then_the_usage_is_wrong(config, size):
    done = run("--config", config(1, 2), "picture", "a.png", "--size", size)
    assert done.returncode == 2
    assert "expected WIDTHxHEIGHT" in done.stderr
