package env

import "strings"

// What State.Reason begins with where the place has something to say of an end that is
// none of its own doing.
const (
	// ReasonRestarted: what ended it is not known, since it ran and ended once more before
	// anybody looked.
	ReasonRestarted = "it was started again"
	// ReasonNotRun: there is nothing that could have run.
	ReasonNotRun = "it could not be run"
	// ReasonDeleted: somebody asked for its end, as a place does that wants fewer of several.
	ReasonDeleted = "its pod was deleted"
)

// Taken is whether the place took it away for reasons of the place's own, such as a node
// that is short of something: neither for a limit of the actor's nor for what it did.
func (s State) Taken() bool {
	return !s.Running && s.Reason != "" && (s.OOMKilled == nil || !*s.OOMKilled) &&
		!strings.HasPrefix(s.Reason, ReasonRestarted) && !strings.HasPrefix(s.Reason, ReasonNotRun)
}

// Deleted is whether somebody asked for its end who is not the tool, and nothing was short.
func (s State) Deleted() bool { return s.Taken() && strings.HasPrefix(s.Reason, ReasonDeleted) }
