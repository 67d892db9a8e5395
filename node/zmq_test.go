package node_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"coffer.example/coffer/node"
)

// publisher is a ZMQ endpoint as a node's, written after the specification
// without the client's code.
type publisher struct {
	t    *testing.T
	l    net.Listener
	work sync.WaitGroup

	subscribed chan net.Conn // a connection that has subscribed
	commands   chan []byte   // what the client sends afterwards
}

func newPublisher(t *testing.T) *publisher {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &publisher{t: t, l: l, subscribed: make(chan net.Conn, 4), commands: make(chan []byte, 64)}
	p.work.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			p.work.Go(func() { p.serve(c) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		p.work.Wait()
	})
	return p
}

func (p *publisher) endpoint() string { return "tcp://" + p.l.Addr().String() }

func (p *publisher) serve(c net.Conn) {
	defer c.Close()
	greeting := make([]byte, 64)
	greeting[0], greeting[9], greeting[10], greeting[11] = 0xff, 0x7f, 3, 1
	copy(greeting[12:], "NULL")
	c.Write(greeting)
	if _, err := io.ReadFull(c, greeting); err != nil {
		return
	}
	c.Write(shortFrame(4, "\x05READY\x0bSocket-Type\x00\x00\x00\x03PUB"))
	if _, err := readShort(c); err != nil { // the client's READY
		return
	}
	announced := false
	for {
		frame, err := readShort(c)
		if err != nil {
			return
		}
		p.commands <- frame
		if !announced && bytes.HasPrefix(frame, []byte("\x01rawtx")) {
			announced = true
			p.subscribed <- c
		}
	}
}

func shortFrame(flags byte, body string) []byte {
	return append([]byte{flags, byte(len(body))}, body...)
}

func readShort(r io.Reader) ([]byte, error) {
	var head [2]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	body := make([]byte, head[1])
	_, err := io.ReadFull(r, body)
	return body, err
}

// publish sends a message as nodes do, its body in a long frame.
func publish(c net.Conn, topic string, body []byte, number uint32) {
	b := shortFrame(1, topic)
	b = append(b, 1|2)
	b = binary.BigEndian.AppendUint64(b, uint64(len(body)))
	b = append(b, body...)
	c.Write(append(b, shortFrame(0, string(binary.LittleEndian.AppendUint32(nil, number)))...))
}

func TestZMQ(t *testing.T) {
	f := newFake(t)
	p := newPublisher(t)
	n := f.open(t, func(o *node.Options) {
		o.ZMQ, o.RetryMin, o.RetryMax = []string{p.endpoint()}, time.Millisecond, 10*time.Millisecond
	})
	next := func(want node.HintKind) node.Hint {
		t.Helper()
		got := <-n.Hints()
		if got.Kind != want {
			t.Fatalf("hint %d, want %d", got.Kind, want)
		}
		return got
	}
	c := <-p.subscribed
	next(node.HintGap)
	publish(c, "hashblock", make([]byte, 32), 5)
	next(node.HintBlock)
	publish(c, "rawtx", []byte("a transaction"), 9)
	if got := next(node.HintTx); string(got.Raw) != "a transaction" {
		t.Errorf("raw %q", got.Raw)
	}
	publish(c, "rawtx", []byte("the next"), 10)
	next(node.HintTx)
	publish(c, "rawblock", make([]byte, 3<<20), 0) // passed over
	next(node.HintBlock)
	publish(c, "sequence", append(make([]byte, 32), 'D'), 0)
	next(node.HintBlock)
	publish(c, "sequence", append(make([]byte, 32), 'R'), 1)
	next(node.HintTx)
	publish(c, "rawtx", []byte("after a loss"), 12)
	next(node.HintGap)
	c.Write(shortFrame(4, "\x04PING\x00\x0actx"))
	waitCommand(t, p, "\x04PONGctx")
	c.Close()
	c = <-p.subscribed
	for hint := range n.Hints() { // the transaction after the loss may come behind its gap
		if hint.Kind == node.HintGap {
			break
		}
	}
	publish(c, "hashblock", make([]byte, 32), 900) // no gap: another connection
	next(node.HintBlock)
	if s := n.Status(); len(s.Feeds) != 1 || !s.Feeds[0].Connected {
		t.Errorf("feeds %+v", s.Feeds)
	}
}

func waitCommand(t *testing.T, p *publisher, want string) {
	t.Helper()
	for {
		select {
		case got := <-p.commands:
			if string(got) == want {
				return
			}
		case <-t.Context().Done():
			t.Fatalf("%q was not sent", want)
		}
	}
}

// TestZMQNarrows expects that, once the better topic is heard, the other ones
// are taken back.
func TestZMQNarrows(t *testing.T) {
	p := newPublisher(t)
	newFake(t).open(t, func(o *node.Options) { o.ZMQ = []string{p.endpoint()} })
	c := <-p.subscribed
	publish(c, "hashblock", make([]byte, 32), 0)
	waitCommand(t, p, "\x00rawblock")
	publish(c, "rawtx", []byte("x"), 0)
	waitCommand(t, p, "\x00hashtx")
}

// TestZMQListed expects just what the node lists to be subscribed to.
func TestZMQListed(t *testing.T) {
	f := newFake(t)
	p := newPublisher(t)
	_, port, err := net.SplitHostPort(p.l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	list := ""
	for _, topic := range []string{"rawblock", "rawtx", "hashtx"} {
		list += fmt.Sprintf(`,{"type":"pub%s","address":"tcp://0.0.0.0:%s","hwm":1000}`, topic, port)
	}
	f.record(recorded{Method: "getzmqnotifications", Params: []any{}, Status: http.StatusOK,
		Raw: `{"result":[` + list[1:] + `],"error":null,"id":1}`})
	f.open(t, func(o *node.Options) { o.ZMQ = []string{p.endpoint()} })
	for _, want := range []string{"\x01rawblock", "\x01rawtx"} {
		if got := <-p.commands; string(got) != want {
			t.Errorf("subscribed to %q, want %q", got, want)
		}
	}
}

func TestZMQFaults(t *testing.T) {
	cases := map[string]string{
		"HTTP":      "HTTP/1.1 400 Bad Request\r\nContent-Type: text/html; charset=utf-8\r\n\r\n",
		"version 2": "\xff\x00\x00\x00\x00\x00\x00\x00\x00\x7f\x01" + strings.Repeat("\x00", 53),
		"curve":     "\xff\x00\x00\x00\x00\x00\x00\x00\x00\x7f\x03\x00CURVE" + strings.Repeat("\x00", 47),
	}
	for name, greeting := range cases {
		t.Run(name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			var work sync.WaitGroup
			defer work.Wait()
			defer l.Close()
			work.Go(func() {
				c, err := l.Accept()
				if err != nil {
					return
				}
				io.WriteString(c, greeting)
				io.Copy(io.Discard, c)
				c.Close()
			})
			n := newFake(t).open(t, func(o *node.Options) { o.ZMQ = []string{"tcp://" + l.Addr().String()} })
			defer n.Close()
			eventually(t, func() bool {
				s := n.Status().Feeds[0]
				return !s.Connected && s.Err != nil && strings.Contains(s.Err.Error(), node.ErrGarbage.Error())
			})
		})
	}
}
