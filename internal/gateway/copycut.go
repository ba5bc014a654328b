package gateway

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// A copying is a copy on its way.
type copying struct {
	user        *user
	carrier     string
	pipelines   []userPipeline // what is left of them
	cut         edits
	allowed     []string
	differences []string
}

func (c *copying) differ(format string, args ...any) {
	c.differences = append(c.differences, fmt.Sprintf(format, args...))
}

// listening are the receivers that wait for what comes; any other would take from
// somebody, or needs rights that the copy has not.
var listening = []string{
	"otlp", "otelarrow", "jaeger", "zipkin", "opencensus", "skywalking", "datadog", "nop",
	"loki", "influxdb", "syslog", "tcplog", "udplog", "statsd", "carbon", "hostmetrics",
}

func (c *copying) cutReceivers() {
	var left []string
	for _, id := range c.user.usedReceivers() {
		settings, isReceiver := c.user.receivers[id]
		switch {
		case !isReceiver || slices.Contains(listening, typeOf(id)):
			continue
		case typeOf(id) == "prometheus" && scrapesItself(settings):
			continue
		}
		left = append(left, id)
		c.cut.take("receivers", id)
		for i := range c.pipelines {
			c.pipelines[i].receivers = without(c.pipelines[i].receivers, id)
		}
	}
	if len(left) > 0 {
		c.differ("Left out, for they take from others or need rights that the copy has not:"+
			" receivers %s.", strings.Join(left, ", "))
	}
}

// scrapesItself tells whether a prometheus receiver has no targets but its own pod's.
func scrapesItself(settings any) bool {
	s, _ := settings.(map[string]any)
	config, _ := s["config"].(map[string]any)
	jobs, ok := config["scrape_configs"].([]any)
	if !ok || s["target_allocator"] != nil || config["scrape_config_files"] != nil {
		return false
	}
	for _, job := range jobs {
		job, _ := job.(map[string]any)
		for key := range job {
			if strings.HasSuffix(key, "_sd_configs") {
				return false
			}
		}
		groups, _ := job["static_configs"].([]any)
		for _, group := range groups {
			group, _ := group.(map[string]any)
			targets, _ := group["targets"].([]any)
			for _, t := range targets {
				if text, ok := t.(string); !ok || !itself.MatchString(text) {
					return false
				}
			}
		}
	}
	return true
}

// itself is an address of the collector's own pod.
var itself = regexp.MustCompile(
	`^(127\.0\.0\.1|localhost|0\.0\.0\.0|\[::1?\]|\$\{(env:)?[A-Z_]*POD_IP\}):\d+$`)

// asking are processors that ask the cluster's API server.
var asking = []string{"k8sattributes", "k8s_attributes"}

func (c *copying) cutProcessors() {
	var ids []string
	for i, p := range c.pipelines {
		for _, id := range p.processors {
			if slices.Contains(asking, typeOf(id)) {
				ids = append(ids, id)
				c.pipelines[i].processors = without(c.pipelines[i].processors, id)
			}
		}
	}
	slices.Sort(ids)
	for _, id := range slices.Compact(ids) {
		c.cut.take("processors", id)
		c.differ("Processor %s is left out: it asks the cluster for pods, and the copy has no rights"+
			" to. What it costs is not in the figures.", id)
	}
}

// secretive are names of headers that say that their values are secret.
var secretive = regexp.MustCompile(`(?i)auth|token|secret|passw|credential|cookie|key`)

// cutSecrets takes what is secret, and written out, from the exporter that carries the load:
// the mock backend asks for none, and what is copied is seen by more people.
func (c *copying) cutSecrets(id string) {
	exporter, _ := c.user.exporters[id].(map[string]any)
	var left []string
	for _, section := range []struct {
		name   string
		secret func(key string) bool
	}{
		{"headers", secretive.MatchString},
		{"tls", func(key string) bool { return strings.HasSuffix(key, "_pem") }},
	} {
		settings, _ := exporter[section.name].(map[string]any)
		var cut []string
		for _, key := range sortedKeys(settings) {
			value, _ := settings[key].(string)
			if value != "" && section.secret(key) && !strings.Contains(value, "${") {
				cut = append(cut, key)
			}
		}
		switch way := "exporters." + id; {
		case len(cut) > 0 && len(cut) == len(settings):
			c.cut.take(way, section.name)
		default:
			for _, key := range cut {
				c.cut.take(way+"."+section.name, key)
			}
		}
		for _, key := range cut {
			left = append(left, section.name+"."+key)
		}
	}
	if len(left) > 0 {
		c.differ("Of exporter %s %s is left out, for it is secret: the mock backend asks for none.",
			id, strings.Join(left, ", "))
	}
}

// serving exporters wait to be asked.
const serving = "prometheus"

func (c *copying) cutExporters() {
	used := map[string]bool{}
	for i := range c.pipelines {
		p := &c.pipelines[i]
		for _, id := range p.exporters {
			used[id] = true
		}
	}
	c.cutSecrets(c.carrier)
	for _, id := range sortedKeys(c.user.exporters) {
		switch {
		case !used[id] && id != c.carrier:
			c.cut.take("exporters", id) // it would want its secrets all the same
		case id == c.carrier || slices.Contains(harmless, typeOf(id)):
		case typeOf(id) == serving:
			c.allowed = append(c.allowed, id)
		default:
			c.silence(id)
		}
	}
}

// ownTelemetry is in the ids of the exporters by which Odigos tells its own user interface
// and store.
var ownTelemetry = []string{"odigos-own-telemetry", "odigos-victoriametrics"}

// silence puts a nop exporter in an exporter's place.
func (c *copying) silence(id string) {
	nop := "nop/" + strings.ReplaceAll(id, "/", "-")
	c.cut.rename("exporters", id, nop)
	var in []string
	for i := range c.pipelines {
		p := &c.pipelines[i]
		if at := slices.Index(p.exporters, id); at >= 0 {
			p.exporters[at] = nop
			in = append(in, p.id)
		}
	}
	where := "pipeline " + strings.Join(in, ", ")
	for _, own := range ownTelemetry {
		if strings.Contains(id, own) {
			c.differ("Exporter %s (%s) is cut: a nop exporter stands in its place. It carries Odigos' own"+
				" telemetry, which is little.", id, where)
			return
		}
	}
	c.differ("Exporter %s (%s)%s is cut: a nop exporter stands in its place. What it costs (encoding,"+
		" compression, queue, retries) is not in the figures.",
		id, where, endpointOf(c.user.exporters[id]))
}

// calling are extensions that call or authenticate somebody, or watch the cluster.
var calling = append([]string{
	"asapclient", "azure_auth", "azureauth", "basicauth", "bearertokenauth", "ecs_observer",
	"googleclientauth", "headers_setter", "k8s_leader_elector", "k8s_observer", "oidc",
	"sigv4auth",
}, outgoing...)

func (c *copying) cutExtensions() {
	var left []string
	for _, id := range c.user.extensionsInUse {
		switch {
		case slices.Contains(calling, typeOf(id)):
			c.cut.take("extensions", id)
			c.cut.item("service.extensions", id, "")
			left = append(left, id)
		case typeOf(id) == "file_storage":
			c.differ("Extension %s wants its directory: nothing is mounted in the copy.", id)
		}
	}
	if len(left) > 0 {
		c.differ("Left out, for they call or authenticate others or watch the cluster: extensions %s.",
			strings.Join(left, ", "))
	}
}

// prune takes out the pipelines that nothing feeds or empties any more, and with them the
// ends of connectors that lead nowhere, until no more follows.
func (c *copying) prune() {
	var left []string
	for changed := true; changed; {
		changed = false
		into, from := map[string]bool{}, map[string]bool{}
		for _, p := range c.pipelines {
			for _, id := range p.exporters {
				into[id] = true
			}
			for _, id := range p.receivers {
				from[id] = true
			}
		}
		kept := c.pipelines[:0]
		for _, p := range c.pipelines {
			n := len(p.receivers) + len(p.exporters)
			p.receivers = slices.DeleteFunc(p.receivers, func(id string) bool {
				return c.connects(id) && !into[id]
			})
			p.exporters = slices.DeleteFunc(p.exporters, func(id string) bool {
				return c.connects(id) && !from[id]
			})
			changed = changed || n != len(p.receivers)+len(p.exporters)
			if len(p.receivers) == 0 || len(p.exporters) == 0 {
				left = append(left, p.id)
				c.cut.take("service.pipelines", p.id)
				changed = true
				continue
			}
			kept = append(kept, p)
		}
		c.pipelines = kept
	}
	if len(left) > 0 {
		c.differ("Left out, for nothing of what they are for is left: pipelines %s.",
			strings.Join(left, ", "))
	}
	c.cutItems()
}

// connects tells whether an id is a connector's alone; a receiver of the same id counts.
func (c *copying) connects(id string) bool {
	_, isConnector := c.user.connectors[id]
	_, isReceiver := c.user.receivers[id]
	return isConnector && !isReceiver
}

// cutItems notes what the pipelines have lost.
func (c *copying) cutItems() {
	for _, p := range c.pipelines {
		i := slices.IndexFunc(c.user.pipelines, func(o userPipeline) bool { return o.id == p.id })
		before := c.user.pipelines[i]
		for _, list := range []struct {
			name          string
			before, after []string
		}{
			{"receivers", before.receivers, p.receivers},
			{"processors", before.processors, p.processors},
			{"exporters", before.exporters, p.exporters},
		} {
			path := "service.pipelines." + p.id + "." + list.name
			for _, id := range list.before {
				if renamed, ok := c.cut.entries["exporters"][id]; ok && list.name == "exporters" {
					c.cut.item(path, id, renamed)
				} else if !slices.Contains(list.after, id) {
					c.cut.item(path, id, "")
				}
			}
		}
	}
}

func without(list []string, id string) []string {
	return slices.DeleteFunc(list, func(o string) bool { return o == id })
}
