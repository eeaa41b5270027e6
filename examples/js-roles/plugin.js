// One component that plays all three roles of a flow. A role is an object of the contract's functions (wit/roles.wit); the
// names of its functions and fields are those of the contract in camelCase.

// --- The qualification script: greets, and takes the first answer to a colleague.

function shown({ content }) {
  if (content.tag === "text") return content.val;
  return content.tag === "choice" ? content.val.title : "(no text)";
}

export const qualification = {
  configure(_config) {},

  advance(_context, lead, state, event) {
    if (event.tag === "lead-received") {
      const template = { name: "hello", parameters: [(lead.name ?? "").trim().split(/\s+/)[0]] };
      return { actions: [{ tag: "send-template", val: { template, purpose: "outreach", afterSeconds: 0 } }] };
    }
    if (event.tag === "message-received") {
      const text = "Thank you. A colleague will call you.";
      return {
        actions: [
          { tag: "send", val: { text, purpose: "answer", afterSeconds: 0 } },
          { tag: "summarise", val: `Wrote: ${event.val.map(shown).join(" ")}` },
          { tag: "conclude", val: { outcome: "no-outcome", reason: "CALL_BACK" } },
        ],
      };
    }
    return { actions: [], state };
  },
};

// --- The CRM mapping: this CRM calls things `ref` and `person`.

export const crmMapping = {
  configure(_config) {},

  leadFromCrm(payload) {
    const contact = JSON.parse(payload);
    // What is thrown is the error of the contract: here a list of problems, which goes back to the CRM.
    const missing = ["ref", "phone_number"].filter((field) => typeof contact?.[field] !== "string");
    if (missing.length > 0) throw missing.map((at) => ({ at, what: "is missing; write a text" }));
    const names = [contact.person?.first, contact.person?.last].filter((name) => typeof name === "string");
    return {
      crmId: contact.ref,
      phoneNumber: contact.phone_number,
      name: names.length > 0 ? names.join(" ") : undefined,
      context: "null",
    };
  },

  callbackForCrm(_context, lead, update) {
    const status = update.status.toUpperCase().replaceAll("-", "_");
    return JSON.stringify({
      ref: lead.crmId,
      status,
      call_at: update.meeting?.start ?? null,
      note: update.summary ?? null,
    });
  },
};

// --- The status actions: the CRM hears of answers and ends, not of ticks.

export const statusActions = {
  configure(_config) {},

  react(_context, _lead, occasion) {
    if (occasion.tag !== "status-reached") return [];
    const tell = { tag: "callback", val: "crm" };
    switch (occasion.val.status) {
      case "first-message-delivered":
      case "first-message-read":
        return [];
      case "opt-out":
        return [{ tag: "suppress-contact" }, tell];
      default:
        return [tell];
    }
  },
};
