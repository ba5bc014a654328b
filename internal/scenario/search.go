package scenario

// A Search says how the highest rate is looked for that a gateway holds. Its trials have
// the times that stand here, in place of Timing's warm-up and duration.
type Search struct {
	// From is the rate of the first trial, UpTo the highest that is tried.
	From Rate `yaml:"from,omitempty" json:"from_spans_per_second"`
	UpTo Rate `yaml:"up_to,omitempty" json:"up_to_spans_per_second"`
	// Precision is how far the ends of the interval may lie from the estimate.
	Precision Ratio `yaml:"precision,omitempty" json:"precision_ratio"`
	// Budget is how long all trials may take together.
	Budget Duration `yaml:"budget,omitempty" json:"budget_seconds"`
	// Duration is the measured time of a trial at the edge, Probe of one far from it,
	// Confirm of the one that confirms the lower end; WarmUp comes before each.
	Duration Duration `yaml:"duration,omitempty" json:"duration_seconds"`
	Probe    Duration `yaml:"probe,omitempty" json:"probe_seconds"`
	Confirm  Duration `yaml:"confirm,omitempty" json:"confirm_seconds"`
	WarmUp   Duration `yaml:"warm_up,omitempty" json:"warm_up_seconds"`
}
