// @kapso/whatsapp-cloud-api against a running simulator: it sends, verifies the signatures of the webhooks and normalises them.
// Usage: kapso_check.mjs URL [--listen PORT] [--phone-number-id ID] [--waba ID] [--token T] [--app-secret S]; see README.md.

import { createServer } from "node:http";
import { parseArgs } from "node:util";
import { WhatsAppClient, buildTemplateSendPayload } from "@kapso/whatsapp-cloud-api";
import { normalizeWebhook, verifySignature } from "@kapso/whatsapp-cloud-api/server";

const ANA = "+33612345605";
const PATIENCE_MS = 10_000;

const text = (fallback) => ({ type: "string", default: fallback });
const { values: args, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    listen: text("9191"),
    "phone-number-id": text("100000000000001"),
    waba: text("200000000000001"),
    token: text("simulator-token"),
    "app-secret": text("simulator-app-secret"),
  },
});
const [url] = positionals;
if (!url) {
  console.error("give the simulator's address, such as http://127.0.0.1:9090");
  process.exit(2);
}

let failures = 0;
function check(name, holds, seen) {
  if (!holds) failures += 1;
  console.log(`${holds ? "ok  " : "FAIL"} kapso: ${name}${holds ? "" : `: ${JSON.stringify(seen)}`}`);
}

const appSecret = args["app-secret"];
const signatures = [];
const waiting = [];
let arrived = () => {};

const server = createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const rawBody = Buffer.concat(chunks);
  const signatureHeader = request.headers["x-hub-signature-256"];
  signatures.push({
    good: verifySignature({ appSecret, rawBody, signatureHeader }),
    forged: verifySignature({ appSecret, rawBody: Buffer.concat([rawBody, Buffer.from(" ")]), signatureHeader }),
  });
  const events = normalizeWebhook(JSON.parse(rawBody.toString("utf8")));
  waiting.push(...events.messages.map((message) => ({ message, contacts: events.contacts })));
  waiting.push(...events.statuses.map((status) => ({ status })));
  response.writeHead(200).end();
  arrived();
});
await new Promise((listening) => server.listen(Number(args.listen), "127.0.0.1", listening));

/** The first update not yet taken for which `wanted` holds. */
async function wait(wanted) {
  const end = Date.now() + PATIENCE_MS;
  for (;;) {
    const index = waiting.findIndex(wanted);
    if (index >= 0) return waiting.splice(index, 1)[0];
    const left = end - Date.now();
    if (left <= 0) return undefined;
    await new Promise((go) => {
      const timer = setTimeout(go, left);
      arrived = () => (clearTimeout(timer), go());
    });
  }
}

async function statusesOf(id, callbackData) {
  for (const word of ["sent", "delivered", "read"]) {
    const update = await wait(({ status }) => status?.id === id && status.status === word);
    check(`status ${word} normalised`, update?.status.bizOpaqueCallbackData === callbackData, update);
  }
}

async function refused(name, code, call) {
  try {
    await call();
    check(name, false, "not refused");
  } catch (error) {
    check(name, error.code === code && Boolean(error.details), { code: error.code, message: error.message });
  }
}

const client = new WhatsAppClient({ baseUrl: url, accessToken: args.token, graphVersion: "v25.0" });
const phoneNumberId = args["phone-number-id"];
const to = ANA;
const base = { phoneNumberId, to };

const words = (...values) => values.map((value) => ({ type: "text", text: value }));
const intro = (...body) =>
  buildTemplateSendPayload({
    name: "intro",
    language: "fr",
    header: { type: "text", text: "Ana" },
    body: words(...body),
    buttons: [
      { type: "button", subType: "quick_reply", index: 0, parameters: [{ type: "payload", payload: "yes" }] },
      { type: "button", subType: "url", index: 1, parameters: [{ type: "text", text: "ana" }] },
    ],
  });

let sent = await client.messages.sendTemplate({
  ...base,
  template: intro("Ana", "mardi à 10 h"),
  bizOpaqueCallbackData: "envelope-1",
});
check("template sent", sent.messages?.[0]?.id?.startsWith("wamid."), sent);
check("its recipient is told", sent.contacts?.[0]?.waId === ANA.slice(1), sent);
await statusesOf(sent.messages[0].id, "envelope-1");
let update = await wait(({ message }) => message?.type === "button");
check("template button normalised", update?.message.button?.payload === "yes" && update.message.button.text === "Oui", update);
check("it answers the template", update?.message.context?.id === sent.messages[0].id, update);
check("it is inbound", update?.message.kapso?.direction === "inbound", update);
check("its author has a number and a user id", update?.contacts[0]?.waId === ANA.slice(1) && Boolean(update.message.fromUserId), update);

sent = await client.messages.sendText({ ...base, body: "Ça va, Zoé ? 🙂", bizOpaqueCallbackData: "envelope-2" });
await statusesOf(sent.messages[0].id, "envelope-2");
update = await wait(({ message }) => message?.type === "text");
check("text normalised, accents and emoji included", update?.message.text?.body === "Ça va, Zoé ? 🙂", update);
const messageId = update.message.id;
const read = await client.messages.markRead({ phoneNumberId, messageId, typingIndicator: { type: "text" } });
check("mark as read, with typing", read.success === true, read);

await client.messages.sendInteractiveButtons({
  ...base,
  bodyText: "Quand ?",
  footerText: "Relais",
  buttons: [{ id: "tue", title: "Mardi" }, { id: "thu", title: "Jeudi" }],
});
update = await wait(({ message }) => message?.interactive?.type === "button_reply");
check("button normalised", update?.message.interactive.buttonReply?.id === "tue", update);

await client.messages.sendInteractiveList({
  ...base,
  bodyText: "À quelle heure ?",
  buttonText: "Heures",
  sections: [{ title: "Mardi", rows: [{ id: "s1", title: "10:00", description: "avec Léa" }, { id: "s2", title: "11:00" }] }],
});
update = await wait(({ message }) => message?.interactive?.type === "list_reply");
const choice = update?.message.interactive.listReply;
check("list choice normalised", choice?.id === "s1" && choice.description === "avec Léa", update);

sent = await client.messages.sendInteractiveCtaUrl({
  ...base,
  bodyText: "Le plan",
  parameters: { displayText: "Voir", url: "https://example.com/plan" },
});
check("link sent", sent.messages?.[0]?.id?.startsWith("wamid."), sent);

const listed = await client.templates.list({ businessAccountId: args.waba });
check("templates listed", listed.data?.some((template) => template.name === "intro" && template.status === "APPROVED"), listed);

await refused("one parameter too few", 132000, () => client.messages.sendTemplate({ ...base, template: intro("Ana") }));
const missing = buildTemplateSendPayload({ name: "nothing", language: "fr" });
await refused("no such template", 132001, () => client.messages.sendTemplate({ ...base, template: missing }));
await refused("a line break in a parameter", 132018, () => client.messages.sendTemplate({ ...base, template: intro("Ana", "a\nb") }));
await refused("a text too long", 131009, () => client.messages.sendText({ ...base, body: "x".repeat(4097) }));
const stranger = new WhatsAppClient({ baseUrl: url, accessToken: "wrong", graphVersion: "v25.0" });
try {
  await stranger.messages.sendText({ ...base, body: "x" });
  check("a wrong token", false, "not refused");
} catch (error) {
  check("a wrong token", error.isAuthError?.() === true, { code: error.code });
}

sent = await client.messages.sendText({ phoneNumberId, to: "+33612345698", body: "nobody wrote from there" });
update = await wait(({ status }) => status?.id === sent.messages[0].id);
check("outside the window: accepted, then failed", update?.status.errors?.[0]?.code === 131047, update);

check("every signature verified", signatures.length > 0 && signatures.every(({ good }) => good), signatures.slice(0, 3));
check("a changed byte breaks the signature", signatures.every(({ forged }) => !forged), signatures.slice(0, 3));
server.close();
server.closeAllConnections();
process.exitCode = failures ? 1 : 0;
