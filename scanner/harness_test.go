package scanner

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/coins/btc"
	"coffer.example/coffer/internal/simnode"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// newChain returns a Bitcoin regtest chain of some blocks above genesis.
func newChain(tb testing.TB, blocks int) *simnode.Chain {
	tb.Helper()
	coin, err := btc.New(coins.Regtest)
	must(tb, err)
	c, err := simnode.NewChain(simnode.Config{Coin: coin, Seed: 1})
	must(tb, err)
	mine(tb, c, blocks)
	return c
}

func mine(tb testing.TB, c *simnode.Chain, blocks int, contents ...simnode.Content) {
	tb.Helper()
	_, err := c.Mine(blocks, contents...)
	must(tb, err)
}

// node is a simulated chain as a Source in this process. Its hook sees each
// call first and may fail it, wait, or change the chain.
type node struct {
	*simnode.Chain
	hook func(ctx context.Context, call string) error
	// spoil changes a block's bytes on their way.
	spoil func(id coins.BlockID, raw []byte) []byte

	mu      sync.Mutex
	txs     map[coins.TxID][]byte
	invalid map[coins.BlockHash]bool
}

func newNode(c *simnode.Chain) *node {
	return &node{Chain: c, txs: map[coins.TxID][]byte{}, invalid: map[coins.BlockHash]bool{}}
}

func (n *node) enter(ctx context.Context, call string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	n.mu.Lock()
	hook := n.hook
	n.mu.Unlock()
	if hook != nil {
		return hook(ctx, call)
	}
	return nil
}

// intercept sets the hook while the node is in use.
func (n *node) intercept(hook func(ctx context.Context, call string) error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.hook = hook
}

func (n *node) Tip(ctx context.Context) (coins.BlockID, error) {
	if err := n.enter(ctx, "tip"); err != nil {
		return coins.BlockID{}, err
	}
	return n.Chain.Tip(), nil
}

func (n *node) Headers(ctx context.Context, from coins.Height, limit int) (headers []coins.RawHeader, err error) {
	if err := n.enter(ctx, "headers"); err != nil {
		return nil, err
	}
	for ; len(headers) < limit; from++ {
		id, ok := n.BlockID(from)
		if !ok {
			break
		}
		raw, err := n.RawBlock(id.Hash)
		if err != nil {
			return nil, err
		}
		headers = append(headers, coins.RawHeader(raw[:coins.HeaderSize]))
	}
	return headers, nil
}

func (n *node) Block(ctx context.Context, id coins.BlockID, buf []byte) ([]byte, error) {
	if err := n.enter(ctx, "block"); err != nil {
		return nil, err
	}
	raw, err := n.RawBlock(id.Hash)
	if err != nil {
		return nil, err
	}
	if n.spoil != nil {
		raw = n.spoil(id, bytes.Clone(raw))
	}
	return append(buf[:0], raw...), nil
}

func (n *node) Invalid(ctx context.Context, hash coins.BlockHash) (bool, error) {
	if err := n.enter(ctx, "invalid"); err != nil {
		return false, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.invalid[hash], nil
}

func (n *node) MempoolIDs(ctx context.Context) ([]coins.TxID, error) {
	if err := n.enter(ctx, "mempool ids"); err != nil {
		return nil, err
	}
	return n.Mempool(), nil
}

func (n *node) MempoolTxs(ctx context.Context, ids []coins.TxID, each func(coins.TxID, []byte) error) error {
	if err := n.enter(ctx, "mempool txs"); err != nil {
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, id := range ids {
		if raw, ok := n.txs[id]; ok {
			if err := each(id, bytes.Clone(raw)); err != nil {
				return err
			}
		}
	}
	return nil
}

// send puts a transaction into the mempool.
func (n *node) send(tb testing.TB) *simnode.Tx {
	tb.Helper()
	tx, err := n.Send(simnode.TxSpec{Outputs: []simnode.Out{{Value: 10_000, Script: n.OwnScript()}}})
	must(tb, err)
	n.keep(tx)
	return tx
}

func (n *node) keep(tx *simnode.Tx) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.txs[tx.ID()] = tx.Raw()
}

// memory is a Sink that keeps everything, and holds the scanner to the
// contract: order, parents, content, and no confirmed transaction gone.
type memory struct {
	tb   testing.TB
	fail func(call string, id coins.BlockID) error

	mu        sync.Mutex
	blocks    []stored
	txs       map[coins.TxID]bool // confirmed
	mempool   map[coins.TxID]bool
	history   []string // of the mempool
	connected int
	pending   int // blocks that are not durable yet
	changed   chan struct{}
}

type stored struct {
	id     coins.BlockID
	header coins.RawHeader
	txs    []coins.TxID
}

func newMemory(tb testing.TB) *memory {
	return &memory{tb: tb, txs: map[coins.TxID]bool{}, mempool: map[coins.TxID]bool{}, changed: make(chan struct{}, 1)}
}

// intercept sets what fails while the sink is in use.
func (m *memory) intercept(fail func(call string, id coins.BlockID) error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fail = fail
}

func (m *memory) enter(call string, id coins.BlockID) error {
	if m.fail != nil {
		return m.fail(call, id)
	}
	return nil
}

func (m *memory) Tip(ctx context.Context) (coins.BlockID, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.enter("tip", coins.BlockID{}); err != nil || len(m.blocks) == 0 {
		return coins.BlockID{}, false, err
	}
	return m.blocks[len(m.blocks)-1].id, true, ctx.Err()
}

func (m *memory) Header(_ context.Context, height coins.Height) (coins.RawHeader, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.blocks) == 0 || height < m.blocks[0].id.Height {
		return coins.RawHeader{}, fmt.Errorf("height %d: %w", height, coins.ErrNoHeader)
	}
	return m.blocks[height-m.blocks[0].id.Height].header, nil
}

func (m *memory) Prepare(b *coins.Block) {
	b.ScriptMarks = append(b.ScriptMarks[:0], uint64(b.ID.Height))
}

func (m *memory) Connect(ctx context.Context, b *coins.Block) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := m.enter("connect", b.ID); err != nil {
		return err
	}
	if n := len(m.blocks); n > 0 && (m.blocks[n-1].id.Hash != b.Header.Prev() || m.blocks[n-1].id.Height+1 != b.ID.Height) {
		return fmt.Errorf("block %s on %s: %w", b.ID, m.blocks[n-1].id, coins.ErrNotNext)
	}
	if b.ScriptMarks[0] != uint64(b.ID.Height) || b.Header.Hash() != b.ID.Hash {
		m.tb.Errorf("block %s came unprepared", b.ID)
	}
	s := stored{id: b.ID, header: b.Header}
	for i := range b.Layout.TxCount() {
		id := b.TxID(i)
		s.txs = append(s.txs, id)
		m.txs[id] = true
		delete(m.mempool, id)
	}
	m.blocks = append(m.blocks, s)
	m.connected++
	if m.pending++; !b.More {
		m.pending = 0
	}
	m.signal()
	return nil
}

func (m *memory) Disconnect(_ context.Context, tip coins.BlockID) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.enter("disconnect", tip); err != nil {
		return err
	}
	last := len(m.blocks) - 1
	if last < 0 || m.blocks[last].id != tip {
		return fmt.Errorf("disconnect %s: %w", tip, coins.ErrNotNext)
	}
	for _, id := range m.blocks[last].txs {
		delete(m.txs, id)
	}
	m.blocks = m.blocks[:last]
	m.signal()
	return nil
}

func (m *memory) Mempool(_ context.Context, change coins.MempoolChange) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.enter("mempool", coins.BlockID{}); err != nil {
		return err
	}
	m.pending = 0
	if change.Complete {
		named := map[coins.TxID]bool{}
		for _, tx := range change.Added {
			named[tx.ID] = true
			if len(tx.Raw) == 0 && !m.mempool[tx.ID] {
				m.tb.Errorf("%s named without ever having been given", tx.ID)
			}
		}
		for id := range m.mempool {
			if !named[id] {
				change.Gone = append(change.Gone, id)
			}
		}
	}
	for _, tx := range change.Added {
		if len(tx.Raw) > 0 && tx.Seen.IsZero() {
			m.tb.Errorf("%s was never seen", tx.ID)
		}
		if !m.mempool[tx.ID] && !m.txs[tx.ID] {
			m.history = append(m.history, "seen "+tx.ID.String())
			m.mempool[tx.ID] = true
		}
	}
	for _, id := range change.Gone {
		if m.txs[id] {
			m.tb.Errorf("%s is confirmed and was reported gone", id)
		}
		delete(m.mempool, id)
		m.history = append(m.history, "gone "+id.String())
	}
	m.signal()
	return nil
}

func (m *memory) signal() {
	select {
	case m.changed <- struct{}{}:
	default:
	}
}

// tip returns the last block.
func (m *memory) tip() coins.BlockID {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.blocks) == 0 {
		return coins.BlockID{Height: -1}
	}
	return m.blocks[len(m.blocks)-1].id
}

func (m *memory) unconfirmed(id coins.TxID) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.mempool[id]
}

// equals fails unless every stored block is the chain's, up to its tip.
func (m *memory) equals(tb testing.TB, c *simnode.Chain) {
	tb.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.blocks) == 0 {
		tb.Fatal("no block was connected")
	}
	for _, s := range m.blocks {
		if id, ok := c.BlockID(s.id.Height); !ok || id != s.id {
			tb.Fatalf("block %s, the chain has %s", s.id, id)
		}
	}
	if m.pending > 0 {
		tb.Errorf("the last %d blocks are not durable", m.pending)
	}
	if last := m.blocks[len(m.blocks)-1].id; last != c.Tip() {
		tb.Fatalf("tip %s, the chain's is %s", last, c.Tip())
	}
}

// events gathers what a scanner reports.
type events struct {
	mu  sync.Mutex
	all []Event
}

func (e *events) add(event Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.all = append(e.all, event)
}

// of returns the events of one type.
func of[T Event](e *events) (found []T) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, event := range e.all {
		if t, ok := event.(T); ok {
			found = append(found, t)
		}
	}
	return found
}

func options(c *simnode.Chain, e *events) Options {
	return Options{Params: c.Params(), CheckTarget: true, OnEvent: e.add, Random: func() float64 { return 0.5 }}
}

// running is a scanner that runs beside a test.
type running struct {
	*Scanner
	stop func()
	done chan error
}

// start runs a scanner until the test, or stop, ends it.
func start(tb testing.TB, s *Scanner) *running {
	ctx, cancel := context.WithCancel(tb.Context())
	r := &running{Scanner: s, done: make(chan error, 1)}
	go func() { r.done <- s.Run(ctx) }()
	var once sync.Once
	r.stop = func() {
		once.Do(func() {
			cancel()
			if err := <-r.done; err != nil {
				tb.Errorf("the scanner ended with: %v", err)
			}
		})
	}
	return r
}

var errFault = errors.New("injected fault")
