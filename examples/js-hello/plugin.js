// A first qualification script: greet, ask what the person needs, offer the first free slot, book it.
// A role is an object of the contract's functions (wit/roles.wit). A variant is { tag, val }; what is not there is undefined.

import { freeSlots } from "relais:flow/host@0.1.0";

const send = (text, choices) => ({ tag: "send", val: { text, choices, purpose: "answer", afterSeconds: 0 } });

/** Turns that need a human. */
const handOver = (reason) => ({
  actions: [send("A colleague will write to you."), { tag: "hand-over", val: reason }],
});

/** What the person wrote, or the title of the button that they chose. */
function said(messages) {
  const { content } = messages[messages.length - 1];
  if (content.tag === "text") return content.val;
  if (content.tag === "choice") return content.val.title;
  return "";
}

export const qualification = {
  /** Called once, when the version is activated; what it leaves in memory is kept. Throw a list of problems to refuse. */
  configure(_config) {},

  /** One turn. `state` is JSON, as the last turn left it: the step "need", or the slot that was offered. */
  advance(context, lead, state, event) {
    const step = state === undefined ? "" : JSON.parse(state);
    switch (event.tag) {
      case "lead-received": {
        const firstName = (lead.name ?? "").trim().split(/\s+/)[0];
        const template = { name: "hello", parameters: [firstName] };
        return { actions: [{ tag: "send-template", val: { template, purpose: "outreach", afterSeconds: 0 } }] };
      }
      case "message-received":
        return answer(context, step, said(event.val));
      case "meeting-booked":
        return { actions: [send("It is booked. See you then!")], state };
      case "slot-taken":
        return handOver("the slot was taken");
      default:
        return { actions: [], state };
    }
  },
};

function answer(context, step, text) {
  if (step === "") return { actions: [send("Thanks! What are you looking for?")], state: '"need"' };
  if (step === "need") {
    const [slot] = freeSlots(context.now, "2999-01-01T00:00:00Z", 1);
    if (slot === undefined) return handOver("no free slot");
    const buttons = [
      { id: "yes", title: "Yes" },
      { id: "no", title: "No" },
    ];
    return {
      actions: [
        { tag: "summarise", val: `Looking for: ${text}` },
        send(`The first free time is ${slot.start}. Shall I book it?`, { tag: "buttons", val: buttons }),
      ],
      state: JSON.stringify(slot.start),
    };
  }
  if (!/^yes\b/i.test(text.trim())) return handOver("another time is wanted");
  return { actions: [{ tag: "book", val: { start: step } }], state: JSON.stringify(step) };
}
