package verdict

import (
	"fmt"
	"slices"

	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// reasonTable is every reason there is. The thresholds are those that the checks use.
var reasonTable = slices.Concat(endReasons, loadReasons, backendReasons, seenReasons,
	placeReasons, answerReasons)

// endReasons are of a trial that did not go to its end.
var endReasons = []ReasonEntry{
	{
		CutOff, "completed", Unusable, "no `raw/ending.json`",
		"the tool was killed: what became of the load is not known",
		"run it again; see `logs/test.log` for how far it came",
	},
	{
		Interrupted, "completed", Unusable, "SIGINT or SIGTERM came",
		"the load ended before its time", "run it again",
	},
	{
		NotFinished, "completed", Unusable, "an error of the tool's own",
		"something of ours failed while the trial ran", "see the error, and `logs/test.log`",
	},
	{
		NeverBegan, "completed", Unusable, "no start of the load",
		"nothing was sent", "see `logs/loadgen-logs.txt`",
	},
	{
		EndDied, "completed", Unusable, "an exit code other than 0, or any end of the backend",
		"the load generator or the backend ended by itself",
		"see its log; `dmesg` tells of a kill for want of memory",
	},
	{
		CutShort, "completed", Unusable, "the load ended while the gateway ran",
		"the load ended before its time", "see the reason given, and `logs/test.log`",
	},
	{
		GatewayTaken, "gateway", Unusable, "the cluster evicted or preempted it, or took its node away",
		"the gateway ended for a reason that is none of its own",
		"see the events of its pod; run it where nothing presses on the node",
	},
	{
		NothingMeasured, "schedule", Unusable, "no measured time, or no span due in it",
		"the trial ended in its warm-up", "run it again; a shorter `timing.warm_up` helps",
	},
	{
		BookMissing, "schedule, ledger", Unusable, "one of the two books is missing",
		"what became of the spans is not known", "see `logs/loadgen-logs.txt`, `logs/backend-logs.txt`",
	},
	{
		BooksUnbalanced, "ledger", Unusable, "any sum that differs, any impossible span",
		"a book is wrong, and with it every count",
		"this is an error of the tool: report it with the record",
	},
}

// loadReasons are of a load generator that did not do its part.
var loadReasons = []ReasonEntry{
	{
		TargetNotReached, "schedule", Unusable,
		fmt.Sprintf("constant load: less than %s of the target became due, by more than one request",
			Percent(reachedShare)),
		"another load was asked than the scenario's", "see `logs/loadgen-logs.txt`",
	},
	{
		NothingSent, "pacing", Unusable, "no measured slot was sent",
		"how late the load generator was is not known", "see `logs/loadgen-logs.txt`",
	},
	{
		GeneratorCPUFull, "pacing", Unusable,
		fmt.Sprintf("late (p99 above %s) or unsent (above %s of the spans due), and its CPU full: %s "+
			"of its cores in %s of the 5 s windows, or held back by its limit in %s of the periods",
			Seconds(lateSeconds), Percent(unsentNoise), Percent(fullCPU), Percent(fullShare),
			Percent(throttledShare)),
		"the load generator wanted for CPU: load and latency are its own",
		"give it more CPU (`load.cpu_limit`), or ask for a lower rate",
	},
	{
		GeneratorLate, "pacing", Unusable,
		fmt.Sprintf("p99 of lateness above %s, with a worker free in half of the seconds in which it "+
			"was late", Seconds(lateSeconds)),
		"spans were sent after they were due, and the gateway was not the cause",
		"see what else ran on the machine; ask for a lower rate",
	},
	{
		GeneratorUnsent, "pacing", Unusable,
		fmt.Sprintf("more than %s of the spans due unsent, though the answers came too fast to have "+
			"kept all workers waiting", Percent(unsentNoise)),
		"less was sent than asked, and the gateway was not the cause",
		"see what else ran on the machine; ask for a lower rate",
	},
	{
		GeneratorPaused, "paused", Unusable, pausedThreshold,
		"the load stood still and then came at once", pausedDo,
	},
}

const pausedDo = "see what stopped it: a debugger, a frozen cgroup, a suspended machine"

var pausedThreshold = fmt.Sprintf("it used no CPU at all for %s, from one look to another",
	Seconds(pausedSeconds))

// backendReasons are of a backend that did not do its part.
var backendReasons = []ReasonEntry{
	{
		BackendCPUFull, "backend", Unusable,
		fmt.Sprintf("%s of its cores in %s of the 5 s windows, or held back by a limit in %s of the "+
			"periods", Percent(fullCPU), Percent(fullShare), Percent(throttledShare)),
		"the backend, and not the gateway, was the bottleneck",
		"give the machine more cores, or ask for a lower rate",
	},
	{
		BackendSlow, "backend", Unusable,
		fmt.Sprintf("requests stayed in it for %s beyond the delay it was told, on average",
			Seconds(backendSeconds)),
		"the backend was slower than the gateway", "see what else ran on the machine",
	},
	{
		BackendLate, "backend", Unusable,
		fmt.Sprintf("more than %s of its answers were given %s after they were to be",
			Percent(lateAnswers), Seconds(scenario.LateAnswer.Seconds())),
		"the gateway waited for a backend that was late by itself",
		"see what else ran on the machine",
	},
	{
		BackendPaused, "paused", Unusable, pausedThreshold,
		"the gateway's queue and its memory are those of an outage", pausedDo,
	},
}

// seenReasons are of what was not seen, or seen by a wrong clock.
var seenReasons = []ReasonEntry{
	{
		NotSeen, "looks", Unusable,
		fmt.Sprintf("%s of the measured seconds without a look, or %s at a stretch (of the gateway: "+
			"at its usage)", Percent(gapShare), Seconds(gapSeconds)),
		"what happened meanwhile is not known", "see what else ran on the machine",
	},
	{
		FewerGateways, checkBalance, Degraded,
		"the cluster evicted or preempted one of several, or took its node away, and others went on",
		"for a time fewer gateways than were asked carried the load",
		"see the events of its pod; run it where nothing presses on the node",
	},
	{
		GatewaySilent, "looks", Degraded,
		fmt.Sprintf("%s of the measured seconds without the gateway's own metrics, or %s at a stretch",
			Percent(gapShare), Seconds(gapSeconds)),
		"queue, batches and refusals were not seen all the time; usage was",
		"a gateway short of CPU does not answer: give it more, or ask for less",
	},
	{
		ClockStepped, "clock", Unusable,
		fmt.Sprintf("the wall clock moved by more than %s against the monotonic one, or the clock of "+
			"an end elsewhere against the tool's, from the start of the load to the end of the drain",
			Seconds(clockVoid)),
		"a latency is the difference of two processes' wall clocks: all of them are wrong by as much",
		"let the machine's clock settle first (`chronyc tracking`), and slew rather than step",
	},
	{
		ClockUnsteady, "clock", Degraded,
		fmt.Sprintf("one of them moved by more than %s", Seconds(clockReserve)),
		"latencies are wrong by as much", "as for clock-stepped",
	},
	{
		UsageUnknown, "cpu, memory", Degraded, "no figure at all of what has a limit",
		"it could not be held against its limit", "`odigos-stress doctor` says what is missing",
	},
	{
		UsageSeldom, "looks", Degraded,
		fmt.Sprintf("usage that the place reads seldom, and once not for %g times as long as between "+
			"two readings as a rule ([0025](adr/0025-coarse.md))", record.Reach),
		"what the gateway used meanwhile is not known",
		"see why the place did not tell (a node under pressure, rights), and run it again",
	},
}

// placeReasons are of the place in which the trial ran.
var placeReasons = []ReasonEntry{
	{
		LimitsNotEnforced, "limits", Degraded, "a limit was asked for and could not be set",
		"the gateway may have used more than it would be given",
		"`odigos-stress doctor` says what is missing",
	},
	{
		LimitsTooLarge, "limits", Degraded, "a limit above what the machine has",
		"the machine, and not the limit, bounded the gateway",
		"lower the limit, or use a larger machine",
	},
	{
		LimitsExceeded, "limits", Degraded,
		fmt.Sprintf("CPU over 5 s more than %s above its limit, or memory more than %s above its own, "+
			"though both were set", Percent(limitCPU), Percent(limitMemory)),
		"the limit was lifted, or did not bind",
		"see who else writes to the cgroup: a service manager that reloads, another run",
	},
	{
		HostBusy, "host", Degraded,
		fmt.Sprintf("in more than %s of the measured seconds %s of the machine's cores were used, %s "+
			"of them by other processes", Percent(fullSeconds), Percent(hostFull), Percent(othersShare)),
		"other processes took what the trial needed", "run it on a machine of its own",
	},
	{
		HostFull, "host", Degraded,
		fmt.Sprintf("the actors together used more than %s of the machine's cores on average; in "+
			"a cluster several that shared a node, of its cores", Percent(hostShare)),
		"gateway, load generator and backend had to wait for each other",
		"use a larger machine, or ask for a lower rate",
	},
	{
		HostSteal, "host", Degraded,
		fmt.Sprintf("other virtual machines took more than %s of the machine's cores over all of the "+
			"measured time, or %s over 5 s", Percent(stealShare), Percent(stealWindow)),
		"the machine was slower than it says", "use a machine with cores of its own",
	},
	{
		HostPressure, "host", Degraded,
		fmt.Sprintf("by /proc/pressure some process waited for a processor in more than %s of the "+
			"time, with %s of the cores used, or for memory in more than %s, and no actor was at a "+
			"limit of its own", Percent(pressureCPU), Percent(pressureUsed), Percent(pressureMemory)),
		"figures of time and CPU are those of a crowded machine",
		"run it on a machine of its own; see `load_1m` in the header for what ran before",
	},
	{
		EndsStalled, "host", Degraded,
		fmt.Sprintf("the load generator or the backend waited for a processor in more than %s of the "+
			"time (PSI of its cgroup)", Percent(stalledShare)),
		"an end of ours had to wait", "use a larger machine, or ask for a lower rate",
	},
	{
		NearCeiling, "ceiling", Degraded,
		fmt.Sprintf("the target is above %s of what the selftest says this host's ends can do",
			Percent(ceilingShare)),
		"the tool, and not the gateway, may be the limit", "use a larger machine",
	},
}

// answerReasons are of a question that the trial could not answer in full.
var answerReasons = []ReasonEntry{
	{
		NotSettled, "settled", Degraded,
		fmt.Sprintf("constant load, %s of measured time or more: CPU, working set, queue or latency "+
			"were not steady, by MSER-5 on means of %s, by more than %s and more than noise "+
			"([0016](adr/0016-steady.md))", Seconds(settleBlocks*settleSeconds), Seconds(settleSeconds),
			Percent(settleShare)),
		"averages hold some of the way to the steady state",
		"a `timing.warm_up` as long as is said, or a longer trial",
	},
	{
		NotDrained, "drain", Degraded, "not empty within `timing.drain`",
		"spans not delivered may have been still inside", "a longer `timing.drain`",
	},
	{
		StillInside, "loss", Unusable, "loss above its threshold, the gateway not empty at the end",
		"lost and still inside cannot be told apart", "a longer `timing.drain`",
	},
	{
		QueueGrew, "backlog", Degraded,
		fmt.Sprintf("the exporter's queue grew in each quarter, by %d requests and to %g times its "+
			"size in all", backlogRise, backlogTimes),
		"the gateway took more than it gave: it would not have held for ever",
		"ask for a lower rate, or measure longer",
	},
	{
		TooShortToHold, "cpu, memory", Degraded,
		"usage above a threshold all the time, in less time than its `for`; of usage that is read " +
			"seldom fewer than two readings, or a critical one by itself",
		"whether it would have held is not known", "a longer `timing.duration`",
	},
	{
		TooFewForQuantile, "latency", Degraded,
		fmt.Sprintf("a percentile has a threshold, fewer than %d requests lie beyond it, and not all "+
			"were within the threshold", beyondRequests),
		"the percentile cannot be said", "a longer `timing.duration`, or smaller requests",
	},
	{
		LostOrSampled, "loss", Degraded,
		"more missing than may be lost, and the configuration samples or filters unpredictably",
		"lost and dropped on purpose cannot be told apart",
		"a sampler that can be predicted ([0010](adr/0010-explained.md))",
	},
	{
		WrongPrediction, "explained", Degraded, "one span delivered against the prediction",
		"the sampler's prediction does not hold for this collector",
		"report it with the record",
	},
	{
		KillNotTold, "expect", Degraded, "`expect: killed`, and no count of kills for want of memory",
		"whether the kill was for want of memory is not known",
		"a kernel that counts them (Linux 4.13, cgroup v1 or v2)",
	},
	{
		AssertionUnknown, checkAssert, Degraded,
		"an assertion of whose figure nothing tells, or not enough",
		"whether it holds is not known", "what the finding says is missing, or a longer trial",
	},
}
