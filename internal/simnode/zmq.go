package simnode

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
)

// The publisher speaks ZMTP 3.0 with the NULL mechanism as a PUB socket
// (rfc.zeromq.org/spec/23): a greeting of 64 bytes from both sides, a READY
// command from both, then subscriptions one way and messages the other.
//
//	frame    flags (1 more, 2 long, 4 command), size 1 or 8, body
//	message  topic, body, number of the message in its topic (4, little endian)

const (
	zmqMore    = 1
	zmqLong    = 2
	zmqCommand = 4
	// zmqQueue is the high-water mark: messages for a subscriber that does not
	// read are dropped beyond it, as nodes do by default.
	zmqQueue = 1000
	// zmqFrame is the longest frame that a subscriber may send, in bytes.
	zmqFrame = 1 << 16
)

// publisher is the PUB socket.
type publisher struct {
	node     *Node
	listener net.Listener
	unlisten func()
	topics   []string

	mu      sync.Mutex
	numbers map[string]uint32
	open    map[*subscriber]bool
	changed chan struct{} // closed and made anew when somebody subscribes or leaves
	closed  bool
}

// subscriber is one connection. Its prefixes are guarded by the publisher.
type subscriber struct {
	conn     net.Conn
	queue    chan zmqMessage
	done     chan struct{}
	once     sync.Once
	prefixes []string
}

type zmqMessage struct {
	topic string
	body  []byte
	// number counts the topic's messages; pong marks an answer to a PING, whose
	// context is the body.
	number uint32
	pong   bool
}

// publish starts the publisher.
func (n *Node) publish() error {
	listener, err := listen(context.Background(), n.options.ZMQAddr)
	if err != nil {
		return fmt.Errorf("ZMQ: %w", err)
	}
	topics := n.options.ZMQTopics
	if topics == nil {
		topics = []string{"hashblock", "hashtx", "rawblock", "rawtx"}
		if n.dialect.sequence {
			topics = append(topics, "sequence")
		}
	}
	n.ZMQ = "tcp://" + listener.Addr().String()
	n.doors.publisher = &publisher{
		node: n, listener: listener, topics: topics,
		numbers: make(map[string]uint32), open: make(map[*subscriber]bool), changed: make(chan struct{}),
	}
	n.doors.publisher.unlisten = n.chain.listen(n.doors.publisher.tell)
	n.life.work.Go(n.doors.publisher.accept)
	return nil
}

func (z *publisher) accept() {
	for {
		conn, err := z.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue
		}
		s := &subscriber{conn: conn, queue: make(chan zmqMessage, zmqQueue), done: make(chan struct{})}
		z.mu.Lock()
		if z.closed {
			z.mu.Unlock()
			_ = conn.Close()
			return
		}
		z.open[s] = true
		z.mu.Unlock()
		z.node.life.work.Go(func() {
			z.listenTo(s)
			s.end()
			z.mu.Lock()
			delete(z.open, s)
			z.stir()
			z.mu.Unlock()
		})
	}
}

func (s *subscriber) end() {
	s.once.Do(func() {
		close(s.done)
		_ = s.conn.Close()
	})
}

func (z *publisher) close() {
	z.unlisten()
	_ = z.listener.Close()
	z.mu.Lock()
	defer z.mu.Unlock()
	z.closed = true
	for s := range z.open {
		s.end()
	}
}

// listenTo shakes hands and then reads subscriptions; the writer starts with
// the first of them possible.
func (z *publisher) listenTo(s *subscriber) {
	greeting := make([]byte, 64)
	greeting[0], greeting[9], greeting[10] = 0xff, 0x7f, 3
	copy(greeting[12:], "NULL")
	if _, err := s.conn.Write(greeting); err != nil {
		return
	}
	reader := bufio.NewReader(s.conn)
	if _, err := io.ReadFull(reader, greeting); err != nil || greeting[10] < 3 || !strings.HasPrefix(string(greeting[12:]), "NULL\x00") {
		return
	}
	ready := []byte("\x05READY\x0bSocket-Type\x00\x00\x00\x03PUB")
	if _, err := s.conn.Write(appendFrame(nil, zmqCommand, ready)); err != nil {
		return
	}
	z.node.life.work.Go(func() {
		z.writeTo(s)
		s.end()
	})
	for {
		flags, body, err := readFrame(reader)
		if err != nil {
			return
		}
		z.heed(s, flags, body)
	}
}

// heed takes a subscription, in the form of ZMTP 3.0 or 3.1, or a PING.
func (z *publisher) heed(s *subscriber, flags byte, body []byte) {
	z.mu.Lock()
	defer z.mu.Unlock()
	text := string(body)
	subscribe := func(prefix string) {
		s.prefixes = append(s.prefixes, prefix)
		z.stir()
	}
	cancel := func(prefix string) {
		if i := slices.Index(s.prefixes, prefix); i >= 0 {
			s.prefixes = slices.Delete(s.prefixes, i, i+1)
		}
	}
	if flags&zmqCommand == 0 {
		if prefix, ok := strings.CutPrefix(text, "\x01"); ok {
			subscribe(prefix)
		} else if prefix, ok := strings.CutPrefix(text, "\x00"); ok {
			cancel(prefix)
		}
		return
	}
	if prefix, ok := strings.CutPrefix(text, "\x09SUBSCRIBE"); ok {
		subscribe(prefix)
	} else if prefix, ok := strings.CutPrefix(text, "\x06CANCEL"); ok {
		cancel(prefix)
	} else if ping, ok := strings.CutPrefix(text, "\x04PING"); ok && len(ping) >= 2 {
		s.offer(zmqMessage{pong: true, body: []byte(ping[2:])})
	}
}

func (s *subscriber) offer(m zmqMessage) {
	select {
	case s.queue <- m:
	default: // beyond the high-water mark
	}
}

func (z *publisher) writeTo(s *subscriber) {
	for {
		select {
		case <-s.done:
			return
		case m := <-s.queue:
			if err := z.put(s, m); err != nil {
				return
			}
		}
	}
}

func (z *publisher) put(s *subscriber, m zmqMessage) error {
	if m.pong {
		_, err := s.conn.Write(appendFrame(nil, zmqCommand, append([]byte("\x04PONG"), m.body...)))
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	fault := z.node.fault(ctx, ProtocolZMQ, m.topic)
	if fault.Drop {
		return nil
	}
	frames := appendFrame(nil, zmqMore, []byte(m.topic))
	frames = appendFrame(frames, zmqMore, fault.apply(m.body))
	frames = appendFrame(frames, 0, binary.LittleEndian.AppendUint32(nil, m.number))
	if fault.broken() {
		_, _ = s.conn.Write(frames[:fault.keep(len(frames))])
		return errors.New("broken off")
	}
	if fault.Twice {
		frames = append(frames, frames...)
	}
	_, err := s.conn.Write(frames)
	return err
}

func appendFrame(dst []byte, flags byte, body []byte) []byte {
	if len(body) > 255 {
		dst = binary.BigEndian.AppendUint64(append(dst, flags|zmqLong), uint64(len(body)))
	} else {
		dst = append(dst, flags, byte(len(body)))
	}
	return append(dst, body...)
}

func readFrame(r *bufio.Reader) (flags byte, body []byte, err error) {
	if flags, err = r.ReadByte(); err != nil {
		return 0, nil, err
	}
	head := make([]byte, 1+7*(flags&zmqLong>>1))
	if _, err = io.ReadFull(r, head); err != nil {
		return 0, nil, err
	}
	size := uint64(0)
	for _, b := range head {
		size = size<<8 | uint64(b)
	}
	if size > zmqFrame {
		return 0, nil, errors.New("frame too long")
	}
	body = make([]byte, size)
	_, err = io.ReadFull(r, body)
	return flags, body, err
}

// tell turns what happened to the chain into messages. It is called with the
// chain locked.
func (z *publisher) tell(e event) {
	z.mu.Lock()
	defer z.mu.Unlock()
	switch e.kind {
	case newTip:
		hash := reversed(e.block.id.Hash)
		z.send("hashblock", func() []byte { return hash })
		z.send("rawblock", func() []byte { return e.block.raw })
	case blockAdded, blockGone:
		z.tellTxs(e.block)
		label := byte('C')
		if e.kind == blockGone {
			label = 'D'
		}
		z.send("sequence", func() []byte { return append(reversed(e.block.id.Hash), label) })
	case txAdded, txGone:
		label := byte('R')
		if e.kind == txAdded {
			label = 'A'
			z.send("hashtx", func() []byte { return reversed(e.tx.id) })
			z.send("rawtx", func() []byte { return e.tx.raw })
		}
		z.send("sequence", func() []byte {
			return binary.LittleEndian.AppendUint64(append(reversed(e.tx.id), label), e.sequence)
		})
	}
}

// tellTxs tells of each transaction of a block that came or went.
func (z *publisher) tellTxs(b *block) {
	if !z.wanted("hashtx") && !z.wanted("rawtx") {
		z.numbers["hashtx"] += uint32(len(b.txs))
		z.numbers["rawtx"] += uint32(len(b.txs))
		return
	}
	layout := z.node.chain.walked(b)
	for i, id := range b.txs {
		z.send("hashtx", func() []byte { return reversed(id) })
		z.send("rawtx", func() []byte { return txAt(b.raw, layout, i).Raw() })
	}
}

func (s *subscriber) wants(topic string) bool {
	return slices.ContainsFunc(s.prefixes, func(prefix string) bool { return strings.HasPrefix(topic, prefix) })
}

func (z *publisher) wanted(topic string) bool {
	for s := range z.open {
		if s.wants(topic) {
			return true
		}
	}
	return false
}

// SettleZMQ waits until everybody who is connected to the publisher has
// subscribed to the topics: what is published before reaches nobody.
func (n *Node) SettleZMQ(ctx context.Context, topics ...string) error {
	z := n.doors.publisher
	if z == nil {
		return nil
	}
	for {
		settled, changed := z.settled(topics)
		if settled {
			return nil
		}
		select {
		case <-changed:
		case <-n.life.stopped:
			return fmt.Errorf("wait for subscribers: %w", net.ErrClosed)
		case <-ctx.Done():
			return fmt.Errorf("wait for subscribers: %w", ctx.Err())
		}
	}
}

func (z *publisher) settled(topics []string) (bool, <-chan struct{}) {
	z.mu.Lock()
	defer z.mu.Unlock()
	for s := range z.open {
		for _, topic := range topics {
			if !s.wants(topic) {
				return false, z.changed
			}
		}
	}
	return true, z.changed
}

// stir wakes those who wait for subscribers. The publisher is locked.
func (z *publisher) stir() {
	close(z.changed)
	z.changed = make(chan struct{})
}

// send gives a message to those who want it. Its number counts on even where
// nobody does.
func (z *publisher) send(topic string, body func() []byte) {
	if !slices.Contains(z.topics, topic) {
		return
	}
	m := zmqMessage{topic: topic, number: z.numbers[topic]}
	z.numbers[topic]++
	for s := range z.open {
		if !s.wants(topic) {
			continue
		}
		if m.body == nil {
			m.body = body()
		}
		s.offer(m)
	}
}

// reversed returns a hash in the order that nodes print, which is the one that
// they publish.
func reversed(hash [32]byte) []byte {
	slices.Reverse(hash[:])
	return hash[:]
}
