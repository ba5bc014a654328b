package kube

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	utilnet "k8s.io/apimachinery/pkg/util/net"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// A podTransport carries requests to what podAddr names: through the API server, with the
// client's own rights, to any pod that the cluster can reach. Bodies stream.
type podTransport struct{ access access }

func (a access) pods() http.RoundTripper { return podTransport{a} }

// RoundTrip implements http.RoundTripper. An answer of the API server in place of the
// pod's is an error: a pod that cannot be reached has answered nothing.
func (t podTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	pod, namespace, port, err := parsePodAddr(req.URL.Host)
	if err == nil && t.access.http == nil {
		err = errors.New("there is no API server to go through")
	}
	if err != nil {
		if req.Body != nil {
			_ = req.Body.Close() // a RoundTripper closes it always
		}
		return nil, fmt.Errorf("reach %s: %w", req.URL.Host, err)
	}
	through := req.Clone(req.Context())
	target := t.access.base.JoinPath("api/v1/namespaces", namespace, "pods", pod+":"+port, "proxy")
	target.Path = strings.TrimSuffix(target.Path, "/") + "/" + strings.TrimPrefix(req.URL.Path, "/")
	target.RawPath = ""
	target.RawQuery = req.URL.RawQuery
	through.URL, through.Host = target, ""
	resp, err := t.access.http.Transport.RoundTrip(through)
	if err != nil {
		return nil, fmt.Errorf("reach pod %s through the API server: %w", pod, err)
	}
	if said, err := ownAnswer(resp); err != nil || said != nil {
		_ = resp.Body.Close() // nothing of it is wanted
		return nil, fmt.Errorf("reach pod %s through the API server: %w", pod, errors.Join(said, err))
	}
	return resp, nil
}

// CloseIdleConnections lets go of the connections to the API server. Watches keep theirs.
func (t podTransport) CloseIdleConnections() {
	if t.access.http != nil {
		utilnet.CloseIdleConnectionsFor(t.access.http.Transport)
	}
}

// mostStatus is more than what an API server says of a failure.
const mostStatus = 64 << 10

// ownAnswer is what the API server said itself, nil where the answer is the pod's.
func ownAnswer(resp *http.Response) (said error, err error) {
	if resp.StatusCode < http.StatusBadRequest ||
		!strings.HasPrefix(resp.Header.Get("Content-Type"), "application/json") {
		return nil, nil
	}
	head, err := io.ReadAll(io.LimitReader(resp.Body, mostStatus))
	if err != nil {
		return nil, err
	}
	if said := statusOf(resp, head); said != nil {
		return said, nil
	}
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(head), resp.Body), resp.Body}
	return nil, nil
}

// statusOf is the error that an API server writes as an object of its own.
func statusOf(resp *http.Response, body []byte) error {
	var s metav1.Status
	if err := json.Unmarshal(body, &s); err != nil || s.Kind != "Status" || s.APIVersion != "v1" {
		return nil
	}
	if s.Code == 0 {
		s.Code = int32(resp.StatusCode)
	}
	if s.Status == "" {
		s.Status = metav1.StatusFailure
	}
	return &apierrors.StatusError{ErrStatus: s}
}
