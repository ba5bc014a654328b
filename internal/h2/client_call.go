package h2

import "time"

// A Call is one unary RPC. The caller fills in the exported fields; a Call can be used
// again as soon as Done was called.
type Call struct {
	// Message is sent as it is. Nothing reads it any more once Sent or Done was called.
	Message []byte
	// Load, unless nil, is asked for the message of a call that has none, when the
	// connection is about to take it: what waits needs no memory. It must not call the
	// Client, which is locked meanwhile.
	Load func() []byte
	// Deadline is when the caller stops waiting.
	Deadline time.Time
	// Sent, unless nil, is called when the last byte was given to the system, at most
	// once, and not after Done. It must not call the Client either.
	Sent func()
	// Done is called once, when Result is set.
	Done   func()
	Result Result

	id       uint32 // stream; 0 while there is none
	window   int64
	prefix   [5]byte
	prefixed int // bytes of prefix that were sent
	rest     []byte
	inBatch  bool
	response []byte
	received int // since the last WINDOW_UPDATE of the stream
	headed   bool
	encoding string

	list  *callList // pending, sending, ended
	turn  callLinks
	order callLinks // by deadline
}

// A Result is what became of a Call. What it refers to is valid until the Call is used
// again.
type Result struct {
	// Status is a code of gRPC, Message what was said with it.
	Status  uint32
	Message string
	// Details is an encoded google.rpc.Status; nil where the server sent none.
	Details []byte
	// Response is the message of a call whose Status is 0; it is compressed with
	// Encoding unless that is empty.
	Response []byte
	Encoding string
	// Answered is whether the status is the server's own word. One that was made up
	// here, or derived from an HTTP status, says nothing of what became of the message.
	Answered bool
	// Unseen is set when the server never looked at the call: it can be started again,
	// on another connection, and nobody will see it twice.
	Unseen bool
	// Began is whether anything of the call was given to the connection, SentBytes how
	// much of the message.
	Began     bool
	SentBytes int
}

// Codes of gRPC.
const (
	statusCanceled          = 1
	statusUnknown           = 2
	statusDeadlineExceeded  = 4
	statusPermissionDenied  = 7
	statusResourceExhausted = 8
	statusUnimplemented     = 12
	statusInternal          = 13
	statusUnavailable       = 14
	statusUnauthenticated   = 16
)

// fail makes the result one of our own.
func (r *Result) fail(status uint32, text string) {
	r.Status, r.Message, r.Answered = status, text, false
	r.Details, r.Response = nil, nil
}

// largestKept is how much room for a response a Call keeps for its next use.
const largestKept = 4 << 10

func (c *Call) begin() {
	c.Result = Result{}
	c.id, c.inBatch = 0, false
	if cap(c.response) > largestKept {
		c.response = nil
	}
	c.response, c.received, c.headed, c.encoding = c.response[:0], 0, false, ""
}

// open gives the call its stream.
func (c *Call) open(id uint32, window int64, compressed byte) {
	if c.Message == nil && c.Load != nil {
		c.Message = c.Load()
	}
	n := len(c.Message)
	c.prefix = [5]byte{compressed, byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}
	c.id, c.window, c.prefixed, c.rest = id, window, 0, c.Message
	c.Result.Began = true
}

// left is how much is still to be sent.
func (c *Call) left() int { return len(c.prefix) - c.prefixed + len(c.rest) }

// callLinks are a call's neighbours in a list.
type callLinks struct{ prev, next *Call }

// A callList is a list of calls that allocates nothing.
type callList struct {
	head, tail *Call
	links      func(*Call) *callLinks
	turns      bool
}

func byTurn() callList {
	return callList{links: func(c *Call) *callLinks { return &c.turn }, turns: true}
}

func byDeadline() callList {
	return callList{links: func(c *Call) *callLinks { return &c.order }}
}

func (l *callList) push(c *Call) { l.after(l.tail, c) }

// insert puts c after the last call whose deadline is not later. Deadlines mostly come
// in order.
func (l *callList) insert(c *Call) {
	at := l.tail
	for at != nil && at.Deadline.After(c.Deadline) {
		at = l.links(at).prev
	}
	l.after(at, c)
}

// after puts c behind at, or first where at is nil.
func (l *callList) after(at, c *Call) {
	own := l.links(c)
	own.prev = at
	if at == nil {
		own.next, l.head = l.head, c
	} else {
		link := l.links(at)
		own.next, link.next = link.next, c
	}
	if own.next == nil {
		l.tail = c
	} else {
		l.links(own.next).prev = c
	}
	if l.turns {
		c.list = l
	}
}

func (l *callList) remove(c *Call) {
	own := l.links(c)
	if own.prev == nil {
		l.head = own.next
	} else {
		l.links(own.prev).next = own.next
	}
	if own.next == nil {
		l.tail = own.prev
	} else {
		l.links(own.next).prev = own.prev
	}
	*own = callLinks{}
	if l.turns {
		c.list = nil
	}
}

// takeAll empties the list and returns its head; the calls stay chained by next.
func (l *callList) takeAll() *Call {
	head := l.head
	l.head, l.tail = nil, nil
	for c := head; c != nil; c = c.turn.next {
		c.list = nil
	}
	return head
}
