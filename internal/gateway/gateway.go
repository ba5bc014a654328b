// Package gateway is the collectors that can be asked: which binary, with which
// configuration, started how.
package gateway

// A Collector is a collector binary that was found.
type Collector struct {
	Path    string `json:"path"`
	Name    string `json:"name"`    // as it names itself: odigosotelcol, otelcol-contrib …
	Version string `json:"version"` // without a leading v
	// Components are the ids it was built with, by kind: receivers, processors,
	// exporters, connectors, extensions, providers.
	Components map[string][]string `json:"components"`
	SHA256     string              `json:"sha256,omitempty"`
}
