// Reads the calendar that the host served with a reader that shares no code with ours, and looks for what must be in it.
//
// tests/calendar/run says how it is called. ical.js is looked for in the folder of the calendar.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const folder = resolve(process.argv[2] ?? ".");
const { default: ICAL } = await import(pathToFileURL(createRequire(`${folder}/`).resolve("ical.js")));

ICAL.design.strict = true;
const expected = JSON.parse(readFileSync(`${folder}/expected.json`, "utf8"));
const calendar = new ICAL.Component(ICAL.parse(readFileSync(`${folder}/feed.ics`, "utf8")));
assert.equal(calendar.getFirstPropertyValue("version"), "2.0");
assert.equal(calendar.getFirstPropertyValue("name"), expected.name);
assert.equal(calendar.getFirstPropertyValue("refresh-interval").toSeconds(), 900);

const events = calendar.getAllSubcomponents("vevent").map((component) => new ICAL.Event(component));
assert.equal(events.length, expected.events.length);
const instant = (text) => new Date(text).toISOString();
for (const [index, wanted] of expected.events.entries()) {
  const found = events[index];
  assert.equal(found.uid, wanted.uid);
  assert.equal(found.sequence, wanted.sequence);
  assert.equal(found.component.getFirstPropertyValue("status"), wanted.status);
  assert.equal(found.startDate.toJSDate().toISOString(), instant(wanted.start));
  assert.equal(found.endDate.toJSDate().toISOString(), instant(wanted.end));
  assert.equal(found.summary, wanted.summary);
  for (const part of wanted.description) {
    assert.ok(found.description.includes(part), `DESCRIPTION lacks ${JSON.stringify(part)}`);
  }
}
console.log(`${folder}/feed.ics: ${events.length} events, valid for ical.js (JavaScript)`);
