package ledger

import (
	"bytes"
	"strings"
	"testing"
)

func TestEndOf(t *testing.T) {
	file := func(kind byte) string { return string(appendJSON([]byte(magic), kind, struct{}{})) }
	for _, c := range []struct {
		name, text string
		want       End
		says       string // of the error
	}{
		{"sender", file(kindDispatch), Sender, ""},
		{"receiver", file(kindReceipts), Receiver, ""},
		{"a page first", file(kindDispatchPage), 0, "found a header"},
		{"magic alone", magic, 0, "ends before its header"},
		{"cut off", file(kindDispatch)[:len(magic)+2], 0, "ends within a chunk"},
		{"damaged", strings.Replace(file(kindDispatch), "{}", "[]", 1), 0, "checksum"},
		{"something else", "hello", 0, "an account begins with"},
		{"nothing", "", 0, "an account begins with"},
	} {
		got, err := EndOf(bytes.NewReader([]byte(c.text)))
		if got != c.want || (err == nil) != (c.says == "") ||
			err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("EndOf(%s) = %v, %v, want %v, %q", c.name, got, err, c.want, c.says)
		}
	}
}
