package whole

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/coins/sha256d"
	"coffer.example/coffer/utxo"
)

// maxViolations is how many broken invariants Check names.
const maxViolations = 20

// Check proves every invariant of the stored rows, step by step, and reports
// progress with what was read. It returns the first violations joined, each
// wrapping utxo.ErrCorrupt. Writers wait for it.
func (x *Index) Check(ctx context.Context, progress func(step string, count int)) error {
	x.writing.Lock()
	defer x.writing.Unlock()
	if err := x.ready(ctx); err != nil {
		return err
	}
	if err := x.flush(ctx); err != nil {
		return err
	}
	return x.view(ctx, func(s *snapshot) error {
		c := &checker{x: x, s: s, interrupted: ctx.Err, progress: progress}
		for _, step := range []struct {
			name  string
			check func() error
		}{
			{"blocks", c.blocks}, {"transactions", c.transactions}, {"transaction ids", c.ids}, {"runs", c.runs},
			{"history", c.history}, {"tables", c.tables},
		} {
			c.name, c.count = step.name, 0
			if err := step.check(); err != nil {
				if !errors.Is(err, utxo.ErrCorrupt) {
					return err // the store failed, or the caller gave up
				}
				c.bad = append(c.bad, err)
			}
			progress(c.name, c.count)
		}
		return errors.Join(c.bad...)
	})
}

// checker is one run of Check.
type checker struct {
	x           *Index
	s           *snapshot
	interrupted func() error
	progress    func(string, int)
	name        string
	count       int
	bad         []error
	// txs is how many transactions each block has, roots their merkle roots.
	txs   []uint32
	roots [][coins.HashSize]byte
	// named and outs are digests of the ids and outputs that transactions say, to
	// be held against what runs say.
	named, outs digest
}

func (c *checker) failf(format string, args ...any) {
	if len(c.bad) < maxViolations {
		c.bad = append(c.bad, fmt.Errorf("%s: %s: %w", c.name, fmt.Sprintf(format, args...), utxo.ErrCorrupt))
	}
}

// step counts, tells and asks whether to go on.
func (c *checker) step() error {
	if c.count++; c.count%100_000 != 0 {
		return nil
	}
	c.progress(c.name, c.count)
	return c.interrupted()
}

// blocks checks that headers connect up to the tip, and that the state is their
// sum.
func (c *checker) blocks() error {
	var below blockRow
	var all sum
	txs := uint64(0)
	err := c.s.r.Scan([]byte{tableHeader}, nil, false, func(key, value []byte) error {
		height := coins.Height(binary.BigEndian.Uint32(key[1:]))
		row, err := decodeBlock(value)
		if err != nil {
			return err
		}
		if int(height) != len(c.txs) || height > 0 && row.header.Prev() != below.header.Hash() {
			c.failf("header %d does not connect", height)
		}
		if height == 0 && row.header.Hash() != c.x.self.genesis {
			c.failf("the first header is %s", row.header.Hash())
		}
		c.txs, c.roots = append(c.txs, row.txs), append(c.roots, row.header.MerkleRoot())
		below, txs = row, txs+uint64(row.txs)
		all.plus(row.sum)
		return c.step()
	})
	st := c.s.st
	if int(st.next()) != len(c.txs) || st.hasTip && below.header.Hash() != st.tip.Hash {
		c.failf("the last header is %d %s, the tip %s", len(c.txs)-1, below.header.Hash(), st.tip)
	}
	if txs != st.txs || all.total != st.sum.total || all.funded != st.sum.funded || all.spent != st.sum.spent {
		c.failf("blocks sum to %d transactions and %+v, the state says %d and %+v", txs, all, st.txs, st.sum)
	}
	return err
}

// transactions checks each block's ids against the merkle root in its header.
func (c *checker) transactions() error {
	var ids [][coins.HashSize]byte
	at, hasher, buf := coins.Height(0), sha256d.New(), slices.Clone(c.x.self.salt[:])
	err := c.s.chunks(func(height coins.Height, ch chunk) error {
		if height != at || int(ch.first) != len(ids) || int(height) >= len(c.txs) {
			return fmt.Errorf("transactions %d of block %d follow %d of block %d: %w", ch.first, height, len(ids), at, utxo.ErrCorrupt)
		}
		for n := range ch.count() {
			id := ch.id(n)
			ids = append(ids, id)
			c.named.add(idFact(idItem{prefixOf(id), numberOf(height, ch.first+uint32(n))}))
		}
		err := ch.outputs(func(tx int, vout uint32, out output) bool {
			if out.script.code != scriptNone {
				var key scriptKey
				key, buf = keyOf(buf, out.script.bytes())
				c.outs.add(outFact(key, liveEntry{ref: coinRef{numberOf(height, ch.first+uint32(tx)), vout}, flags: out.flags, value: out.value}))
			}
			return true
		})
		if err == nil && len(ids) == int(c.txs[height]) {
			if root := merkleRoot(hasher, ids); root != c.roots[height] {
				c.failf("the ids of block %d do not hash to its merkle root", height)
			}
			at, ids = at+1, ids[:0]
		}
		return errors.Join(err, c.step())
	})
	if err == nil && int(at) != len(c.txs) {
		c.failf("transactions end in block %d of %d", at, len(c.txs))
	}
	return err
}

func merkleRoot(h *sha256d.Hasher, ids [][coins.HashSize]byte) [coins.HashSize]byte {
	for len(ids) > 1 {
		if len(ids)%2 != 0 {
			ids = append(ids, ids[len(ids)-1])
		}
		h.Pairs(ids, ids)
		ids = ids[:len(ids)/2]
	}
	return ids[0]
}

func idFact(it idItem) []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64([]byte{tableIDs}, it.prefix), uint64(it.num))
}

func outFact(key scriptKey, e liveEntry) []byte {
	b := e.ref.append(key.append([]byte{tableTxs}))
	return binary.BigEndian.AppendUint64(append(b, byte(e.flags&^flagSpent)), uint64(e.value))
}

// ids checks that the runs list every transaction once.
func (c *checker) ids() error {
	var listed digest
	for i := range c.s.st.runs {
		r, last := &c.s.st.runs[i], idItem{}
		count := uint64(0)
		for it, err := range c.s.ids(r) {
			if err == nil {
				err = c.step()
			}
			if err != nil {
				return err
			}
			if count++; count > 1 && compareIDs(&last, &it) >= 0 {
				c.failf("run %d: ids are out of order", r.id)
			}
			if last = it; r.counts(it.num.height()) {
				listed.add(idFact(it))
			}
		}
		if count != r.ids {
			c.failf("run %d has %d ids, the state says %d", r.id, count, r.ids)
		}
	}
	if listed != c.named {
		c.failf("the runs list other transactions than there are")
	}
	return nil
}

// runs checks that runs cover the chain, and what each says of scripts with
// many events against the events.
func (c *checker) runs() error {
	next := coins.Height(0)
	for i := range c.s.st.runs {
		r := &c.s.st.runs[i]
		if r.from != next || r.cut <= r.from || r.cut > r.to+1 || r.id > c.s.st.lastRun {
			c.failf("run %d of blocks %d to %d, cut at %d, follows block %d", r.id, r.from, r.to, r.cut, next-1)
		}
		next = r.cut
		count, last := uint64(0), scriptKey{}
		for g, err := range c.s.groups(r) {
			if err != nil {
				return err
			}
			if count > 0 && g.key.compare(last) <= 0 {
				c.failf("run %d: scripts are out of order", r.id)
			}
			last = g.key
			n, err := c.group(r, g)
			if err != nil {
				return err
			}
			count += n
		}
		if count != r.events {
			c.failf("run %d has %d events, the state says %d", r.id, count, r.events)
		}
	}
	if next != c.s.st.next() {
		c.failf("runs end before block %d, the next is %d", next, c.s.st.next())
	}
	return nil
}

// group counts a group's events, and checks what is stored of them beside.
func (c *checker) group(r *run, g *group) (uint64, error) {
	if !g.pages {
		return uint64(len(g.events)), c.step()
	}
	var got sum
	var maturing []event
	set, last := live{}, []byte(nil)
	err := c.s.pages(r, g.key, nil, false, func(events []event) error {
		for i := range events {
			got.add(&events[i])
			set.add(&events[i])
			if events[i].flags.generated() {
				maturing = append(maturing, events[i])
			}
			place := events[i].appendPlace(nil)
			if last != nil && bytes.Compare(last, place) >= 0 {
				c.failf("run %d: events of a script are out of order", r.id)
			}
			last = place
		}
		return c.step()
	})
	if err != nil {
		return 0, err
	}
	if got != g.sum {
		c.failf("run %d: the events of a script come to %+v, its row says %+v", r.id, got, g.sum)
	}
	err = c.s.maturing(r, g.key, func(events []event) error {
		n := len(maturing) - len(events)
		if n < 0 || !slices.Equal(maturing[n:], events) {
			c.failf("run %d: what matures of a script is %+v, its page says %+v", r.id, maturing, events)
			return utxo.ErrStop
		}
		maturing = maturing[:n]
		return nil
	})
	if err != nil {
		return 0, err
	}
	if len(maturing) > 0 {
		c.failf("run %d: %d events of what matures are not listed", r.id, len(maturing))
	}
	for e, err := range c.s.livePages(&holding{run: r, group: *g}, nil) {
		if err != nil {
			return 0, err
		}
		if want, there := set[e.ref]; !there || want != e {
			c.failf("run %d: a script's coin %+v is %+v by its events", r.id, e, want)
		}
		delete(set, e.ref)
	}
	if len(set) > 0 {
		c.failf("run %d: %d coins of a script are not listed", r.id, len(set))
	}
	return got.funded + got.spent, nil
}

// history checks that events are those of the transactions: each output
// received once, and spent at most once and later.
func (c *checker) history() error {
	var received digest
	var key scriptKey
	var all sum
	var last event
	set := live{}
	err := mergedGroups(c.s, c.s.st.runs, func(k scriptKey, e *event) error {
		if k != key {
			key, last = k, event{}
			clear(set)
		} else if last.compare(e) >= 0 {
			c.failf("events of a script are out of order in block %d", e.num.height())
		}
		last = *e
		all.add(e)
		if e.flags&flagSpent == 0 {
			entry := liveEntry{ref: e.coin, flags: e.flags, value: e.value}
			received.add(outFact(k, entry))
			set[e.coin] = entry
			return c.step()
		}
		was, there := set[e.coin]
		if !there || was.value != e.value || was.flags != e.flags&^flagSpent || e.coin.num >= e.num {
			c.failf("input %d of transaction %d in block %d spends what its script does not have", e.n, e.num.place(), e.num.height())
		}
		delete(set, e.coin)
		return c.step()
	})
	if err != nil {
		return err
	}
	if st := c.s.st.sum; all.total != st.total || all.funded != st.funded || all.spent != st.spent {
		c.failf("events come to %+v, the state says %+v", all, st)
	}
	if received != c.outs {
		c.failf("scripts received other outputs than the transactions have")
	}
	return nil
}

// tables checks that every row is of a table, and of a run that the state names
// or has dropped.
func (c *checker) tables() error {
	runs := map[runID]bool{}
	for i := range c.s.st.runs {
		runs[c.s.st.runs[i].id] = true
	}
	for _, id := range c.s.st.dropped {
		runs[id] = true
	}
	return c.s.r.Scan(nil, nil, false, func(key, _ []byte) error {
		switch {
		case len(key) == 0:
			c.failf("an empty key")
		case bytes.IndexByte(runTables(), key[0]) >= 0:
			if len(key) < 5 || !runs[runID(binary.BigEndian.Uint32(key[1:]))] {
				c.failf("row %x is of no run", key)
			}
		case bytes.IndexByte([]byte{tableHeader, tableIdentity, tableState, tableTxs}, key[0]) < 0:
			c.failf("row %x is of no table", key)
		}
		return c.step()
	})
}
