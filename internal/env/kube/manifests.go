package kube

import (
	"fmt"
	"io"

	"sigs.k8s.io/yaml"

	"github.com/odigos-io/odigos-stress/internal/env"
)

// Manifests writes as YAML what would be applied for these actors, in that order, with no
// cluster asked: pods listen on IPv4, and a namespace that is named is taken for one that
// is there. The Job that owns them all is left out: its uid is the cluster's to give.
func Manifests(w io.Writer, o Options, actors []env.Actor) error {
	o, err := o.complete()
	if err != nil {
		return err
	}
	d := drawing{
		naming: newNaming(o), image: o.Image, lifetime: o.Lifetime, pods: o.Pods,
		directory: directory{listen: anyIPv4, ports: map[string][]string{}, hosts: map[string]string{}},
	}
	d.directory.namespace = d.naming.namespace
	if err := o.Pods.CheckNamespace(o.Namespace == "", o.InPlace != nil); err != nil {
		return err
	}
	var all []any
	if o.Namespace == "" {
		all = append(all, namespaceObject(d.naming))
	}
	for _, a := range actors {
		if o.InPlace != nil && a.Name == gatewayActor { // it is there
			d.directory.ports[a.Name] = a.Ports
			d.directory.hosts[a.Name] = serviceOf(o.InPlace.Found.Namespace)
			continue
		}
		if err := check(a); err != nil {
			return fmt.Errorf("write %s: %w", a.Name, err)
		}
		s, err := d.draw(a)
		if err != nil {
			return fmt.Errorf("write %s: %w", a.Name, err)
		}
		all = append(all, s.all()...)
		d.directory.ports[a.Name] = a.Ports
	}
	for _, object := range all {
		text, err := yaml.Marshal(object)
		if err != nil {
			return fmt.Errorf("write manifests: %w", err)
		}
		if _, err := fmt.Fprintf(w, "---\n%s", text); err != nil {
			return fmt.Errorf("write manifests: %w", err)
		}
	}
	return nil
}
