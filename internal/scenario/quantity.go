package scenario

import "time"

// A Rate is in spans per second. A file may spell it 15000 or 15k.
type Rate float64

// A CPU is in cores. A file spells it as Kubernetes does: 2, 0.5, 4000m.
type CPU float64

// Bytes is a size. A file spells it as Kubernetes does: 600Mi, 4Gi.
type Bytes int64

// A Ratio is a share of 1. A file spells it 0.8 or 80%.
type Ratio float64

// A Duration is spelled 90s, 1h30m or 30d in a file and is in seconds in JSON.
type Duration time.Duration
