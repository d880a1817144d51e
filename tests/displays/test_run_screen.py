"""The Run screen against a live IOC in a process of its own."""

import time

import pytest
from p4p.client.thread import Subscription
from qtpy.QtCore import QEvent, QPoint, QSettings, Qt
from qtpy.QtWidgets import QApplication

from displays import plot_link
from displays.card import Card
from displays.card_state import Level
from displays.notice import Notice
from displays.run import RunScreen
from displays.settings import Settings

WAIT_MS = 20_000


@pytest.fixture
def settings(tmp_path):
    return Settings("T:", QSettings(str(tmp_path / "settings.ini"), QSettings.IniFormat))


@pytest.fixture
def screen(qtbot, settings):
    made = []

    def make(prefix):
        screen = RunScreen(macros={"P": prefix}, settings=settings)
        screen.resize(1280, 800)
        screen.show()
        made.append(screen)
        return screen

    yield make
    for screen in made:
        screen.close()
        screen.deleteLater()
    QApplication.sendPostedEvents(None, QEvent.DeferredDelete)


@pytest.fixture
def good(qtbot, lasting_ioc, screen):
    """A settled screen over four good plots."""
    lasting_ioc.say(plot="*", reset=True)
    return lasting_ioc, settle(qtbot, screen(lasting_ioc.prefix))


@pytest.fixture
def mortal(qtbot, live_ioc, screen):
    """As ``good``, over an IOC that the test may kill."""

    def make(slot):
        ioc = live_ioc(slot)
        ioc.say(plot="*")
        return ioc, settle(qtbot, screen(ioc.prefix))

    return make


def settle(qtbot, screen):
    qtbot.waitUntil(screen.settled, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: levels(screen) == {Level.GOOD}, timeout=WAIT_MS)
    return screen


def levels(screen):
    return {card.face.level for card in screen.store.cards.values()}


def names(items):
    return [item.name if isinstance(item, Notice) else item.link.plot.name for item in items]


def test_given_all_plots_good_when_settled_then_the_screen_is_calm(good):
    _, screen = good
    frame = screen.frame
    assert frame.headline.headline.text == "ALL GOOD"
    assert frame.plots_heading.text() == "PLOTS (4 / 4)"
    assert frame.bad_heading.text() == "BAD PLOTS (0 / 0)"
    assert frame.run.text() == "Run: 131458"
    assert frame.beam.text() == "Beam: On  150.2"
    assert frame.last.text().startswith("Last update: ")
    assert frame.legend.names == ("No Model", "Good", "Bad", "NoData")
    assert not frame.banner.isVisible()
    card = screen.store.cards["CDC_occupancy"]
    assert card.face.verdict == "Good @ 97.3 %"
    assert card.face.confirmed
    assert card.face.age.endswith(" s ago")


def test_given_a_run_type_when_shown_then_it_stands_behind_the_run_and_a_long_one_is_cut(
    good, qtbot
):
    ioc, screen = good
    run = screen.frame.run
    ioc.say(own={"RunType": "cosmic"})
    qtbot.waitUntil(lambda: run.text() == "Run: 131458  cosmic", timeout=WAIT_MS)
    ioc.say(own={"RunType": "production with a long name"})
    qtbot.waitUntil(lambda: run.text() == "Run: 131458  production with\u2026", timeout=WAIT_MS)
    ioc.say(own={"RunType": ""})
    qtbot.waitUntil(lambda: run.text() == "Run: 131458", timeout=WAIT_MS)


def test_given_a_good_plot_when_it_turns_bad_then_it_moves_within_one_update_and_back(good, qtbot):
    ioc, screen = good
    frame = screen.frame
    ioc.say(plot="FDC_occupancy", label="Bad")
    qtbot.waitUntil(lambda: names(screen.bad_cards()) == ["FDC_occupancy"], timeout=1000)
    card = screen.store.cards["FDC_occupancy"]
    qtbot.waitUntil(lambda: (card.face.level, card.face.word) == (Level.BAD, "BAD"), timeout=1000)
    assert names(frame.board.items)[1] == "FDC_occupancy"
    notice = frame.board.items[1]
    assert isinstance(notice, Notice)
    assert frame.plots_heading.text() == "PLOTS (3 / 3)"
    assert frame.bad_heading.text() == "BAD PLOTS (1 / 1)"
    assert frame.headline.headline.level == Level.BAD
    qtbot.waitUntil(lambda: "call the expert" in " ".join(card.lines), timeout=WAIT_MS)
    qtbot.waitUntil(lambda: card.link.heat is not None, timeout=WAIT_MS)
    ioc.say(plot="FDC_occupancy", label="Bad")
    qtbot.waitUntil(lambda: card.lines[0].endswith(", 2 images"), timeout=WAIT_MS)
    qtbot.mouseClick(notice, Qt.LeftButton)
    qtbot.waitUntil(card.hasFocus, timeout=WAIT_MS)
    ioc.say(plot="FDC_occupancy", label="Good")
    qtbot.waitUntil(lambda: screen.bad_cards() == [], timeout=1000)
    assert all(isinstance(item, Card) for item in frame.board.items)
    assert names(frame.board.items)[1] == "FDC_occupancy"


@pytest.mark.parametrize(
    ("order", "level", "word"),
    [
        ({"label": "Bad", "severity": 1, "confidence": 0.6}, Level.UNCONFIRMED, "Bad, unconfirmed"),
        ({"label": "NoData"}, Level.WARNING, "NoData"),
        ({"severity": 3, "status": 10, "age": 400}, Level.STALE, "STALE"),
        ({"severity": 3, "status": 9, "reason": "Keeper is silent"}, Level.INVALID, "INVALID"),
        ({"label": "NoModel"}, Level.NO_MODEL, "No model"),
        ({"label": "Nothing"}, Level.NOTHING, "Nothing yet"),
        ({"label": "Bad", "severity": 0, "reason": "no beam"}, Level.UNALARMED, "Bad"),
    ],
)
def test_given_a_state_of_the_ioc_when_it_arrives_then_level_and_word_are_shown(
    good, qtbot, order, level, word
):
    ioc, screen = good
    ioc.say(plot="CDC_occupancy", **order)
    card = screen.store.cards["CDC_occupancy"]
    qtbot.waitUntil(lambda: (card.face.level, card.face.word) == (level, word), timeout=WAIT_MS)
    assert word in card.accessibleDescription()


def test_given_an_unchanged_verdict_when_a_new_image_comes_then_picture_and_chunk_change(
    good, qtbot
):
    ioc, screen = good
    card = screen.store.cards["CDC_occupancy"]
    before, origin = card.link.picture, card.face.origin
    ioc.say(plot="CDC_occupancy")
    qtbot.waitUntil(lambda: card.link.picture is not before, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: card.face.origin != origin, timeout=WAIT_MS)


def test_given_a_verdict_without_its_picture_when_late_then_the_picture_is_called_old(
    good, qtbot, monkeypatch
):
    monkeypatch.setattr(plot_link, "LATE_S", 0.5)
    ioc, screen = good
    card = screen.store.cards["CDC_occupancy"]
    assert not card.face.picture_old
    ioc.say(plot="CDC_occupancy", age=-30, picture=False)
    qtbot.waitUntil(lambda: card.face.picture_old, timeout=WAIT_MS)
    ioc.say(plot="CDC_occupancy")
    qtbot.waitUntil(lambda: not card.face.picture_old, timeout=WAIT_MS)


def test_given_a_lost_first_update_of_a_picture_when_noticed_then_it_is_asked_for_again(
    lasting_ioc, screen, qtbot, monkeypatch
):
    monkeypatch.setattr(plot_link, "LATE_S", 0.5)
    lost, stock = [], Subscription._event

    def lose_first(subscription):
        if subscription.name.endswith("CDC_occupancy:Image") and not lost:
            lost.append(subscription.name)
        else:
            stock(subscription)

    monkeypatch.setattr(Subscription, "_event", lose_first)
    lasting_ioc.say(plot="*", reset=True)
    shown = settle(qtbot, screen(lasting_ioc.prefix))
    assert lost
    assert shown.store.cards["CDC_occupancy"].has_picture


def test_given_a_running_ioc_when_killed_then_every_card_says_disconnected(mortal, qtbot):
    ioc, screen = mortal(1)
    ioc.say(plot="FDC_occupancy", label="Bad")
    qtbot.waitUntil(lambda: len(screen.bad_cards()) == 1, timeout=WAIT_MS)
    ioc.kill()
    qtbot.waitUntil(lambda: levels(screen) == {Level.DISCONNECTED}, timeout=WAIT_MS)
    assert {card.face.word for card in screen.store.cards.values()} == {"DISCONNECTED"}
    assert all(card.face.veiled for card in screen.store.cards.values())
    qtbot.waitUntil(lambda: "IOC DISCONNECTED" in screen.frame.banner.text(), timeout=WAIT_MS)
    assert screen.frame.headline.headline.text == "DISCONNECTED"
    assert names(screen.bad_cards()) == ["FDC_occupancy"]


def test_given_a_killed_ioc_when_it_is_back_then_the_screen_heals(mortal, qtbot, live_ioc):
    ioc, screen = mortal(2)
    ioc.kill()
    qtbot.waitUntil(lambda: levels(screen) == {Level.DISCONNECTED}, timeout=WAIT_MS)
    again = live_ioc(2)
    again.say(plot="*")
    again.say(plot="CDC_occupancy", label="Bad")
    qtbot.waitUntil(lambda: names(screen.bad_cards()) == ["CDC_occupancy"], timeout=40_000)
    qtbot.waitUntil(lambda: levels(screen) == {Level.GOOD, Level.BAD}, timeout=40_000)
    qtbot.waitUntil(lambda: screen.frame.banner.text() == "", timeout=WAIT_MS)


def test_given_a_frozen_ioc_when_its_heartbeat_stops_then_the_screen_says_silent(mortal, qtbot):
    ioc, screen = mortal(3)
    ioc.freeze()
    frozen_at = time.monotonic()
    qtbot.waitUntil(lambda: levels(screen) == {Level.SILENT}, timeout=WAIT_MS)
    # One beat may be a second old when it freezes, the check runs twice a second.
    assert time.monotonic() - frozen_at < 7.0
    assert "IOC SILENT since" in screen.frame.banner.text()
    ioc.thaw()
    qtbot.waitUntil(lambda: levels(screen) == {Level.GOOD}, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: screen.frame.banner.text() == "", timeout=WAIT_MS)


def test_given_text_with_markup_when_it_comes_from_a_pv_then_it_is_shown_as_text(good, qtbot):
    ioc, screen = good
    ioc.say(plot="CDC_occupancy", reason='<img src="file:///etc/passwd"> <b>x</b>')
    card = screen.store.cards["CDC_occupancy"]
    qtbot.waitUntil(lambda: "&lt;img" in card.toolTip(), timeout=WAIT_MS)
    assert "<img" not in card.toolTip()


def test_given_a_fault_of_the_screen_itself_when_shown_then_it_stays(good):
    _, screen = good
    screen.frame.show_fault("KeyError: 'x'")
    screen.frame.show_banner("")
    assert "THIS SCREEN HAS A FAULT" in screen.frame.banner.text()


def test_given_no_ioc_when_opened_then_the_screen_says_so_and_is_not_good(screen, qtbot):
    shown = screen("NONE:")
    qtbot.waitUntil(lambda: "NO IOC FOUND" in shown.frame.banner.text(), timeout=WAIT_MS)
    assert shown.frame.headline.headline.level == Level.DISCONNECTED
    assert not shown.settled()
    assert "not connected" in shown.missing()


def test_given_a_malformed_catalogue_when_it_arrives_then_the_fault_is_shown(good, qtbot):
    ioc, screen = good
    ioc.say(own={"Catalogue": "{"})
    qtbot.waitUntil(lambda: "cannot be used" in screen.frame.banner.text(), timeout=WAIT_MS)
    assert len(screen.store.cards) == 4


def test_given_a_catalogue_without_a_plot_when_it_arrives_then_its_card_goes(good, qtbot):
    ioc, screen = good
    screen.desk.open("CDC_occupancy")
    text = '{"plots": [{"name": "FDC_occupancy", "group": "FDC", "labels": []}]}'
    ioc.say(own={"Catalogue": text})
    qtbot.waitUntil(lambda: list(screen.store.cards) == ["FDC_occupancy"], timeout=WAIT_MS)
    qtbot.waitUntil(lambda: names(screen.frame.board.items) == ["FDC_occupancy"], timeout=WAIT_MS)
    assert not screen.desk.windows


def test_given_news_and_a_silent_producer_when_they_arrive_then_both_are_said(good, qtbot):
    ioc, screen = good
    ioc.say(own={"News.VAL$": "Beam studies until 06:00, expect <b>odd</b> plots", "Producer": 1})
    qtbot.waitUntil(lambda: "<b>odd</b>" in screen.frame.news.text, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: "PRODUCER SILENT" in screen.frame.banner.text(), timeout=WAIT_MS)


def test_given_a_hidden_plot_when_it_turns_bad_then_counters_and_headline_still_tell(
    good, qtbot, settings
):
    ioc, screen = good
    card = screen.store.cards["CDC_occupancy"]
    qtbot.keyClick(card, Qt.Key_H)
    assert "CDC_occupancy" not in names(screen.frame.board.items)
    assert screen.frame.plots_heading.text() == "PLOTS (3 / 4)"
    assert settings.hidden == {"CDC_occupancy"}
    ioc.say(plot="CDC_occupancy", label="Bad")
    qtbot.waitUntil(
        lambda: screen.frame.bad_heading.text() == "BAD PLOTS (0 / 1)  1 not shown",
        timeout=WAIT_MS,
    )
    assert screen.frame.headline.headline.level == Level.BAD
    screen.desk.unhide("")
    assert names(screen.bad_cards()) == ["CDC_occupancy"]


def test_given_a_group_when_chosen_then_only_its_plots_are_shown_and_it_is_remembered(
    good, settings
):
    _, screen = good
    screen.frame.controls.group_chosen.emit("CDC")
    assert names(screen.frame.board.items) == ["CDC_occupancy"]
    assert settings.group == "CDC"
    assert screen.frame.plots_heading.text() == "PLOTS (1 / 4)   only group CDC"


def test_given_a_card_when_opened_by_key_then_the_window_shows_everything(good, qtbot):
    ioc, screen = good
    ioc.say(plot="CDC_occupancy", label="Bad")
    qtbot.waitUntil(lambda: len(screen.bad_cards()) == 1, timeout=WAIT_MS)
    qtbot.keyClick(screen.bad_cards()[0], Qt.Key_Return)
    window = screen.desk.windows["CDC_occupancy"]
    qtbot.waitUntil(lambda: window.rows["Model"].text().startswith("small"), timeout=WAIT_MS)
    qtbot.waitUntil(lambda: "Expert" in window.rows["Call"].text(), timeout=WAIT_MS)
    assert window.word.text().startswith("BAD")
    assert window.rows["PV"].text() == "T0:CDC_occupancy:Class"
    wanted = "Bad: weight 97.3 %, threshold 80.0 %"
    qtbot.waitUntil(lambda: wanted in screen.desk.text("CDC_occupancy"), timeout=WAIT_MS)
    text = screen.desk.text("CDC_occupancy")
    assert "Run: 131458" in text
    qtbot.keyClick(window, Qt.Key_Escape)
    qtbot.waitUntil(lambda: not screen.desk.windows, timeout=WAIT_MS)


def test_given_a_card_when_shared_and_saved_then_text_and_picture_are_there(good, qtbot, tmp_path):
    _, screen = good
    card = screen.store.cards["CDC_occupancy"]
    qtbot.keyClick(card, Qt.Key_C)
    clip = QApplication.clipboard().mimeData()
    assert "Plot: CDC_occupancy" in clip.text()
    assert clip.hasImage()
    screen.desk.save("CDC_occupancy", tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes()[:4] == b"\x89PNG"
    assert "Good @ 97.3 %" in (tmp_path / "a.txt").read_text()


def test_given_less_and_less_room_when_plots_are_bad_then_the_guidance_stays(good, qtbot):
    ioc, screen = good
    for name in ("CDC_occupancy", "FDC_occupancy"):
        ioc.say(plot=name, label="Bad")
    qtbot.waitUntil(lambda: len(screen.layout_now.bad) == 2, timeout=WAIT_MS)
    cards = [screen.store.cards[name] for name in screen.layout_now.bad]
    qtbot.waitUntil(
        lambda: all(any(line.startswith("Call:") for line in card.lines) for card in cards),
        timeout=WAIT_MS,
    )
    seen = []
    for height in range(1100, 600, -4):
        screen.resize(1280, height)
        qtbot.wait(1)
        seen.append(tuple(len(card.text) for card in cards))
    full = len(cards[1].lines)
    assert [kept for _, kept in seen] == sorted((kept for _, kept in seen), reverse=True)
    assert {kept for _, kept in seen} == {full, full - 1, full - 2}
    assert {kept for kept, _ in seen} == {len(cards[0].lines)}
    assert all(line.startswith(("Since", "Do:")) for line in cards[1].text)


def test_given_the_heat_map_when_switched_and_moved_then_the_choice_is_remembered(
    good, qtbot, settings
):
    _, screen = good
    screen.frame.heat.set_opacity(0.65)
    assert settings.opacity == 0.65
    qtbot.keyClick(screen, Qt.Key_M)
    assert settings.opacity == 0.0
    qtbot.keyClick(screen, Qt.Key_M)
    assert settings.opacity == 0.65
    assert all(card.opacity == 0.65 for card in screen.store.cards.values())


def test_given_cards_when_arrow_keys_are_pressed_then_the_focus_walks(good, qtbot):
    _, screen = good
    qtbot.keyClick(screen, Qt.Key_P)
    items = screen.frame.board.items
    qtbot.waitUntil(items[0].hasFocus, timeout=WAIT_MS)
    qtbot.keyClick(items[0], Qt.Key_Right)
    qtbot.waitUntil(items[1].hasFocus, timeout=WAIT_MS)
    qtbot.keyClick(items[1], Qt.Key_End)
    qtbot.waitUntil(items[-1].hasFocus, timeout=WAIT_MS)


def test_given_the_mouse_on_a_card_when_open_is_clicked_then_the_window_opens(good, qtbot):
    _, screen = good
    card = screen.store.cards["CDC_occupancy"]
    QApplication.sendEvent(card, QEvent(QEvent.Enter))
    point = card.buttons.geometry().topLeft() + QPoint(10, 10)
    qtbot.mouseClick(card.childAt(point), Qt.LeftButton)
    assert list(screen.desk.windows) == ["CDC_occupancy"]


def test_given_a_prefix_that_is_none_when_opened_then_it_is_refused(qapp):
    for macros in (None, {}, {"P": ""}, {"P": "a b"}, {"P": 'x"); evil("'}):
        with pytest.raises(ValueError, match="expected the prefix"):
            RunScreen(macros=macros)


def test_given_a_screen_when_closed_then_no_widget_and_no_connection_stays(
    qtbot, lasting_ioc, settings
):
    from pydm.data_plugins import plugin_for_address

    ioc = lasting_ioc
    ioc.say(plot="*", reset=True)
    ioc.say(plot="CDC_occupancy", label="Bad")
    before = set(QApplication.allWidgets())
    screen = RunScreen(macros={"P": ioc.prefix}, settings=settings)
    screen.resize(1280, 800)
    screen.show()
    qtbot.waitUntil(screen.settled, timeout=WAIT_MS)
    screen.desk.open("CDC_occupancy")
    screen.close()
    screen.deleteLater()
    del screen
    QApplication.sendPostedEvents(None, QEvent.DeferredDelete)
    assert set(QApplication.allWidgets()) - before == set()
    for protocol in ("ca", "pva"):
        left = plugin_for_address(f"{protocol}://x").connections
        assert [name for name in left if name.startswith(ioc.prefix)] == []
