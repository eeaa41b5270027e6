"""Reads the sample feed with a reader that shares no code with ours and compares what it finds.

    FEED_OUT=/tmp/feed.ics cargo test -p relais --lib the_feed_is_what_rfc_5545_asks_for
    pip install icalendar==7.3.0 && python tests/calendar/validate.py /tmp/feed.ics
"""

import sys
from datetime import datetime, timedelta, timezone

from icalendar import Calendar


def expect(what, found, wanted):
    if found != wanted:
        sys.exit(f"{what}: found {found!r}, expected {wanted!r}")


def main(path):
    with open(path, "rb") as file:
        data = file.read()
    calendar = Calendar.from_ical(data)
    expect("errors", calendar.errors, [])
    expect("VERSION", str(calendar["VERSION"]), "2.0")
    expect("name", str(calendar["NAME"]), "Rendez-vous, Acme; Solaire")
    expect("refresh", calendar["REFRESH-INTERVAL"].dt, timedelta(minutes=15))

    moved, cancelled = calendar.walk("VEVENT")
    for event in (moved, cancelled):
        expect("errors of an event", event.errors, [])
    expect("UID", str(moved["UID"]), "cv_01K70000000000000000000001")
    expect("SEQUENCE", moved["SEQUENCE"], 2)
    expect("STATUS", str(moved["STATUS"]), "CONFIRMED")
    expect("DTSTART", moved["DTSTART"].dt, datetime(2025, 10, 15, 12, 0, tzinfo=timezone.utc))
    expect("DTEND", moved["DTEND"].dt, datetime(2025, 10, 15, 12, 30, tzinfo=timezone.utc))
    expect("SUMMARY", str(moved["SUMMARY"]), "RDV – Zoé “Z” Martin, née Lefèvre; BEGIN:VEVENT")
    description = str(moved["DESCRIPTION"])
    for part in (
        "Entreprise : Dupont, Fils; & Cie\nTéléphone : +33612345604\n",
        "Résumé :\nProspect intéressé par l'offre, prix demandé.\n",
        "🗨️ RÉSUMÉ DE CONVERSATION\n\n" + "=" * 37 + "\n",
        '👤 Client: a;b,c\\n \\ "d" 👩‍👩‍👧\n',
        ("Après-midi, vers 14h30 ; ça ira… " * 40).strip(),
    ):
        if part not in description:
            sys.exit(f"DESCRIPTION: {part!r} is missing from {description!r}")

    expect("UID", str(cancelled["UID"]), "cv_01K70000000000000000000002")
    expect("SEQUENCE", cancelled["SEQUENCE"], 1)
    expect("STATUS", str(cancelled["STATUS"]), "CANCELLED")
    expect("DTSTART", cancelled["DTSTART"].dt, datetime(2025, 10, 26, 0, 30, tzinfo=timezone.utc))
    expect("SUMMARY", str(cancelled["SUMMARY"]), "RDV – Prospect A12")
    print(f"{path}: valid for icalendar (Python)")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: validate.py <feed.ics>")
    main(sys.argv[1])
