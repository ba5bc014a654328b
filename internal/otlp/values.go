package otlp

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// values draws attribute values from pools such as real traffic has.
type values struct{ *rand.Rand }

func (v values) pick(from ...string) string { return from[v.IntN(len(from))] }

func (v values) pick2(a, b int) int {
	if v.oneIn(2) {
		return a
	}
	return b
}

// between is a number in [low, high].
func (v values) between(low, high int) int { return low + v.IntN(high-low+1) }

func (v values) from(alphabet string, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[v.IntN(len(alphabet))]
	}
	return string(b)
}

func (v values) hex(n int) string { return v.from("0123456789abcdef", n) }

// text is n characters as tokens and encoded values have them: nothing in it repeats.
func (v values) text(n int) string {
	return v.from("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_", n)
}

// suffix is such as Kubernetes gives to what it makes up names for.
func (v values) suffix(n int) string { return v.from("bcdfghjklmnpqrstvwxz2456789", n) }

func (v values) uuid() string {
	return v.hex(8) + "-" + v.hex(4) + "-4" + v.hex(3) + "-a" + v.hex(3) + "-" + v.hex(12)
}

func (v values) ip() string {
	return fmt.Sprintf("10.%d.%d.%d", v.between(100, 127), v.between(100, 255), v.between(100, 255))
}

// oneIn is true once in n times, in the long run.
func (v values) oneIn(n int) bool { return v.IntN(n) == 0 }

// within is a time shorter than d, but not by much.
func (v values) within(d time.Duration) time.Duration {
	return d * time.Duration(v.between(550, 950)) / 1000
}

func (v values) userAgent() string {
	return v.pick(
		"Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:142.0) Gecko/20100101 FF/142",
		"okhttp/5.1.0 (Android 16; Pixel 9; build BP2A.250705.008; app 24.11.3-b77)")
}

// workload is what a resource says of a service's place in its cluster.
func (v values) workload(name, language string) []Attribute {
	pod := name + "-" + v.suffix(10) + "-" + v.suffix(5)
	return []Attribute{
		{Key: "service.name", Value: name},
		{Key: "service.namespace", Value: "shop"},
		{Key: "service.instance.id", Value: v.uuid()},
		{Key: "k8s.namespace.name", Value: "shop"},
		{Key: "k8s.deployment.name", Value: name},
		{Key: "k8s.container.name", Value: name},
		{Key: "k8s.pod.name", Value: pod},
		{Key: "telemetry.sdk.language", Value: language},
	}
}

// host is what a resource says beside its workload.
func (v values) host() []Attribute {
	zone := v.pick("a", "b", "c")
	return []Attribute{
		{Key: "service.version", Value: fmt.Sprintf("2.%d.%d", v.IntN(10), v.IntN(10))},
		{Key: "telemetry.sdk.name", Value: "opentelemetry"},
		{Key: "telemetry.sdk.version", Value: "1.47.0"},
		{Key: "k8s.pod.uid", Value: v.uuid()},
		{Key: "k8s.node.name", Value: "ip-10-0-" + v.suffix(3) + ".eu-west-1.compute.internal"},
		{Key: "k8s.cluster.name", Value: "production-eu-west-1"},
		{Key: "cloud.provider", Value: "aws"},
		{Key: "cloud.platform", Value: "aws_eks"},
		{Key: "cloud.region", Value: "eu-west-1"},
		{Key: "cloud.availability_zone", Value: "eu-west-1" + zone},
		{Key: "host.arch", Value: v.pick("amd64", "arm64")},
		{Key: "host.type", Value: "m7i.2xlarge"},
		{Key: "os.type", Value: "linux"},
		{Key: "process.pid", Value: v.between(1, 9)},
	}
}
