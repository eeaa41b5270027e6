// A first qualification script: greet, ask what the person needs, offer the first free slot, book it.
//
// `relais plugin build` makes qualifier.h out of the contract (wit/roles.wit). What a function returns is given to the
// host, which frees it with `free`: texts in an answer are copies. What it got is the function's own to free; this one does
// not, because each turn has a fresh instance.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "qualifier.h"

typedef qualifier_string_t text;
typedef exports_relais_flow_qualification_action_t action;
typedef exports_relais_flow_qualification_turn_t turn;

// A copy of the texts one after the other, up to NULL.
static text join(text a, const char *b, text c, const char *d) {
    size_t lengths[] = {a.len, strlen(b), c.len, strlen(d)};
    text all = {malloc(lengths[0] + lengths[1] + lengths[2] + lengths[3] + 1), 0};
    const void *parts[] = {a.ptr, b, c.ptr, d};
    for (int i = 0; i < 4; i++) {
        if (lengths[i]) memcpy(all.ptr + all.len, parts[i], lengths[i]);
        all.len += lengths[i];
    }
    return all;
}

static const text nothing = {NULL, 0};

static text copy(const char *words) { return join(nothing, words, nothing, ""); }

// Puts one more action into the turn; the contract allows 50.
static action *add(turn *t, uint8_t tag) {
    t->actions.ptr = realloc(t->actions.ptr, (t->actions.len + 1) * sizeof(action));
    action *added = &t->actions.ptr[t->actions.len++];
    memset(added, 0, sizeof *added);
    added->tag = tag;
    return added;
}

static exports_relais_flow_qualification_send_t *say(turn *t, text words) {
    action *send = add(t, EXPORTS_RELAIS_FLOW_QUALIFICATION_ACTION_SEND);
    send->val.send.text = words;
    send->val.send.purpose = RELAIS_FLOW_TYPES_PURPOSE_ANSWER;
    return &send->val.send;
}

static void hand_over(turn *t, const char *reason) {
    t->state.is_some = false;
    say(t, copy("A colleague will write to you."));
    add(t, EXPORTS_RELAIS_FLOW_QUALIFICATION_ACTION_HAND_OVER)->val.hand_over = copy(reason);
}

// The state is a JSON text without anything to escape: the step "need", or the slot that was offered.
static void keep(turn *t, text state) {
    t->state.is_some = true;
    t->state.val = join(copy("\""), "", state, "\"");
}

// What the person wrote, or the title of the button that they chose.
static text said(exports_relais_flow_qualification_list_message_t *messages) {
    relais_flow_types_content_t *content = &messages->ptr[messages->len - 1].content;
    if (content->tag == RELAIS_FLOW_TYPES_CONTENT_TEXT) return content->val.text;
    if (content->tag == RELAIS_FLOW_TYPES_CONTENT_CHOICE) return content->val.choice.title;
    return nothing;
}

static void offer(turn *t, relais_flow_types_context_t *context, text need) {
    text end;
    qualifier_string_set(&end, "2999-01-01T00:00:00Z");
    relais_flow_host_list_slot_t slots;
    relais_flow_host_free_slots(&context->now, &end, 1, &slots);
    if (slots.len == 0) {
        hand_over(t, "no free slot");
        return;
    }
    text start = slots.ptr[0].start;
    add(t, EXPORTS_RELAIS_FLOW_QUALIFICATION_ACTION_SUMMARISE)->val.summarise = join(copy("Looking for: "), "", need, "");
    exports_relais_flow_qualification_send_t *send =
        say(t, join(copy("The first free time is "), "", start, ". Shall I book it?"));
    send->choices.is_some = true;
    send->choices.val.tag = EXPORTS_RELAIS_FLOW_QUALIFICATION_CHOICES_BUTTONS;
    relais_flow_types_choice_t *buttons = malloc(2 * sizeof *buttons);
    buttons[0] = (relais_flow_types_choice_t){copy("yes"), copy("Yes")};
    buttons[1] = (relais_flow_types_choice_t){copy("no"), copy("No")};
    send->choices.val.val.buttons.ptr = buttons;
    send->choices.val.val.buttons.len = 2;
    keep(t, start);
}

static void answer(turn *t, relais_flow_types_context_t *context, text *state, text words) {
    if (state == NULL) {
        say(t, copy("Thanks! What are you looking for?"));
        keep(t, copy("need"));
        return;
    }
    text step = {state->ptr + 1, state->len - 2};
    if (step.len == 4 && memcmp(step.ptr, "need", 4) == 0) {
        offer(t, context, words);
    } else if (words.len >= 3 && strncasecmp((char *)words.ptr, "yes", 3) == 0) {
        action *book = add(t, EXPORTS_RELAIS_FLOW_QUALIFICATION_ACTION_BOOK);
        book->val.book.start = join(step, "", nothing, "");
        keep(t, step);
    } else {
        hand_over(t, "another time is wanted");
    }
}

// Called once, when the version is activated; what it leaves in memory is kept. `false` and problems refuse the version.
bool exports_relais_flow_qualification_configure(text *config, exports_relais_flow_qualification_list_problem_t *problems) {
    (void)config, (void)problems;
    return true;
}

// One turn; true when `t` is the answer, false when `fault` is.
bool exports_relais_flow_qualification_advance(
    relais_flow_types_context_t *context, relais_flow_types_lead_t *lead, text *state,
    exports_relais_flow_qualification_event_t *event, turn *t, relais_flow_types_fault_t *fault) {
    (void)fault;
    memset(t, 0, sizeof *t);
    if (state) {
        t->state.is_some = true;
        t->state.val = join(*state, "", nothing, "");
    }
    switch (event->tag) {
    case EXPORTS_RELAIS_FLOW_QUALIFICATION_EVENT_LEAD_RECEIVED: {
        text name = lead->name.is_some ? lead->name.val : nothing;
        text first = {name.ptr, 0};
        while (first.len < name.len && name.ptr[first.len] != ' ') first.len++;
        action *greet = add(t, EXPORTS_RELAIS_FLOW_QUALIFICATION_ACTION_SEND_TEMPLATE);
        greet->val.send_template.template_.name = copy("hello");
        greet->val.send_template.template_.parameters.ptr = malloc(sizeof(text));
        greet->val.send_template.template_.parameters.ptr[0] = join(first, "", nothing, "");
        greet->val.send_template.template_.parameters.len = 1;
        greet->val.send_template.purpose = RELAIS_FLOW_TYPES_PURPOSE_OUTREACH;
        break;
    }
    case EXPORTS_RELAIS_FLOW_QUALIFICATION_EVENT_MESSAGE_RECEIVED:
        answer(t, context, state, said(&event->val.message_received));
        break;
    case EXPORTS_RELAIS_FLOW_QUALIFICATION_EVENT_MEETING_BOOKED:
        say(t, copy("It is booked. See you then!"));
        break;
    case EXPORTS_RELAIS_FLOW_QUALIFICATION_EVENT_SLOT_TAKEN:
        hand_over(t, "the slot was taken");
        break;
    }
    return true;
}
