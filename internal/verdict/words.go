package verdict

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Percent is a share with as many digits as it needs: 43 %, 0.05 %.
func Percent(share float64) string {
	v := 100 * share
	digits := 0
	switch {
	case math.Abs(v) < 1e-6:
		return "0 %"
	case v >= 99.95 && v == math.Round(v):
	case math.Abs(v) < 0.001:
		digits = int(math.Ceil(-math.Log10(math.Abs(v)) - 1e-9))
	case math.Abs(v) < 0.1:
		digits = 3
	case math.Abs(v) < 1:
		digits = 2
	case math.Abs(v) < 10 || v > 99 && v < 100:
		digits = 1
	}
	if math.Abs(v) >= 1000 {
		return Number(v) + " %"
	}
	s := strconv.FormatFloat(v, 'f', digits, 64)
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s + " %"
}

// Number has a thousand's separator from 1,000 on and as many digits as help below.
func Number(v float64) string {
	switch {
	case math.Abs(v) >= 1000:
		return Count(int64(math.Round(v)))
	case v == math.Trunc(v):
		return strconv.FormatInt(int64(v), 10)
	case math.Abs(v) >= 100:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return strconv.FormatFloat(v, 'f', 2, 64)
}

// Seconds is a time in the unit that suits it.
func Seconds(s float64) string {
	switch abs := math.Abs(s); {
	case abs == 0:
		return "0 s"
	case abs < 0.001:
		return fmt.Sprintf("%.0f µs", 1e6*s)
	case abs < 0.1:
		return fmt.Sprintf("%.1f ms", 1e3*s)
	case abs < 1:
		return fmt.Sprintf("%.0f ms", 1e3*s)
	case abs < 10 && s != math.Round(s):
		return fmt.Sprintf("%.2f s", s)
	}
	return fmt.Sprintf("%.0f s", s)
}

// Clock is elapsed time as minutes and seconds.
func Clock(s float64) string {
	sign := ""
	if s < 0 {
		sign, s = "-", -s
	}
	whole := int(math.Round(s))
	if whole >= 3600 {
		return fmt.Sprintf("%s%d:%02d:%02d", sign, whole/3600, whole/60%60, whole%60)
	}
	return fmt.Sprintf("%s%d:%02d", sign, whole/60, whole%60)
}

// Count is a whole number with its digits grouped by thousands.
func Count[N uint64 | int64](n N) string { return group(strconv.FormatInt(int64(n), 10)) }

func group(digits string) string {
	sign := ""
	if strings.HasPrefix(digits, "-") {
		sign, digits = "-", digits[1:]
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return sign + digits
}
