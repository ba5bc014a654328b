package scenario

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
)

func TestParse(t *testing.T) {
	rate := func(s string) (float64, error) { v, err := ParseRate(s); return float64(v), err }
	cpu := func(s string) (float64, error) { v, err := ParseCPU(s); return float64(v), err }
	size := func(s string) (float64, error) { v, err := ParseBytes(s); return float64(v), err }
	ratio := func(s string) (float64, error) { v, err := ParseRatio(s); return float64(v), err }
	wait := func(s string) (float64, error) {
		v, err := ParseDuration(s)
		return time.Duration(v).Seconds(), err
	}
	bad := math.NaN()
	cases := []struct {
		name  string
		parse func(string) (float64, error)
		text  string
		want  float64
		says  string // in the error
	}{
		{"ParseRate", rate, "15000", 15000, ""},
		{"ParseRate", rate, "15k", 15000, ""},
		{"ParseRate", rate, "1.5k", 1500, ""},
		{"ParseRate", rate, "1M", 1e6, ""},
		{"ParseRate", rate, "1e4", 1e4, ""},
		{"ParseRate", rate, "0.5", 0.5, ""},
		{"ParseRate", rate, "1G", 1e9, ""},
		{"ParseRate", rate, "15K", bad, "small k"},
		{"ParseRate", rate, "15Ki", bad, "powers of two"},
		{"ParseRate", rate, "500m", bad, "M is a million"},
		{"ParseRate", rate, "0", bad, "more than 0"},
		{"ParseRate", rate, "-5", bad, `found "-5"`},
		{"ParseRate", rate, "2G", bad, "at most 1e9"},
		{"ParseRate", rate, "1e99", bad, "at most 1e9"},
		{"ParseRate", rate, "1e999999999", bad, "15k"},
		{"ParseRate", rate, ".nan", bad, "15k"},
		{"ParseRate", rate, "15 k", bad, "15k"},
		{"ParseRate", rate, "15k/s", bad, "15k"},
		{"ParseRate", rate, "", bad, `found ""`},
		{"ParseRate", rate, strings.Repeat("9", 400), bad, "…"},
		{"ParseCPU", cpu, "2", 2, ""},
		{"ParseCPU", cpu, "0.5", 0.5, ""},
		{"ParseCPU", cpu, "4000m", 4, ""},
		{"ParseCPU", cpu, "300m", 0.3, ""},
		{"ParseCPU", cpu, "1k", bad, "4000m"},
		{"ParseCPU", cpu, "2Gi", bad, "4000m"},
		{"ParseCPU", cpu, "2 cores", bad, "4000m"},
		{"ParseCPU", cpu, "0", bad, "more than 0"},
		{"ParseCPU", cpu, "4000", bad, "at most 1024"},
		{"ParseBytes", size, "600Mi", 600 << 20, ""},
		{"ParseBytes", size, "4Gi", 4 << 30, ""},
		{"ParseBytes", size, "1.5Gi", 1536 << 20, ""},
		{"ParseBytes", size, "4G", 4e9, ""},
		{"ParseBytes", size, "1234", 1234, ""},
		{"ParseBytes", size, "600m", bad, "thousandth of a byte"},
		{"ParseBytes", size, "600MB", bad, "600Mi"},
		{"ParseBytes", size, "600MiB", bad, "600Mi"},
		{"ParseBytes", size, "0", bad, "at least 1 byte"},
		{"ParseBytes", size, "-1", bad, "at least 1 byte"},
		{"ParseBytes", size, "2Pi", bad, "at most 1Pi"},
		{"ParseRatio", ratio, "0.8", 0.8, ""},
		{"ParseRatio", ratio, "80%", 0.8, ""},
		{"ParseRatio", ratio, "99.5 %", 0.995, ""},
		{"ParseRatio", ratio, "0", 0, ""},
		{"ParseRatio", ratio, "1", 1, ""},
		{"ParseRatio", ratio, "80", bad, "80 percent is 80%"},
		{"ParseRatio", ratio, "101%", bad, "0 to 1"},
		{"ParseRatio", ratio, "-1%", bad, "0 to 1"},
		{"ParseRatio", ratio, "NaN", bad, "0 to 1"},
		{"ParseRatio", ratio, "%", bad, "0 to 1"},
		{"ParseDuration", wait, "90s", 90, ""},
		{"ParseDuration", wait, "1h30m", 5400, ""},
		{"ParseDuration", wait, "30d", 30 * 86400, ""},
		{"ParseDuration", wait, "200ms", 0.2, ""},
		{"ParseDuration", wait, "0", 0, ""},
		{"ParseDuration", wait, "0s", 0, ""},
		{"ParseDuration", wait, "90", bad, "seconds are 90s"},
		{"ParseDuration", wait, "-5s", bad, "0 to 365d"},
		{"ParseDuration", wait, "2y", bad, "0 to 365d"},
		{"ParseDuration", wait, "5 minutes", bad, "1h30m"},
		{"ParseDuration", wait, "", bad, `found ""`},
	}
	for _, c := range cases {
		got, err := c.parse(c.text)
		switch {
		case c.says == "" && (err != nil || got != c.want):
			t.Errorf("%s(%q) = %v, %v; want %v", c.name, c.text, got, err, c.want)
		case c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)):
			t.Errorf("%s(%q) = %v, %v; want an error with %q", c.name, c.text, got, err, c.says)
		}
	}
}

func TestString(t *testing.T) {
	cases := []struct{ got, want string }{
		{Rate(15000).String(), "15000"},
		{CPU(0.3).String(), "0.3"},
		{Bytes(600 << 20).String(), "600Mi"},
		{Bytes(2000 << 20).String(), "2000Mi"},
		{Bytes(1234).String(), "1234"},
		{Ratio(0.8).String(), "80%"},
		{Ratio(0.29).String(), "29%"},
		{Ratio(0.9995).String(), "99.95%"},
		{Duration(0).String(), "0s"},
		{Duration(90 * time.Second).String(), "1m30s"},
		{Duration(10 * time.Minute).String(), "10m"},
		{Duration(time.Hour).String(), "1h"},
		{Duration(20 * time.Second).String(), "20s"},
		{Duration(30 * 24 * time.Hour).String(), "30d"},
		{Duration(200 * time.Millisecond).String(), "200ms"},
	}
	for _, c := range cases {
		if c.got != c.want {
			t.Errorf("String() = %q; want %q", c.got, c.want)
		}
	}
}

// What is written is read back, as text, in YAML and in JSON.
func TestQuantitiesRoundTrip(t *testing.T) {
	type all struct {
		R Rate     `yaml:"r" json:"r"`
		C CPU      `yaml:"c" json:"c"`
		B Bytes    `yaml:"b" json:"b"`
		S Ratio    `yaml:"s" json:"s"`
		D Duration `yaml:"d" json:"d"`
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		in := all{
			R: Rate(math.Exp(random.Float64() * 20)), C: CPU(random.Float64()*100 + 1e-3),
			B: Bytes(random.Int64N(1<<44) + 1), S: Ratio(random.Float64()),
			D: Duration(random.Int64N(int64(40 * 24 * time.Hour))),
		}
		if random.IntN(2) == 0 {
			in.R, in.D = Rate(int(in.R)), in.D/1e9*1e9
		}
		data, err := yaml.Marshal(in)
		if err != nil {
			t.Fatal(err)
		}
		var fromYAML, fromJSON all
		if err := yaml.Unmarshal(data, &fromYAML); err != nil || fromYAML != in {
			t.Fatalf("Unmarshal(%s) = %+v, %v; want %+v", data, fromYAML, err, in)
		}
		data, err = json.Marshal(in)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(data, &fromJSON); err != nil || fromJSON != in {
			t.Fatalf("json.Unmarshal(%s) = %+v, %v; want %+v", data, fromJSON, err, in)
		}
		if r, err := ParseRate(in.R.String()); err != nil || r != in.R {
			t.Fatalf("ParseRate(%s) = %v, %v", in.R, r, err)
		}
		if c, err := ParseCPU(in.C.String()); err != nil || c != in.C {
			t.Fatalf("ParseCPU(%s) = %v, %v", in.C, c, err)
		}
		if b, err := ParseBytes(in.B.String()); err != nil || b != in.B {
			t.Fatalf("ParseBytes(%s) = %v, %v", in.B, b, err)
		}
		if d, err := ParseDuration(in.D.String()); err != nil || d != in.D {
			t.Fatalf("ParseDuration(%s) = %v, %v", in.D, d, err)
		}
	}
}

func TestDurationJSON(t *testing.T) {
	data, err := json.Marshal(Duration(1500 * time.Millisecond))
	if string(data) != "1.5" || err != nil {
		t.Errorf("Marshal(1.5s) = %s, %v; want 1.5", data, err)
	}
	for _, bad := range []string{`"1s"`, `-1`, `1e300`} {
		var d Duration
		if err := json.Unmarshal([]byte(bad), &d); err == nil {
			t.Errorf("Unmarshal(%s) = %v, no error", bad, d)
		}
	}
}
