package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// maxPage is the longest page that a Client reads into memory; accounts are streamed.
const maxPage = 64 << 20

// A Client asks an actor for its pages. Limits of time are the contexts'.
type Client struct {
	base string
	http *http.Client
}

// NewClient returns a client of the actor at base, such as http://127.0.0.1:8080. The
// transport is its place's, whose idle connections the caller closes; nil dials, uses no
// proxy and keeps no connection.
func NewClient(base string, transport http.RoundTripper) *Client {
	if transport == nil {
		transport = &http.Transport{DisableKeepAlives: true}
	}
	return &Client{
		base: strings.TrimSuffix(base, "/"), http: &http.Client{Transport: transport},
	}
}

// Ready is nil when the actor is ready to serve.
func (c *Client) Ready(ctx context.Context) error {
	return c.do(ctx, http.MethodGet, "/readyz", nil, discard)
}

// Start gives the actor its start.
func (c *Client) Start(ctx context.Context, s Start) error {
	b, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("POST /start: %w", err)
	}
	return c.do(ctx, http.MethodPost, "/start", b, discard)
}

// Status asks how far the actor is.
func (c *Client) Status(ctx context.Context) (s Status, err error) {
	err = c.do(ctx, http.MethodGet, "/status", nil, intoJSON(&s))
	return s, err
}

// Mark says that the gateway is about to be stopped.
func (c *Client) Mark(ctx context.Context) error {
	return c.do(ctx, http.MethodPost, "/mark", nil, discard)
}

// Finish asks the actor to begin nothing more.
func (c *Client) Finish(ctx context.Context) error {
	return c.do(ctx, http.MethodPost, "/stop", nil, discard)
}

// Book reads the actor's book into book, a *ledger.Sent or *ledger.Received.
func (c *Client) Book(ctx context.Context, book any) error {
	return c.do(ctx, http.MethodGet, "/book", nil, intoJSON(book))
}

// Account copies the actor's account to w. After an error w holds a part of it.
func (c *Client) Account(ctx context.Context, w io.Writer) error {
	return c.do(ctx, http.MethodGet, "/account", nil, func(body io.Reader) error {
		_, err := io.Copy(w, body)
		return err
	})
}

// Metrics reads the actor's metrics, in Prometheus' text format.
func (c *Client) Metrics(ctx context.Context) (text []byte, err error) {
	err = c.do(ctx, http.MethodGet, "/metrics", nil, func(body io.Reader) error {
		text, err = io.ReadAll(io.LimitReader(body, maxPage))
		return err
	})
	return text, err
}

func discard(io.Reader) error { return nil }

func intoJSON(v any) func(io.Reader) error {
	return func(body io.Reader) error {
		return json.NewDecoder(io.LimitReader(body, maxPage)).Decode(v)
	}
}

func (c *Client) do(ctx context.Context, method, path string, body []byte,
	read func(io.Reader) error,
) error {
	r, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	resp, err := c.http.Do(r)
	if err != nil {
		return err // *url.Error names method and address
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 4<<10))
		return fmt.Errorf("%s %s%s: %s: %s", method, c.base, path, resp.Status,
			strings.TrimSpace(string(text)))
	}
	if err := read(resp.Body); err != nil {
		return fmt.Errorf("%s %s%s: %w", method, c.base, path, err)
	}
	return nil
}
