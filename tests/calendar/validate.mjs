// Reads the sample feed with a reader that shares no code with ours and compares what it finds.
//
//     FEED_OUT=/tmp/feed.ics cargo test -p relais --lib the_feed_is_what_rfc_5545_asks_for
//     npm install --no-save ical.js@2.2.1 && node tests/calendar/validate.mjs /tmp/feed.ics
//
// ical.js is looked for from the folder that this is run in.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const { resolve } = createRequire(`${process.cwd()}/`);
const { default: ICAL } = await import(pathToFileURL(resolve("ical.js")));

const [path] = process.argv.slice(2);
if (!path) {
  console.error("usage: validate.mjs <feed.ics>");
  process.exit(2);
}

ICAL.design.strict = true;
const calendar = new ICAL.Component(ICAL.parse(readFileSync(path, "utf8")));
assert.equal(calendar.getFirstPropertyValue("version"), "2.0");
assert.equal(calendar.getFirstPropertyValue("name"), "Rendez-vous, Acme; Solaire");
assert.equal(calendar.getFirstPropertyValue("refresh-interval").toSeconds(), 900);

const events = calendar.getAllSubcomponents("vevent").map((component) => new ICAL.Event(component));
assert.equal(events.length, 2);
const [moved, cancelled] = events;
assert.equal(moved.uid, "cv_01K70000000000000000000001");
assert.equal(moved.sequence, 2);
assert.equal(moved.component.getFirstPropertyValue("status"), "CONFIRMED");
assert.equal(moved.startDate.toJSDate().toISOString(), "2025-10-15T12:00:00.000Z");
assert.equal(moved.endDate.toJSDate().toISOString(), "2025-10-15T12:30:00.000Z");
assert.equal(moved.summary, "RDV – Zoé “Z” Martin, née Lefèvre; BEGIN:VEVENT");
for (const part of [
  "Entreprise : Dupont, Fils; & Cie\nTéléphone : +33612345604\n",
  "Résumé :\nProspect intéressé par l'offre, prix demandé.\n",
  `🗨️ RÉSUMÉ DE CONVERSATION\n\n${"=".repeat(37)}\n`,
  '👤 Client: a;b,c\\n \\ "d" 👩‍👩‍👧\n',
  "Après-midi, vers 14h30 ; ça ira… ".repeat(40).trim(),
]) {
  assert.ok(moved.description.includes(part), `DESCRIPTION lacks ${JSON.stringify(part)}`);
}

assert.equal(cancelled.uid, "cv_01K70000000000000000000002");
assert.equal(cancelled.sequence, 1);
assert.equal(cancelled.component.getFirstPropertyValue("status"), "CANCELLED");
assert.equal(cancelled.startDate.toJSDate().toISOString(), "2025-10-26T00:30:00.000Z");
assert.equal(cancelled.summary, "RDV – Prospect A12");
console.log(`${path}: valid for ical.js (JavaScript)`);
