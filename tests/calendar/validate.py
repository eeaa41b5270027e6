"""Reads the calendar that the host served with a reader that shares no code with ours, and looks for what must be in it.

tests/calendar/run says how it is called.
"""

import json
import sys
from datetime import datetime
from pathlib import Path

from icalendar import Calendar


def expect(what, found, wanted):
    if found != wanted:
        sys.exit(f"{what}: found {found!r}, expected {wanted!r}")


def main(folder):
    expected = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    calendar = Calendar.from_ical((folder / "feed.ics").read_bytes())
    expect("errors", calendar.errors, [])
    expect("VERSION", str(calendar["VERSION"]), "2.0")
    expect("name", str(calendar["NAME"]), expected["name"])
    events = calendar.walk("VEVENT")
    expect("number of events", len(events), len(expected["events"]))
    for found, wanted in zip(events, expected["events"]):
        expect("errors of an event", found.errors, [])
        expect("UID", str(found["UID"]), wanted["uid"])
        expect("SEQUENCE", found["SEQUENCE"], wanted["sequence"])
        expect("STATUS", str(found["STATUS"]), wanted["status"])
        expect("DTSTART", found["DTSTART"].dt, datetime.fromisoformat(wanted["start"]))
        expect("DTEND", found["DTEND"].dt, datetime.fromisoformat(wanted["end"]))
        expect("SUMMARY", str(found["SUMMARY"]), wanted["summary"])
        description = str(found["DESCRIPTION"])
        for part in wanted["description"]:
            if part not in description:
                sys.exit(f"DESCRIPTION: {part!r} is missing from {description!r}")
    print(f"{folder}/feed.ics: {len(events)} events, valid for icalendar (Python)")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
