package env

import "slices"

// reasonOOM is the word of a place for a kill for want of memory.
const reasonOOM = "OOMKilled"

// taking are the words of a cluster for what it does to an actor for reasons of its own: a
// node short of something, a node that goes, somebody more important.
var taking = []string{
	"Evicted", "Preempted", "Preempting", "PreemptionByScheduler", "NodeShutdown", "NodeLost",
	"DeletionByTaintManager", "DeletionByPodGC", "EvictionByEvictionAPI", "TerminationByKubelet",
	"TerminationByNodeShutdown",
}

// ForMemory is whether it was killed for want of memory; nil where that cannot be known.
func (s State) ForMemory() *bool {
	if s.OOMKilled == nil && s.Reason == reasonOOM {
		return new(true)
	}
	return s.OOMKilled
}

// Taken is whether its place took it away for reasons of the place's own: neither a limit
// of the actor's nor anything that it did.
func (s State) Taken() bool {
	return !s.Running && slices.Contains(taking, s.Reason)
}
