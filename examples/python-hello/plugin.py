"""A first qualification script: greet, ask what the person needs, offer the first free slot, book it.

A role is a class named as in the contract (wit/roles.wit); `relais plugin build` puts the module `wit_world` into build/.
"""

import json

from wit_world import exports
from wit_world.exports import qualification as q
from wit_world.imports import host
from wit_world.imports.types import Choice, Content_Choice, Content_Text, Purpose, TemplateCall


class Qualification(exports.Qualification):
    def configure(self, config):
        """Called once, when the version is activated; what it leaves in memory is kept. `raise Err([Problem(…)])` refuses."""

    def advance(self, context, lead, state, event):
        """One turn. `state` is JSON, as the last turn left it: the step "need", or the slot that was offered."""
        step = "" if state is None else json.loads(state)
        match event:
            case q.Event_LeadReceived():
                first_name = next(iter((lead.name or "").split()), "")
                template = TemplateCall("hello", [first_name])
                return q.Turn(None, [q.Action_SendTemplate(q.SendTemplate(template, Purpose.OUTREACH, 0))])
            case q.Event_MessageReceived(messages):
                return answer(context, step, said(messages))
            case q.Event_MeetingBooked():
                return q.Turn(state, [send("It is booked. See you then!")])
            case q.Event_SlotTaken():
                return hand_over("the slot was taken")
            case _:
                return q.Turn(state, [])


def answer(context, step, text):
    if step == "":
        return q.Turn('"need"', [send("Thanks! What are you looking for?")])
    if step == "need":
        slots = host.free_slots(context.now, "2999-01-01T00:00:00Z", 1)
        if not slots:
            return hand_over("no free slot")
        start = slots[0].start
        buttons = q.Choices_Buttons([Choice("yes", "Yes"), Choice("no", "No")])
        return q.Turn(
            json.dumps(start),
            [
                q.Action_Summarise(f"Looking for: {text}"),
                send(f"The first free time is {start}. Shall I book it?", buttons),
            ],
        )
    if not text.strip().lower().startswith("yes"):
        return hand_over("another time is wanted")
    return q.Turn(json.dumps(step), [q.Action_Book(q.Booking(step, None))])


def said(messages):
    """What the person wrote, or the title of the button that they chose."""
    match messages[-1].content:
        case Content_Text(text):
            return text
        case Content_Choice(choice):
            return choice.title
    return ""


def send(text, choices=None):
    return q.Action_Send(q.Send(text, choices, None, Purpose.ANSWER, 0))


def hand_over(reason):
    return q.Turn(None, [send("A colleague will write to you."), q.Action_HandOver(reason)])
