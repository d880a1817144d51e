"""The alarm configuration of Phoebus, as its alarm server imports it.

Source:
    Elements as ``XmlModelReader`` of Phoebus (``app/alarm/model``) reads them.
"""

from collections.abc import Iterable
from xml.etree import ElementTree

from ioc.alarm_tree import Alarm, AlarmGroup


def export_phoebus(tree: AlarmGroup, *, delay_s: int = 0, screen: str = "") -> str:
    """Write the alarm configuration of a deployment.

    Args:
        tree: The alarms.
        delay_s: Seconds for which an alarm must last before it is shown.
        screen: What opens the Run screen, as Phoebus resource; none when empty.

    Returns:
        XML text.
    """
    root = ElementTree.Element("config", name=tree.name)
    for alarm in tree.alarms:
        _pv(root, alarm, "", delay_s, screen)
    for group in tree.groups:
        _component(root, group, delay_s, screen)
    ElementTree.indent(root)
    body = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{body}\n'


def _component(
    parent: ElementTree.Element, group: AlarmGroup, delay_s: int, screen: str, masked: str = ""
) -> None:
    masked = group.masked_by or masked
    element = ElementTree.SubElement(parent, "component", name=group.alias)
    _notes(element, group.guidance, screen)
    for alarm in group.alarms:
        _pv(element, alarm, masked, delay_s, screen)
    for below in group.groups:
        _component(element, below, delay_s, screen, masked)


def _pv(parent: ElementTree.Element, alarm: Alarm, masked: str, delay_s: int, screen: str) -> None:
    element = ElementTree.SubElement(parent, "pv", name=alarm.pv)
    texts = {
        "description": alarm.alias,
        "enabled": "true",
        "latching": "true",
        "annunciating": "true",
        "delay": str(delay_s),
    }
    if masked:
        texts["filter"] = f"'{masked}' == 0"
    for tag, text in texts.items():
        ElementTree.SubElement(element, tag).text = text
    _notes(element, alarm.guidance, screen)


def _notes(element: ElementTree.Element, guidance: Iterable[str], screen: str) -> None:
    lines = list(guidance)
    if lines:
        _titled(element, "guidance", "What to do", "\n".join(lines))
    if screen:
        _titled(element, "display", "Run screen", screen)


def _titled(element: ElementTree.Element, tag: str, title: str, details: str) -> None:
    below = ElementTree.SubElement(element, tag)
    ElementTree.SubElement(below, "title").text = title
    # XML 1.0 has no other control characters.
    ElementTree.SubElement(below, "details").text = "".join(
        letter for letter in details if letter.isprintable() or letter == "\n"
    )
