"""The contact sheet of the zoo, by its command."""

import cv2
import numpy as np
from click.testing import CliRunner

from hydra_ioc.commands.demo import command
from simulation.zoo.sheet import sheet


def test_given_the_command_when_called_then_a_sheet_of_species_is_written(tmp_path) -> None:
    file = tmp_path / "zoo.png"
    result = CliRunner().invoke(
        command, ["zoo", str(file), "--seed", "3", "--species", "2", "--columns", "3"]
    )
    assert result.exit_code == 0, result.output
    pixels = cv2.imread(str(file))
    assert pixels.shape == (2 * 256, 3 * 320, 3)
    assert np.array_equal(pixels[:, :, ::-1], sheet(range(3, 5), 3))


def test_given_a_file_that_is_no_png_when_called_then_it_is_refused(tmp_path) -> None:
    result = CliRunner().invoke(command, ["zoo", str(tmp_path / "zoo.jpg")])
    assert result.exit_code != 0
    assert "ends in .png" in str(result.exception)
