"""pywa against a running simulator: it sends, and it verifies and decodes the webhooks that come back.

Usage: pywa_check.py URL [--listen PORT] [--phone-number-id ID] [--token T] [--app-secret S]; see README.md.
"""

import argparse
import http.server
import logging
import queue
import sys
import threading

import httpx
from pywa import WhatsApp, errors, types
from pywa.types.templates import BodyText, HeaderText, QuickReplyButton, TemplateLanguage, URLButton

ANA = "+33612345604"
PATIENCE_S = 10

failures = 0


def check(name, holds, seen=None):
    """Prints the outcome of one check."""
    global failures
    if not holds:
        failures += 1
    print(f"{'ok  ' if holds else 'FAIL'} pywa: {name}" + ("" if holds else f": {seen!r}"), flush=True)


def refused(name, kind, call):
    """Checks that pywa recognises the refusal of `call` as `kind`."""
    try:
        call()
    except kind as error:
        check(name, bool(error.details), error)
    except Exception as error:  # noqa: BLE001: whatever else it is, it is a failed check
        check(name, False, error)
    else:
        check(name, False, "not refused")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("--listen", type=int, default=9191)
    parser.add_argument("--phone-number-id", default="100000000000001")
    parser.add_argument("--token", default="simulator-token")
    parser.add_argument("--app-secret", default="simulator-app-secret")
    args = parser.parse_args()
    logging.getLogger("pywa").setLevel(logging.ERROR)

    wa = WhatsApp(
        phone_id=args.phone_number_id,
        token=args.token,
        session=httpx.Client(trust_env=False, timeout=PATIENCE_S),
        app_secret=args.app_secret,
        verify_token="unused",
        server=None,
    )
    wa.api._session.base_url = f"{args.url.rstrip('/')}/v25.0"

    updates, signatures = queue.Queue(), []
    keep = lambda _, update: updates.put(update)  # noqa: E731
    wa.on_message(keep)
    wa.on_callback_button(keep)
    wa.on_callback_selection(keep)
    wa.on_message_status(keep)

    class Door(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            signature = self.headers.get("X-Hub-Signature-256")
            problem = wa.webhook_update_validator(body, signature)
            forged = wa.webhook_update_validator(body + b" ", signature)
            signatures.append((problem, forged))
            self.send_response(problem[1] if problem else wa.webhook_update_handler(body)[1])
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", args.listen), Door)
    threading.Thread(target=server.serve_forever, daemon=True).start()

    waiting = []

    def wait(wanted):
        """The first update not yet taken for which `wanted` holds."""
        while True:
            for update in waiting:
                if wanted(update):
                    waiting.remove(update)
                    return update
            try:
                waiting.append(updates.get(timeout=PATIENCE_S))
            except queue.Empty:
                return None

    def statuses_of(wamid, tracker):
        """Checks that the three statuses of a message come, with what was given to recognise it by."""
        for word in ("sent", "delivered", "read"):
            status = wait(
                lambda u: isinstance(u, types.MessageStatus) and u.id == wamid and u.status.value == word
            )
            check(f"status {word} decoded", status is not None and status.tracker == tracker, status)

    # Outside the window only a template goes.
    sent = wa.send_template(
        ANA,
        "intro",
        TemplateLanguage.FRENCH,
        [
            HeaderText.params("Ana"),
            BodyText.params("Ana", "mardi à 10 h"),
            QuickReplyButton.params(callback_data="yes", index=0),
            URLButton.params(url_variable="ana", index=1),
        ],
        tracker="envelope-1",
    )
    check("template sent", sent.id.startswith("wamid."), sent)
    statuses_of(sent.id, "envelope-1")
    tapped = wait(lambda u: isinstance(u, types.CallbackButton))
    check("template button decoded", tapped is not None and (tapped.data, tapped.title) == ("yes", "Oui"), tapped)
    check("it answers the template", tapped is not None and tapped.reply_to_message.id == sent.id, tapped)
    check("its author has a number", tapped is not None and tapped.from_user.wa_id == ANA[1:], tapped)

    sent = wa.send_message(ANA, "Ça va, Zoé ? 🙂 https://example.com", preview_url=True, tracker="envelope-2")
    statuses_of(sent.id, "envelope-2")
    echo = wait(lambda u: isinstance(u, types.Message))
    check("text decoded, accents and emoji included", echo is not None and echo.text == "Ça va, Zoé ? 🙂 https://example.com", echo)
    check("mark as read", wa.mark_message_as_read(echo.id).success)
    check("typing", wa.indicate_typing(echo.id).success)

    wa.send_message(
        ANA,
        "Quand ?",
        header="Rendez-vous",
        footer="Relais",
        buttons=[types.Button("Mardi", callback_data="tue"), types.Button("Jeudi", callback_data="thu")],
        reply_to_message_id=echo.id,
    )
    tapped = wait(lambda u: isinstance(u, types.CallbackButton))
    check("button decoded", tapped is not None and (tapped.data, tapped.title) == ("tue", "Mardi"), tapped)

    rows = [types.SectionRow("10:00", callback_data="s1", description="avec Léa"), types.SectionRow("11:00", callback_data="s2")]
    wa.send_message(ANA, "À quelle heure ?", buttons=types.SectionList("Heures", sections=[types.Section("Mardi", rows=rows)]))
    chosen = wait(lambda u: isinstance(u, types.CallbackSelection))
    check("list choice decoded", chosen is not None and (chosen.data, chosen.title) == ("s1", "10:00"), chosen)
    check("its description too", chosen is not None and chosen.description == "avec Léa", chosen)

    sent = wa.send_message(ANA, "Le plan", buttons=types.URLButton("Voir", url="https://example.com/plan"))
    check("link sent", sent.id.startswith("wamid."), sent)
    sent = wa.send_template(ANA, "reminder", TemplateLanguage.ENGLISH_US, [BodyText.params(name="Ana", day="Tuesday")])
    check("template with named parameters sent", sent.id.startswith("wamid."), sent)
    check("reaction sent", wa.send_reaction(ANA, "👍", message_id=echo.id).id.startswith("wamid."))
    check("location sent", wa.send_location(ANA, latitude=48.85, longitude=2.35, name="Paris").id.startswith("wamid."))

    french = TemplateLanguage.FRENCH
    refused("one parameter too few", errors.TemplateParamCountMismatch, lambda: wa.send_template(
        ANA, "intro", french, [HeaderText.params("Ana"), BodyText.params("Ana"), URLButton.params(url_variable="a", index=1)]))
    refused("no such template", errors.TemplateNotExists, lambda: wa.send_template(ANA, "nothing", french, []))
    refused("a title too long", errors.InvalidParameter, lambda: wa.send_message(
        ANA, "?", buttons=[types.Button("a title of more than twenty", callback_data="x")]))
    refused("an empty text", errors.MissingRequiredParameter, lambda: wa.send_message(ANA, " "))
    sent = wa.send_message("+33612345699", "nobody wrote from there")
    status = wait(lambda u: isinstance(u, types.MessageStatus) and u.id == sent.id)
    check("outside the window: accepted, then failed", isinstance(status and status.error, errors.ReEngagementMessage), status)

    check("every webhook is signed", bool(signatures) and all(good is None for good, _ in signatures), signatures[:3])
    check("a changed byte breaks the signature", all(bad is not None for _, bad in signatures), signatures[:3])
    server.shutdown()
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
