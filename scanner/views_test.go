package scanner

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"coffer.example/coffer/coins"
)

// several is two nodes as one, of which the test says when the other takes over.
type several struct {
	*node
	other *node

	mu       sync.Mutex
	asked    int // for headers, since switchAt was set
	switchAt int // the question before which the other takes over; 0 for none
	view     uint64
	refused  []coins.BlockID
	errs     []error
}

func (s *several) View() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.view
}

func (s *several) Refuse(id coins.BlockID, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refused, s.errs = append(s.refused, id), append(s.errs, err)
}

// used returns the node that answers now.
func (s *several) used(headers bool) *node {
	s.mu.Lock()
	defer s.mu.Unlock()
	if headers && s.switchAt > 0 {
		if s.asked++; s.asked == s.switchAt {
			s.view++
		}
	}
	if s.view%2 == 0 {
		return s.node
	}
	return s.other
}

func (s *several) Tip(ctx context.Context) (coins.BlockID, error) { return s.used(false).Tip(ctx) }

func (s *several) Headers(ctx context.Context, from coins.Height, limit int) ([]coins.RawHeader, error) {
	return s.used(true).Headers(ctx, from, limit)
}

func (s *several) Block(ctx context.Context, id coins.BlockID, buf []byte) ([]byte, error) {
	raw, err := s.used(false).Block(ctx, id, buf)
	if err != nil {
		raw, err = s.node.Block(ctx, id, buf)
	}
	if err != nil {
		raw, err = s.other.Block(ctx, id, buf)
	}
	return raw, err
}

// The node in use leaves our branch for one that is 40 blocks shorter, with no more work; the other stays on ours and has
// a block more. When it takes over between two questions about the fork, their answers make up a fork that neither
// knows: nothing may be disconnected for it.
func TestViewChangesWithinAQuestion(t *testing.T) {
	for question := 1; question <= 6; question++ {
		synctest.Test(t, func(t *testing.T) {
			c, other := newChain(t, 100), newChain(t, 100)
			src := &several{node: newNode(c), other: newNode(other)}
			m, e := newMemory(t), &events{}
			r := start(t, New(src, m, options(c, e)))
			defer r.stop()
			synctest.Wait()
			if c.Tip() != other.Tip() || m.tip() != c.Tip() {
				t.Fatal("the chains differ from the beginning")
			}
			fork, _ := c.BlockID(59)
			first, _ := c.BlockID(60)
			must(t, c.Invalidate(first.Hash))
			_, err := c.MineOn(fork.Hash, 1)
			must(t, err)
			mine(t, other, 1)
			src.mu.Lock()
			src.switchAt = question
			src.mu.Unlock()
			pass(time.Minute)
			if m.tip() != other.Tip() {
				t.Errorf("switch before question %d: index at %s, the node at %s", question, m.tip(), other.Tip())
			}
			if found := of[ReorgFound](e); len(found) != 0 || len(of[Disconnected](e)) != 0 {
				t.Errorf("switch before question %d: %+v", question, found)
			}
		})
	}
}

func TestBadBlockIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newChain(t, 20)
		src := &several{node: newNode(c), other: newNode(c)}
		bad, _ := c.BlockID(10)
		broken := &breaks{several: src, bad: bad, times: 2}
		m, e := newMemory(t), &events{}
		r := start(t, New(broken, m, options(c, e)))
		defer r.stop()
		pass(time.Minute)
		m.equals(t, c)
		if len(src.refused) != 2 || src.refused[0] != bad || src.refused[1] != bad || !errors.Is(src.errs[0], coins.ErrMerkleRoot) {
			t.Errorf("refused %v: %v", src.refused, src.errs)
		}
	})
}

// breaks gives one block with a bit turned, so many times.
type breaks struct {
	*several
	bad   coins.BlockID
	times int
}

func (b *breaks) Block(ctx context.Context, id coins.BlockID, buf []byte) ([]byte, error) {
	raw, err := b.several.Block(ctx, id, buf)
	b.mu.Lock()
	defer b.mu.Unlock()
	if err == nil && id == b.bad && b.times > 0 {
		b.times--
		raw[len(raw)-1] ^= 1
	}
	return raw, err
}

// Headers with an impossible target are the node's fault at once; those that do not connect only when they stay so.
func TestBadHeadersAreRefused(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(h *coins.RawHeader)
		times  int // as often are they wrong
		want   int // and so often refused
		err    error
	}{
		{"impossible target", func(h *coins.RawHeader) { h[72], h[73], h[74], h[75] = 0, 0, 0, 0 }, 1, 1, ErrBits},
		{"a chain that moved", func(h *coins.RawHeader) { h[4] ^= 1 }, 2, 0, nil},
		{"not connected", func(h *coins.RawHeader) { h[4] ^= 1 }, 3, 1, ErrDisconnected},
	} {
		synctest.Test(t, func(t *testing.T) {
			c := newChain(t, 20)
			src := &several{node: newNode(c), other: newNode(c)}
			w := &wrongHeaders{several: src, change: test.change, times: test.times}
			m, e := newMemory(t), &events{}
			r := start(t, New(w, m, options(c, e)))
			defer r.stop()
			pass(time.Minute)
			m.equals(t, c)
			if len(src.refused) != test.want || test.want > 0 && !errors.Is(src.errs[0], test.err) {
				t.Errorf("%s: refused %v: %v", test.name, src.refused, src.errs)
			}
		})
	}
}

// wrongHeaders changes the last of several headers, so many times.
type wrongHeaders struct {
	*several
	change func(*coins.RawHeader)
	times  int
}

func (w *wrongHeaders) Headers(ctx context.Context, from coins.Height, limit int) ([]coins.RawHeader, error) {
	headers, err := w.several.Headers(ctx, from, limit)
	w.mu.Lock()
	defer w.mu.Unlock()
	if err == nil && len(headers) > 2 && w.times > 0 {
		w.times--
		w.change(&headers[len(headers)-1])
	}
	return headers, err
}

// What a look finds is acted on only when one node has answered all of it: where the other takes over within, though it
// has the same chain, everything is asked again.
func TestReorgIsOneViews(t *testing.T) {
	questions := func(t *testing.T, switchAt int) (asked int) {
		synctest.Test(t, func(t *testing.T) {
			c := newChain(t, 50)
			src := &several{node: newNode(c), other: newNode(c)}
			m, e := newMemory(t), &events{}
			o := options(c, e)
			o.OnEvent = func(event Event) {
				if _, ok := event.(ReorgFound); ok {
					src.mu.Lock()
					asked = src.asked
					src.mu.Unlock()
				}
				e.add(event)
			}
			r := start(t, New(src, m, o))
			defer r.stop()
			synctest.Wait()
			_, err := c.Reorg(20, 21)
			must(t, err)
			src.mu.Lock()
			src.switchAt = switchAt
			src.mu.Unlock()
			pass(time.Minute)
			m.equals(t, c)
			if found := of[ReorgFound](e); len(found) != 1 || found[0].Depth != 20 {
				t.Errorf("%+v", found)
			}
		})
		return asked
	}
	one := questions(t, 1000)
	if one < 3 {
		t.Fatalf("a reorg was found by %d questions", one)
	}
	for at := 1; at <= one; at++ {
		if got := questions(t, at); got != 2*one {
			t.Errorf("another node took over before question %d of %d, and the reorg was found by %d", at, one, got)
		}
	}
}

// turns is several of which the other takes over when the ids of the mempool were told.
type turns struct{ *several }

func (s *turns) MempoolIDs(ctx context.Context) ([]coins.TxID, error) {
	ids, err := s.used(false).MempoolIDs(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.view++
	return ids, err
}

// One node has confirmed a transaction in a block that the index does not have yet, nor the node that takes over: it is
// not gone.
func TestMempoolIsOneViews(t *testing.T) {
	ahead, behind := newChain(t, 110), newChain(t, 110)
	src := &turns{&several{node: newNode(ahead), other: newNode(behind)}}
	tx := src.node.send(t)
	m, e := newMemory(t), &events{}
	o := options(ahead, e)
	s := New(src.node, m, o)
	must(t, s.CatchUp(t.Context()))
	mine(t, ahead, 1)
	s.mem.src = &caller{src: src, clock: SystemClock{}}
	for range 2 { // ahead of the index first, then without the transaction
		same, err := s.mem.compare(t.Context(), behind.Tip())
		must(t, err)
		if same {
			t.Error("two nodes' answers were taken for one's")
		}
		if !m.unconfirmed(tx.ID()) {
			t.Error("a transaction that is confirmed was told gone")
		}
	}
}
