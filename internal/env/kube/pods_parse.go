package kube

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"
	strictjson "sigs.k8s.io/json"
	"sigs.k8s.io/yaml"
)

// roleKeys are the keys of a file of settings.
var roleKeys = []string{allRoles, gatewayActor, backendActor, loadActor, toolRole}

// ParsePods reads settings of pods. What is not known to Kubernetes, or is not a user's to say, is
// an error that names the file and the path.
func ParsePods(name string, text []byte) (Pods, error) {
	p := Pods{Name: name}
	if err := p.parse(text); err != nil {
		return Pods{}, fmt.Errorf("%s: %w", name, err)
	}
	var lines []error
	for _, err := range p.check() {
		lines = append(lines, fmt.Errorf("%s: %w", name, err))
	}
	if len(lines) > 0 {
		return Pods{}, errors.Join(lines...)
	}
	return p, nil
}

func (p *Pods) parse(text []byte) error {
	content, err := onlyDocument(text)
	if err != nil {
		return err
	}
	if err := checkQuantities(content); err != nil {
		return err
	}
	unknown, err := strictjson.UnmarshalStrict(content, p)
	if err != nil {
		return inWords(err)
	}
	var errs []error
	for _, err := range unknown {
		var field strictjson.FieldError
		if errors.As(err, &field) {
			err = fmt.Errorf("%s: found a field that is not known, want %s", field.FieldPath(),
				fieldsAt(field.FieldPath()))
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// fieldsAt says what may stand in place of a path that is not known.
func fieldsAt(path string) string {
	switch strings.Count(path, ".") {
	case 0:
		return "one of " + strings.Join(roleKeys, ", ")
	case 1:
		return "one of labels, annotations, nodeSelector, tolerations, affinity, imagePullSecrets, " +
			"priorityClassName, resources"
	}
	return "one that Kubernetes has there"
}

// onlyDocument is the one document of a file, as JSON.
func onlyDocument(text []byte) ([]byte, error) {
	var found [][]byte
	for _, document := range splitDocuments(string(text)) {
		content, err := yaml.YAMLToJSONStrict([]byte(document))
		if err != nil {
			return nil, fmt.Errorf("read YAML: %w", err)
		}
		if string(content) != "null" { // comments alone
			found = append(found, content)
		}
	}
	keys := strings.Join(roleKeys, ", ")
	switch {
	case len(found) == 0:
		return nil, fmt.Errorf("found nothing, want one or more of %s", keys)
	case len(found) > 1:
		return nil, fmt.Errorf("found %d documents, want one", len(found))
	case !strings.HasPrefix(string(found[0]), "{"):
		return nil, fmt.Errorf("found %s, want one or more of the keys %s", found[0], keys)
	}
	return found[0], nil
}

// checkQuantities names the path of an amount that is none, which decoding does not.
func checkQuantities(content []byte) error {
	var roles map[string]json.RawMessage
	if err := json.Unmarshal(content, &roles); err != nil {
		return err
	}
	var errs []error
	for _, role := range roleKeys {
		var s struct {
			Resources map[string]map[string]any `json:"resources"`
		}
		if json.Unmarshal(roles[role], &s) != nil {
			continue // decoding says what is wrong
		}
		for _, of := range []string{"limits", "requests"} {
			for name, value := range s.Resources[of] {
				q, err := resource.ParseQuantity(fmt.Sprint(value))
				if err != nil || q.Sign() < 0 {
					errs = append(errs, fmt.Errorf("%s.resources.%s.%s: found %v, want an amount such as 500m or "+
						"1Gi", role, of, name, value))
				}
			}
		}
	}
	slices.SortFunc(errs, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return errors.Join(errs...)
}

// wrongType is how decoding says of a value that it is of another type.
var wrongType = regexp.MustCompile(
	`cannot unmarshal (.+) into Go struct field [^.]*\.(\S+) of type (.+)$`,
)

// inWords says of a value of a wrong type where it is and what would be right.
func inWords(err error) error {
	m := wrongType.FindStringSubmatch(err.Error())
	if m == nil {
		return err
	}
	want := m[3]
	switch {
	case strings.HasPrefix(want, "[]"):
		want = "a list"
	case want == "string", strings.HasSuffix(want, "Operator"), strings.HasSuffix(want, "Effect"):
		want = "a text: in quotes where YAML would take it for something else"
	case strings.HasPrefix(want, "map["), strings.HasPrefix(want, "kube."),
		strings.HasPrefix(want, "v1."):
		want = "keys and values"
	case strings.HasPrefix(want, "int"):
		want = "a whole number"
	}
	return fmt.Errorf("%s: found %s, want %s", m[2], m[1], want)
}
