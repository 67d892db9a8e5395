package node

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"
)

// The topics that nodes publish. "sequence" exists since Core 0.21 and not in
// Dogecoin 1.14.
const (
	topicHashBlock = "hashblock"
	topicRawBlock  = "rawblock"
	topicHashTx    = "hashtx"
	topicRawTx     = "rawtx"
	topicSequence  = "sequence"
)

// feed is one ZMQ endpoint. It is our own subscriber: the one at hand for Go
// dials and reconnects without a context, hides a reconnection, during which
// messages are lost, from its user, and knows no heartbeats.
type feed struct {
	endpoint string
	opts     *Options
	topics   func() ([]zmqTopic, bool) // what the node says it publishes
	hint     func(Hint)
	tried    chan struct{} // closed when the first connection has come about or failed

	mu        sync.Mutex
	connected bool
	err       error
}

func newFeed(endpoint string, o *Options, topics func() ([]zmqTopic, bool), hint func(Hint)) *feed {
	return &feed{endpoint: endpoint, opts: o, topics: topics, hint: hint, tried: make(chan struct{}), err: errNotTried}
}

func (f *feed) status() FeedStatus {
	f.mu.Lock()
	defer f.mu.Unlock()
	return FeedStatus{Name: "zmq " + f.endpoint, Connected: f.connected, Err: f.err}
}

func (f *feed) note(connected bool, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.connected && f.err == errNotTried {
		close(f.tried)
	}
	f.connected, f.err = connected, err
}

// run listens until ctx ends, connecting anew with a growing pause.
func (f *feed) run(ctx context.Context) {
	for failures := 0; ; failures++ {
		started := time.Now()
		err := f.listen(ctx)
		if ctx.Err() != nil {
			return
		}
		f.note(false, err)
		if time.Since(started) > f.opts.RetryMax {
			failures = 0
		}
		pause := time.NewTimer(backoff(failures, f.opts))
		select {
		case <-ctx.Done():
			pause.Stop()
			return
		case <-pause.C:
		}
	}
}

// listen serves one connection.
func (f *feed) listen(ctx context.Context) error {
	address, err := zmqAddress(f.endpoint)
	if err != nil {
		return fmt.Errorf("zmq: %w: %w", ErrOptions, err)
	}
	conn, err := (&net.Dialer{Timeout: f.opts.DialTimeout}).DialContext(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("zmq: %w (%w)", ErrUnreachable, err)
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	s := &subscription{conn: conn, in: bufio.NewReaderSize(conn, 64<<10), hint: f.hint, numbers: map[string]uint32{}}
	if err := conn.SetDeadline(time.Now().Add(f.opts.DialTimeout)); err != nil {
		return connError(err)
	}
	if err := s.handshake(); err != nil {
		return zmqError(err)
	}
	s.block, s.tx = pickTopics(f.topics, address)
	if err := s.subscribe(); err != nil {
		return zmqError(err)
	}
	if err := conn.SetDeadline(time.Time{}); err != nil {
		return zmqError(err)
	}
	f.note(true, nil)
	f.hint(Hint{Kind: HintGap}) // what was published before is not known
	return zmqError(s.receive())
}

func zmqError(err error) error {
	if err == nil || isOurs(err) {
		return err
	}
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("zmq: %w (connection ended)", ErrUnreachable)
	}
	return fmt.Errorf("zmq: %w", connError(err))
}

// pickTopics chooses what to subscribe to: the smallest for blocks, whole
// transactions where they are published. Where the node does not say, or
// publishes under an address that is not ours (a container's, say), all
// topics are taken, and narrowed when the best of them is heard.
func pickTopics(list func() ([]zmqTopic, bool), address string) (block, tx []string) {
	block = []string{topicHashBlock, topicRawBlock, topicSequence}
	tx = []string{topicRawTx, topicHashTx, topicSequence}
	topics, ok := list()
	if !ok {
		return block, tx
	}
	_, port, _ := net.SplitHostPort(address) // checked by zmqAddress
	published := map[string]bool{}
	for _, t := range topics {
		if strings.HasSuffix(t.Address, ":"+port) {
			published[strings.TrimPrefix(t.Type, "pub")] = true
		}
	}
	if len(published) == 0 {
		return block, tx
	}
	first := func(of []string) []string {
		for _, topic := range of {
			if published[topic] {
				return []string{topic}
			}
		}
		return nil
	}
	return first(block), first(tx)
}

// subscription is one connection to an endpoint.
type subscription struct {
	conn      net.Conn
	in        *bufio.Reader
	hint      func(Hint)
	block, tx []string          // topics subscribed to, best first
	numbers   map[string]uint32 // the next number of each topic
}

func (s *subscription) handshake() error {
	if _, err := s.conn.Write(appendGreeting(nil)); err != nil {
		return err
	}
	var theirs [zmtpGreeting]byte
	if _, err := io.ReadFull(s.in, theirs[:]); err != nil {
		return cutShort(err)
	}
	if err := checkGreeting(theirs[:]); err != nil {
		return err
	}
	if _, err := s.conn.Write(appendReady(nil)); err != nil {
		return err
	}
	h, err := readZMTPHead(s.in)
	if err != nil {
		return cutShort(err)
	}
	body, err := zmtpBody(s.in, h.size, zmtpMaxHeader)
	if err == nil && (h.flags&zmtpCommand == 0 || !strings.HasPrefix(string(body), "\x05READY")) {
		err = fmt.Errorf("zmq: handshake: %q: %w", clip(string(body)), ErrGarbage)
	}
	return err
}

func (s *subscription) subscribe() error {
	var out []byte
	for _, topic := range append(append([]string{}, s.block...), s.tx...) {
		out = appendZMTP(out, 0, "\x01"+topic)
	}
	_, err := s.conn.Write(out)
	return err
}

// receive turns messages into hints until the connection ends.
func (s *subscription) receive() error {
	wanted := func(topic string) bool { return topic == topicRawTx || topic == topicSequence }
	for {
		m, err := readZMTPMessage(s.in, wanted, s.command)
		if err != nil {
			return err
		}
		if next, known := s.numbers[m.topic]; known && next != m.number {
			s.hint(Hint{Kind: HintGap})
		}
		s.numbers[m.topic] = m.number + 1
		s.announce(&m)
		if err := s.narrow(m.topic); err != nil {
			return err
		}
	}
}

func (s *subscription) announce(m *zmtpMessage) {
	switch m.topic {
	case topicHashBlock, topicRawBlock:
		s.hint(Hint{Kind: HintBlock})
	case topicRawTx:
		s.hint(Hint{Kind: HintTx, Raw: m.body})
	case topicHashTx:
		s.hint(Hint{Kind: HintTx})
	case topicSequence:
		// hash 32 and a letter: C connected, D disconnected, A added, R removed.
		if len(m.body) > 32 && (m.body[32] == 'C' || m.body[32] == 'D') {
			s.hint(Hint{Kind: HintBlock})
		} else {
			s.hint(Hint{Kind: HintTx})
		}
	}
}

// narrow takes back the subscriptions that a better topic, now heard of, makes
// needless.
func (s *subscription) narrow(heard string) error {
	var out []byte
	for _, topics := range []*[]string{&s.block, &s.tx} {
		if len(*topics) > 1 && (*topics)[0] == heard {
			for _, topic := range (*topics)[1:] {
				out = appendZMTP(out, 0, "\x00"+topic)
			}
			*topics = (*topics)[:1]
		}
	}
	if out == nil {
		return nil
	}
	_, err := s.conn.Write(out)
	return err
}

func (s *subscription) command(body []byte) error {
	pong, ok := pongFor(body)
	if !ok {
		return nil
	}
	_, err := s.conn.Write(pong)
	return err
}
