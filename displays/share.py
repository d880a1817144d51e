"""What a card says as text, for the log book or a message to an expert."""

from displays.card_state import Face, Reading
from displays.catalogue import Plot
from displays.text import percent


def report(plot: Plot, reading: Reading, face: Face, pv: str) -> str:
    """Write down everything the crew and the expert need.

    Args:
        plot: Entry of the catalogue.
        reading: The last values of its PVs.
        face: What its card shows.
        pv: Full name of the Class PV.

    Returns:
        Lines of plain text.
    """
    rows = [
        ("Plot", plot.name),
        ("Group", plot.group),
        ("State", face.word + (" (confirmed)" if face.confirmed else "")),
        ("Verdict", face.verdict),
        ("Reason", reading.reason),
        ("Run", "" if reading.run is None else str(reading.run)),
        ("Chunk", "" if reading.chunk is None else str(reading.chunk)),
        ("Image time", reading.image_time),
        ("Since", reading.since),
        ("Images judged", "" if reading.count is None else str(reading.count)),
        ("Model", reading.model),
        ("Image file", reading.image_file),
        ("Contact", reading.contact),
        ("What to do", reading.guidance),
        ("PV", pv),
    ]
    lines = [f"{name}: {value}" for name, value in rows if value]
    lines += [
        f"  {name}: weight {percent(reading.weights.get(name))},"
        f" threshold {percent(reading.thresholds.get(name))}"
        for name in (label.name for label in plot.labels)
        if name in reading.weights or name in reading.thresholds
    ]
    return "\n".join(lines)
