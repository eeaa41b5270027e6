// A first qualification script: greet, ask what the person needs, offer the first free slot, book it.
//
// `relais plugin build` makes the packages relais_flow_* out of the contract (wit/roles.wit) and puts this file beside them.
package export_relais_flow_qualification

import (
	"encoding/json"
	"strings"

	"wit_component/relais_flow_host"
	flow "wit_component/relais_flow_qualification"
	types "wit_component/relais_flow_types"

	wit "go.bytecodealliance.org/pkg/wit/types"
)

type answered = wit.Result[flow.Turn, flow.Fault]

// Configure is called once, when the version is activated; what it leaves in memory is kept. Problems refuse the version.
func Configure(config string) wit.Result[wit.Unit, []flow.Problem] {
	return wit.Ok[wit.Unit, []flow.Problem](wit.Unit{})
}

// Advance is one turn. The state is JSON, as the last turn left it: the step "need", or the slot that was offered.
func Advance(context flow.Context, lead flow.Lead, state wit.Option[string], event flow.Event) answered {
	step := ""
	if err := json.Unmarshal([]byte(state.SomeOr(`""`)), &step); err != nil {
		return wit.Err[flow.Turn](types.MakeFaultReject(err.Error()))
	}
	switch event.Tag() {
	case flow.EventLeadReceived:
		firstName, _, _ := strings.Cut(lead.Name.SomeOr(""), " ")
		template := types.TemplateCall{Name: "hello", Parameters: []string{firstName}}
		greet := flow.SendTemplate{Template: template, Purpose: types.PurposeOutreach}
		return turn(wit.None[string](), flow.MakeActionSendTemplate(greet))
	case flow.EventMessageReceived:
		return answer(context, step, said(event.MessageReceived()))
	case flow.EventMeetingBooked:
		return turn(state, send("It is booked. See you then!"))
	case flow.EventSlotTaken:
		return handOver("the slot was taken")
	}
	return turn(state)
}

func answer(context flow.Context, step, text string) answered {
	switch {
	case step == "":
		return turn(keep("need"), send("Thanks! What are you looking for?"))
	case step == "need":
		slots := relais_flow_host.FreeSlots(context.Now, "2999-01-01T00:00:00Z", 1)
		if len(slots) == 0 {
			return handOver("no free slot")
		}
		start := slots[0].Start
		question := flow.Send{
			Text:    "The first free time is " + start + ". Shall I book it?",
			Choices: wit.Some(flow.MakeChoicesButtons([]types.Choice{{Id: "yes", Title: "Yes"}, {Id: "no", Title: "No"}})),
			Purpose: types.PurposeAnswer,
		}
		return turn(keep(start), flow.MakeActionSummarise("Looking for: "+text), flow.MakeActionSend(question))
	case strings.HasPrefix(strings.ToLower(strings.TrimSpace(text)), "yes"):
		return turn(keep(step), flow.MakeActionBook(flow.Booking{Start: step}))
	}
	return handOver("another time is wanted")
}

// What the person wrote, or the title of the button that they chose.
func said(messages []flow.Message) string {
	content := messages[len(messages)-1].Content
	switch content.Tag() {
	case types.ContentText:
		return content.Text()
	case types.ContentChoice:
		return content.Choice().Title
	}
	return ""
}

func turn(state wit.Option[string], actions ...flow.Action) answered {
	return wit.Ok[flow.Turn, flow.Fault](flow.Turn{State: state, Actions: actions})
}

func keep(step string) wit.Option[string] {
	text, _ := json.Marshal(step)
	return wit.Some(string(text))
}

func send(text string) flow.Action {
	return flow.MakeActionSend(flow.Send{Text: text, Purpose: types.PurposeAnswer})
}

func handOver(reason string) answered {
	return turn(wit.None[string](), send("A colleague will write to you."), flow.MakeActionHandOver(reason))
}
