package verdict

import "slices"

// A whose says whom a reason is the fault of, in a search for a capacity.
type whose int

// The parties.
const (
	// ofTool is of the tool, the host or the configuration: another trial would say the
	// same, and what it says is not of the gateway's capacity.
	ofTool whose = iota + 1
	// ofPassing is a disturbance: another trial may be free of it.
	ofPassing
	// ofLength: a longer trial would tell.
	ofLength
	// ofGateway is how a gateway looks that takes more than it can: it never excuses a break.
	ofGateway
)

// A charge is whose a reason is. Kills says that even a death of the gateway may be its
// doing; worsens, that it can only make a gateway look worse than it is.
type charge struct {
	of             whose
	kills, worsens bool
}

// charges are of every reason.
var charges = map[Reason]charge{
	CutOff:      {of: ofTool},
	Interrupted: {of: ofTool},
	NotFinished: {of: ofTool},
	NeverBegan:  {of: ofTool},
	EndDied:     {of: ofTool},
	CutShort:    {of: ofTool},
	// A break beside it may be its doing.
	GatewayTaken:     {of: ofTool, kills: true},
	NothingMeasured:  {of: ofTool},
	BookMissing:      {of: ofTool},
	BooksUnbalanced:  {of: ofTool},
	TargetNotReached: {of: ofTool},
	NothingSent:      {of: ofTool},
	GeneratorLate:    {of: ofTool},
	GeneratorCPUFull: {of: ofTool},
	GeneratorUnsent:  {of: ofTool},
	// What was due meanwhile then comes at once.
	GeneratorPaused: {of: ofTool, kills: true},
	// What a backend does not take fills the gateway's memory.
	BackendCPUFull: {of: ofTool, kills: true},
	BackendSlow:    {of: ofTool, kills: true},
	BackendLate:    {of: ofTool, kills: true},
	BackendPaused:  {of: ofTool, kills: true},
	NotSeen:        {of: ofTool},
	ClockStepped:   {of: ofTool},
	// Without the limits that were asked for it is another gateway.
	UsageUnknown:      {of: ofTool, kills: true},
	LimitsNotEnforced: {of: ofTool, kills: true},
	LimitsTooLarge:    {of: ofTool, kills: true},
	// A gateway that waits for a processor holds more, and is killed for it.
	HostFull:    {of: ofTool, kills: true},
	NearCeiling: {of: ofTool},
	// Whether it lost cannot be told of this configuration, at any rate.
	LostOrSampled:   {of: ofTool},
	WrongPrediction: {of: ofTool},

	FewerGateways:  {of: ofPassing, worsens: true},
	UsageSeldom:    {of: ofPassing},
	ClockUnsteady:  {of: ofPassing},
	LimitsExceeded: {of: ofPassing},
	HostBusy:       {of: ofPassing, worsens: true},
	HostSteal:      {of: ofPassing, worsens: true},
	HostPressure:   {of: ofPassing, worsens: true},
	EndsStalled:    {of: ofPassing, worsens: true},

	TooShortToHold:    {of: ofLength},
	TooFewForQuantile: {of: ofLength},
	AssertionUnknown:  {of: ofLength},

	GatewaySilent: {of: ofGateway},
	NotSettled:    {of: ofGateway},
	NotDrained:    {of: ofGateway},
	StillInside:   {of: ofGateway},
	QueueGrew:     {of: ofGateway},
	KillNotTold:   {of: ofGateway},
}

// chargesOf are a verdict's reasons by whose they are. One that is in no table is the
// tool's.
func chargesOf(v Verdict) map[whose][]Reason {
	all := map[whose][]Reason{}
	for _, r := range v.Reasons {
		c, known := charges[r]
		if !known {
			c.of = ofTool
		}
		all[c.of] = append(all[c.of], r)
	}
	return all
}

// roomBeside is the share that may be used of what a critical threshold allows for a trial to
// have held beside a disturbance. Nearer to it a gateway may use less than is critical only
// since it was given less.
const roomBeside = 0.9

// hadRoom is whether a trial in which nothing broke held for all that disturbed it.
func (h *Holding) hadRoom(reasons []Reason) bool {
	return h.Used != nil && *h.Used <= roomBeside &&
		!slices.ContainsFunc(reasons, func(r Reason) bool { return !charges[r].worsens })
}

// diedAgainst is whether the gateway died in a way that stands against what else was wrong
// with the trial: none of it can have killed the gateway.
func (s *subject) diedAgainst(reasons []Reason, breaks []Break) bool {
	return slices.ContainsFunc(breaks, Break.died) &&
		!slices.ContainsFunc(reasons, func(r Reason) bool { return charges[r].kills })
}

// died is whether the break is an end of the gateway's process.
func (b Break) died() bool { return b.Check == "gateway" || b.Check == "crash" }

// stands is whether a break is one whatever a passing disturbance did. A busy host makes
// what takes time take longer: CPU, queues and latencies are then also its doing. A
// process that ended and a span that was acknowledged and is gone are counts: what a
// gateway that cannot go on owes its senders is to push back.
func (b Break) stands() bool { return b.died() || b.Check == "loss" }
