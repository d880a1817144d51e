"""What a user chose."""

import pytest
from qtpy.QtCore import QSettings

from displays.settings import DEFAULT_OPACITY, Settings


@pytest.fixture
def store(tmp_path):
    return lambda: QSettings(str(tmp_path / "s.ini"), QSettings.IniFormat)


def test_given_choices_when_opened_again_then_they_are_remembered(store):
    first = Settings("HYDRA:", store())
    first.opacity, first.zoom, first.group, first.hidden = 0.65, -2, "CDC", frozenset({"a", "b"})
    again = Settings("HYDRA:", store())
    assert (again.opacity, again.zoom, again.group) == (0.65, -2, "CDC")
    assert again.hidden == {"a", "b"}
    again.hidden = frozenset({"a"})
    assert Settings("HYDRA:", store()).hidden == {"a"}
    again.hidden = frozenset()
    assert Settings("HYDRA:", store()).hidden == frozenset()


def test_given_two_deployments_when_one_is_changed_then_the_other_keeps_its_choices(store):
    Settings("HALLB:", store()).hidden = frozenset({"a"})
    assert Settings("HALLD:", store()).hidden == frozenset()


def test_given_a_settings_file_edited_badly_when_read_then_defaults_hold(store):
    raw = store()
    raw.setValue("run/HYDRA/opacity", "much")
    raw.setValue("run/HYDRA/zoom", 99)
    settings = Settings("HYDRA:", raw)
    assert settings.opacity == DEFAULT_OPACITY
    assert settings.zoom == 6
