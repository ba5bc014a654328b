package scenario

import (
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
	"github.com/prometheus/common/model"
	"k8s.io/apimachinery/pkg/api/resource"
)

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

// The bounds of what a quantity may say, far beyond what can be run; they are
// here so that a slipped key is an error instead of a surprise.
const (
	maxRate     = 1e9
	maxCPU      = 1024
	maxBytes    = 1 << 50
	maxDuration = 365 * 24 * time.Hour
)

// What would be right, in the words of every error about a quantity.
const (
	wantRate     = "spans per second, more than 0 and at most 1e9, such as 15000, 15k or 1M"
	wantCPU      = "CPU cores, more than 0 and at most 1024, such as 2, 0.5 or 4000m"
	wantBytes    = "a size of at least 1 byte and at most 1Pi, such as 600Mi or 4Gi"
	wantRatio    = "a share from 0 to 1, such as 0.8 or 80%"
	wantDuration = "a duration with its unit, from 0 to 365d, such as 90s, 1h30m or 30d"
)

// number is what a quantity may look like before Kubernetes' parser sees it: the
// exponent has few digits, so that no text can ask for a number of a billion digits.
var number = regexp.MustCompile(
	`^\+?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,2}|[a-zA-Z]{0,2})$`)

// ParseRate reads a rate. Thousandths and powers of two mean nothing to a rate
// and are refused.
func ParseRate(text string) (Rate, error) {
	suffix, fail := quantity(text, wantRate)
	switch {
	case fail != nil:
		return 0, fail
	case strings.HasSuffix(suffix, "i"):
		return 0, mismatch(text, wantRate+"; "+suffix+" counts in powers of two, which is for bytes")
	case suffix == "m" || suffix == "u" || suffix == "n":
		return 0, mismatch(text, wantRate+"; "+suffix+" is a fraction of one, M is a million")
	case suffix == "K":
		return 0, mismatch(text, wantRate+"; a thousand is a small k")
	}
	value, err := decimal(text)
	if err != nil || value <= 0 || value > maxRate {
		return 0, mismatch(text, wantRate)
	}
	return Rate(value), nil
}

// ParseCPU reads a number of cores.
func ParseCPU(text string) (CPU, error) {
	suffix, fail := quantity(text, wantCPU)
	switch {
	case fail != nil:
		return 0, fail
	case suffix != "" && suffix != "m":
		return 0, mismatch(text, wantCPU)
	}
	value, err := decimal(text)
	if err != nil || value <= 0 || value > maxCPU {
		return 0, mismatch(text, wantCPU)
	}
	return CPU(value), nil
}

// ParseBytes reads a size. A thousandth of a byte, which Kubernetes would round
// up to one, is refused.
func ParseBytes(text string) (Bytes, error) {
	suffix, fail := quantity(text, wantBytes)
	switch {
	case fail != nil:
		return 0, fail
	case suffix == "m" || suffix == "u" || suffix == "n":
		return 0, mismatch(text, wantBytes+"; m is a thousandth of a byte, Mi is 2^20 bytes")
	}
	parsed, err := resource.ParseQuantity(text)
	if err != nil || parsed.Sign() <= 0 || parsed.CmpInt64(maxBytes) > 0 {
		return 0, mismatch(text, wantBytes)
	}
	return Bytes(parsed.Value()), nil
}

// ParseRatio reads a share.
func ParseRatio(text string) (Ratio, error) {
	bare, percent := strings.CutSuffix(text, "%")
	bare = strings.TrimRight(bare, " ")
	value, err := strconv.ParseFloat(bare, 64)
	if percent {
		value /= 100
	}
	switch {
	case err != nil || !number.MatchString(bare):
		return 0, mismatch(text, wantRatio)
	case value > 1 && value <= 100 && !percent:
		return 0, mismatch(text, wantRatio+"; "+bare+" percent is "+bare+"%")
	case value < 0 || value > 1:
		return 0, mismatch(text, wantRatio)
	}
	return Ratio(value), nil
}

// ParseDuration reads a duration as Go spells it, or as Prometheus does, which
// knows days and weeks. A number without its unit is refused, 0 apart.
func ParseDuration(text string) (Duration, error) {
	value, err := time.ParseDuration(text)
	if err != nil {
		var parsed model.Duration
		parsed, err = model.ParseDuration(text)
		value = time.Duration(parsed)
	}
	switch bare, atoi := strconv.ParseFloat(text, 64); {
	case err != nil && atoi == nil && bare > 0:
		return 0, mismatch(text, wantDuration+"; seconds are "+text+"s")
	case err != nil || value < 0 || value > maxDuration:
		return 0, mismatch(text, wantDuration)
	}
	return Duration(value), nil
}

// quantity returns the suffix of a Kubernetes quantity, or says that text is none.
func quantity(text, want string) (suffix string, err error) {
	parts := number.FindStringSubmatch(text)
	if len(text) > 40 || parts == nil {
		return "", mismatch(text, want)
	}
	if strings.ContainsAny(parts[2], "0123456789") {
		return "", nil // an exponent
	}
	if _, err := resource.ParseQuantity("1" + parts[2]); err != nil && parts[2] != "K" {
		return "", mismatch(text, want)
	}
	return parts[2], nil
}

// decimal is the value of a quantity whose suffix was looked at. A plain number
// and thousandths go the short way, whose result is the nearest float.
func decimal(text string) (float64, error) {
	if value, err := strconv.ParseFloat(text, 64); err == nil {
		return value, nil
	}
	if bare, milli := strings.CutSuffix(text, "m"); milli {
		value, err := strconv.ParseFloat(bare, 64)
		return value / 1000, err
	}
	parsed, err := resource.ParseQuantity(text)
	return parsed.AsApproximateFloat64(), err
}

// String spells r as a file may.
func (r Rate) String() string { return plain(float64(r)) }

// String spells c as a file may.
func (c CPU) String() string { return plain(float64(c)) }

// String spells b as a file may, in the largest binary unit that divides it.
func (b Bytes) String() string {
	return resource.NewQuantity(int64(b), resource.BinarySI).String()
}

// String is in percent, to eight digits.
func (r Ratio) String() string { return plain(math.Round(float64(r)*1e10)/1e8) + "%" }

// String spells d as a file may; whole days are days.
func (d Duration) String() string {
	const day = 24 * time.Hour
	value := time.Duration(d)
	if value >= day && value%day == 0 {
		return strconv.Itoa(int(value/day)) + "d"
	}
	text := value.String()
	if whole, ok := strings.CutSuffix(text, "m0s"); ok {
		text = whole + "m"
	}
	if whole, ok := strings.CutSuffix(text, "h0m"); ok {
		text = whole + "h"
	}
	return text
}

func plain(value float64) string { return strconv.FormatFloat(value, 'f', -1, 64) }

// UnmarshalYAML reads r from a node, so that its error has a position.
func (r *Rate) UnmarshalYAML(node ast.Node) error { return fromNode(r, node, ParseRate, wantRate) }

// UnmarshalYAML reads c from a node, so that its error has a position.
func (c *CPU) UnmarshalYAML(node ast.Node) error { return fromNode(c, node, ParseCPU, wantCPU) }

// UnmarshalYAML reads b from a node, so that its error has a position.
func (b *Bytes) UnmarshalYAML(node ast.Node) error {
	return fromNode(b, node, ParseBytes, wantBytes)
}

// UnmarshalYAML reads r from a node, so that its error has a position.
func (r *Ratio) UnmarshalYAML(node ast.Node) error {
	return fromNode(r, node, ParseRatio, wantRatio)
}

// UnmarshalYAML reads d from a node, so that its error has a position.
func (d *Duration) UnmarshalYAML(node ast.Node) error {
	return fromNode(d, node, ParseDuration, wantDuration)
}

func fromNode[T any](into *T, node ast.Node, parse func(string) (T, error), want string) error {
	text, scalar := scalarText(node)
	if !scalar {
		return at(node, mismatchNode(node, want))
	}
	value, err := parse(text)
	if err != nil {
		return at(node, err)
	}
	*into = value
	return nil
}

// MarshalYAML is a number.
func (r Rate) MarshalYAML() (any, error) { return yamlNumber(float64(r)), nil }

// MarshalYAML is a number of cores.
func (c CPU) MarshalYAML() (any, error) { return yamlNumber(float64(c)), nil }

// MarshalYAML is the text of String.
func (b Bytes) MarshalYAML() (any, error) { return b.String(), nil }

// MarshalYAML is a number, since percent would lose digits.
func (r Ratio) MarshalYAML() (any, error) { return yamlNumber(float64(r)), nil }

// MarshalYAML is the text of String.
func (d Duration) MarshalYAML() (any, error) { return d.String(), nil }

func yamlNumber(value float64) any {
	if whole := int64(value); float64(whole) == value {
		return whole
	}
	return value
}

// MarshalJSON is in seconds.
func (d Duration) MarshalJSON() ([]byte, error) {
	return json.Marshal(time.Duration(d).Seconds())
}

// UnmarshalJSON reads seconds, to the nanosecond in durations of up to 40 days.
func (d *Duration) UnmarshalJSON(data []byte) error {
	var seconds float64
	if err := json.Unmarshal(data, &seconds); err != nil {
		return fmt.Errorf("read duration in seconds: %w", err)
	}
	if seconds < 0 || seconds > maxDuration.Seconds() {
		return fmt.Errorf("read duration: found %v seconds, want 0 to %v",
			seconds, maxDuration.Seconds())
	}
	whole, rest := math.Modf(seconds)
	*d = Duration(whole)*Duration(time.Second) + Duration(math.Round(rest*1e9))
	return nil
}
