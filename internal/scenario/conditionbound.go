package scenario

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// bound reads what the figure is compared with: all the rest.
func (p *conditionParser) bound(c *Condition) *Error {
	text := strings.TrimRight(p.rest, " \t\r\n")
	units := c.rule().units
	want := wantBound(units)
	switch {
	case text == "":
		return p.wrong("the end", want)
	case isZero(text):
		c.Unit = units[0]
		return nil
	case strings.HasSuffix(text, "%"):
		share, err := ParseRatio(text)
		if err != nil || !slices.Contains(units, UnitShare) {
			return p.wrong(quote(text), want)
		}
		c.Bound, c.Unit = float64(share), UnitShare
		return nil
	case units[0] == UnitShare:
		return p.wrong(quote(text), want+percentHint(text))
	}
	value, err := parseBound(text, units[0])
	if err != nil {
		if slices.Contains(units, UnitShare) {
			want += percentHint(text)
		}
		return p.wrong(quote(text), want+unitHint(text, units[0]))
	}
	c.Bound, c.Unit = value, units[0]
	return nil
}

var zeroPattern = regexp.MustCompile(`^0+(\.0*)?$`)

func isZero(text string) bool { return zeroPattern.MatchString(text) }

// percentHint is for those who write a share as k6 writes a rate.
func percentHint(text string) string {
	v, err := strconv.ParseFloat(text, 64)
	if err == nil && v > 0 && v < 1 && number.MatchString(text) {
		return fmt.Sprintf("; a share of %s is %s", text, Ratio(v))
	}
	return ""
}

// unitHint is for those who leave the unit of a time out, as k6 does.
func unitHint(text string, unit Unit) string {
	if unit == UnitSeconds && number.MatchString(text) && isNumber(text) {
		return "; k6's " + text + " are " + text + "ms"
	}
	return ""
}

func wantBound(units []Unit) string {
	words := map[Unit]string{
		UnitShare:    "a share from 0% to 100%, such as 80%",
		UnitSeconds:  "a time with its unit, such as 500ms or 2s",
		UnitCores:    "cores such as 1.5 or 900m",
		UnitBytes:    "a size such as 500Mi",
		UnitSpans:    "a whole number of spans, such as 10",
		UnitRate:     "spans per second, such as 15000 or 15k",
		UnitRequests: "a whole number of requests, such as 10",
		UnitRestarts: "a whole number, such as 0",
	}
	var all []string
	for _, u := range units {
		all = append(all, words[u])
	}
	return strings.Join(all, ", or ")
}

// parseBound reads a bound that is no share, as the rest of a scenario is read.
func parseBound(text string, unit Unit) (float64, error) {
	switch unit {
	case UnitSeconds:
		d, err := ParseDuration(text)
		return float64(d) / 1e9, err
	case UnitCores:
		v, err := ParseCPU(text)
		return float64(v), err
	case UnitBytes:
		v, err := ParseBytes(text)
		return float64(v), err
	case UnitRate:
		v, err := ParseRate(text)
		return float64(v), err
	}
	n, err := strconv.ParseUint(text, 10, 53)
	return float64(n), err
}
