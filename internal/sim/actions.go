package sim

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/scanner"
	"coffer.example/coffer/utxo"
)

// outputs draws what a transaction pays.
func (w *World) outputs(rng *rand.Rand, most int) []output {
	list := make([]output, 1+rng.IntN(most))
	for i := range list {
		list[i] = output{coins.Amount(rng.IntN(1000)), w.payee(rng)}
	}
	return list
}

func (w *World) salt() uint32 {
	w.record.salt++
	return w.record.salt << 4
}

// spend draws a transaction of some of a set's coins.
func (w *World) spend(rng *rand.Rand, set *coinSet) *tx {
	list := slices.Clone(set.spendable())
	if len(list) == 0 {
		return nil
	}
	var ins []coins.OutPoint
	for range 1 + rng.IntN(min(3, len(list))) {
		i := rng.IntN(len(list))
		ins = append(ins, list[i])
		list = slices.Delete(list, i, i+1)
	}
	return newTx(w.salt(), ins, w.outputs(rng, 3))
}

// mineOn mines blocks above a block; the node's tip is moved to the last where
// it then has more work. Content is drawn: some of what waits, spends, nothing.
func (w *World) mineOn(rng *rand.Rand, parent *block, n int) *block {
	set := unspentAt(parent)
	for range n {
		bits := uint32(bitsEasy)
		if rng.IntN(6) == 0 {
			bits = bitsHard
		}
		parent = newBlock(parent, w.salt(), bits, w.content(rng, parent, set))
		w.node.add(parent)
		w.note("  mined %s, work %d, %d transactions", parent.id, parent.work, len(parent.txs))
	}
	if parent.work > w.node.now.tip.work && !parent.broken() {
		w.node.move(parent)
	}
	return parent
}

// content draws a block's transactions and applies them to the set.
func (w *World) content(rng *rand.Rand, parent *block, set *coinSet) []*tx {
	cb := newTx(w.salt(), nil, w.outputs(rng, 2))
	twin := newTx(7, nil, []output{{50, scriptOf(0)}, {7, scriptOf(1)}})
	if rng.IntN(12) == 0 && countTx(parent, twin.id) < 2 { // as on Bitcoin: pairs, no more
		cb = twin
	}
	txs := []*tx{cb}
	if rng.IntN(8) == 0 {
		set.apply(cb)
		return txs
	}
	for _, t := range w.node.now.pool {
		if rng.IntN(2) == 0 && set.holds(t) && countTx(parent, t.id) == 0 {
			set.apply(t)
			txs = append(txs, t)
		}
	}
	set.apply(cb)
	for range rng.IntN(4) {
		if t := w.spend(rng, set); t != nil {
			set.apply(t)
			txs = append(txs, t)
		}
	}
	return txs
}

func countTx(tip *block, id coins.TxID) (n int) {
	for b := tip; b != nil; b = b.parent {
		for _, t := range b.txs {
			if t.id == id {
				n++
			}
		}
	}
	return n
}

// mine extends the node's chain.
func (w *World) mine(_ context.Context, rng *rand.Rand) {
	w.mineOn(rng, w.node.now.tip, 1+rng.IntN(3))
}

// floor is the lowest block that branches may leave the chain at: undo reaches
// so far from wherever the index may stand.
func (w *World) floor() coins.Height {
	return max(0, w.setup.start-1, w.node.top-w.setup.maxReorg)
}

// reorg makes a branch, mostly one with more work, sometimes of as much, so
// that nothing is to happen.
func (w *World) reorg(_ context.Context, rng *rand.Rand) {
	tip := w.node.now.tip
	room := int(tip.id.Height - w.floor())
	if room < 1 {
		return
	}
	depth := 1 + rng.IntN(min(room, 3))
	if rng.IntN(3) == 0 {
		depth = 1 + rng.IntN(min(room, 40))
	}
	at := tip.at(tip.id.Height - coins.Height(depth))
	more := uint64(rng.IntN(3))
	for blocks := 0; at.work < tip.work+more && blocks < depth+6; blocks++ {
		if rng.IntN(20) == 0 {
			break
		}
		at = w.mineOn(rng, at, 1)
	}
	w.did("reorg")
}

// send puts a transaction into the mempool; one that spends what another
// spends already replaces that and what depends on it.
func (w *World) send(_ context.Context, rng *rand.Rand) {
	switch rng.IntN(5) {
	case 2: // what was gone, or in a block that is left, comes back
		if w.resend(rng) {
			return
		}
	case 0: // replacement
		if pool := w.node.now.pool; len(pool) > 0 {
			old := pool[rng.IntN(len(pool))]
			rival := newTx(w.salt(), old.ins[:1], w.outputs(rng, 2))
			w.node.refill(append([]*tx{rival}, pool...))
			w.did("replacement")
			return
		}
	case 1: // eviction
		if pool := w.node.now.pool; len(pool) > 0 {
			i := rng.IntN(len(pool))
			w.node.refill(slices.Delete(slices.Clone(pool), i, i+1))
			w.did("eviction")
			return
		}
	}
	if t := w.spend(rng, w.node.poolCoins()); t != nil {
		w.record.sent = append(w.record.sent, t)
		w.node.now.pool = append(slices.Clone(w.node.now.pool), t)
		w.hint(scanner.Hint{Kind: scanner.HintTx, Raw: slices.Clone(t.raw)})
	}
}

// resend puts transactions into the mempool that were there before and are not.
func (w *World) resend(rng *rand.Rand) bool {
	before := len(w.node.now.pool)
	list := slices.Clone(w.node.now.pool)
	for _, t := range w.record.sent {
		if rng.IntN(2) == 0 && !slices.Contains(list, t) {
			list = append(list, t)
		}
	}
	w.node.refill(list)
	if len(w.node.now.pool) > before {
		w.did("resend")
	}
	return len(w.node.now.pool) > before
}

// doubleSpend mines a block that spends what a waiting transaction spends.
func (w *World) doubleSpend(_ context.Context, rng *rand.Rand) {
	tip, set := w.node.now.tip, unspentAt(w.node.now.tip)
	pool := slices.DeleteFunc(slices.Clone(w.node.now.pool), func(t *tx) bool { return !set.holds(t) })
	if len(pool) == 0 {
		return
	}
	old := pool[rng.IntN(len(pool))]
	rival := newTx(w.salt(), old.ins[:1], w.outputs(rng, 2))
	b := newBlock(tip, w.salt(), bitsEasy, []*tx{newTx(w.salt(), nil, w.outputs(rng, 2)), rival})
	w.node.add(b)
	w.node.move(b)
	w.did("double spend")
}

// mislead makes the node show an older tip, or another one of the same work, or
// the one and the other in turns; or be itself again.
func (w *World) mislead(_ context.Context, rng *rand.Rand) {
	n := &w.node
	if n.shown != nil {
		n.shown, n.flaps = nil, false
		return
	}
	shown := view{tip: n.now.tip}
	if rng.IntN(2) == 0 { // behind, without a fork
		back := coins.Height(1 + rng.IntN(6))
		shown.tip = shown.tip.at(max(min(w.floor(), shown.tip.id.Height), shown.tip.id.Height-back))
		w.did("behind")
	} else { // a rival
		var rivals []*block
		for _, b := range n.blocks {
			if b.work == n.now.tip.work && b != n.now.tip && !b.broken() && forkOf(b, n.now.tip).id.Height >= w.floor() {
				rivals = append(rivals, b)
			}
		}
		if len(rivals) == 0 {
			return
		}
		slices.SortFunc(rivals, func(a, b *block) int { return slices.Compare(a.id.Hash[:], b.id.Hash[:]) })
		shown.tip = rivals[rng.IntN(len(rivals))]
		w.did("rival of equal work")
	}
	n.shown, n.flaps = &shown, rng.IntN(2) == 0
}

// invalidate makes the node find a block of its chain invalid, or change its
// mind about all of them. It then takes the chain with the most work.
func (w *World) invalidate(_ context.Context, rng *rand.Rand) {
	n, tip := &w.node, w.node.now.tip
	var flip []*block
	for _, b := range n.blocks {
		if b.invalid {
			flip = append(flip, b)
		}
	}
	if room := int(tip.id.Height - w.floor()); len(flip) == 0 && room > 0 {
		flip = append(flip, tip.at(tip.id.Height-coins.Height(rng.IntN(min(room, 4)))))
	}
	for _, b := range flip {
		b.invalid = !b.invalid
	}
	best := n.best()
	if forkOf(best, tip).id.Height < w.floor() { // too deep for the index to follow
		for _, b := range flip {
			b.invalid = !b.invalid
		}
		return
	}
	w.did("invalid block")
	if n.shown, n.flaps = nil, false; best != tip {
		n.move(best)
	}
}

// hint tells the scanner something, where it listens and has room.
func (w *World) hint(h scanner.Hint) {
	if w.process.hints == nil {
		return
	}
	select {
	case w.process.hints <- h:
	default:
	}
}

// tell sends hints, true ones and others, and more than once.
func (w *World) tell(_ context.Context, rng *rand.Rand) {
	h := scanner.Hint{Kind: scanner.HintKind(rng.IntN(3))}
	if h.Kind == scanner.HintTx && rng.IntN(4) > 0 {
		txs := append(slices.Clone(w.node.now.tip.txs[1:]), w.node.now.pool...) // confirmed ones too
		if len(txs) == 0 {
			return
		}
		h.Raw = slices.Clone(txs[rng.IntN(len(txs))].raw)
	}
	for range 1 + rng.IntN(2) {
		w.hint(h)
	}
}

// armed is a fault that waits for its call.
type armed struct {
	method string // "" any
	after  int
	times  int
	kind   faultKind
}

// armSource makes coming answers of the node go wrong.
func (w *World) armSource(_ context.Context, rng *rand.Rand) {
	methods := []string{"", "", "tip", "headers", "block", "block", "invalid", "mempool", "transactions"}
	kinds := faultKinds()
	w.faults = append(w.faults, armed{
		method: methods[rng.IntN(len(methods))], after: rng.IntN(8), times: 1 + rng.IntN(4), kind: kinds[rng.IntN(len(kinds))],
	})
}

// armStore makes a coming call of the store fail.
func (w *World) armStore(_ context.Context, rng *rand.Rand) {
	only := []string{"", "", "commit", "update", "set"}[rng.IntN(5)]
	most := 200
	if only != "" {
		most = 8
	}
	w.store.arm(1+rng.IntN(most), only, rng.IntN(3) == 0, rng.IntN(4) == 0)
	w.did("store fault armed")
}

// watch imports scripts, with or without their past.
func (w *World) watch(ctx context.Context, rng *rand.Rand) {
	next := w.model.next()
	var specs []utxo.WatchSpec
	for range 1 + rng.IntN(3) {
		spec := utxo.WatchSpec{Script: []byte(scriptOf(rng.IntN(w.setup.scripts))), Label: "sim"}
		if rng.IntN(3) == 0 {
			spec.Birth = coins.Height(rng.IntN(int(next) + 1))
		}
		specs = append(specs, spec)
	}
	var job *utxo.JobSpec
	if rng.IntN(3) > 0 && w.model.tip != nil {
		job = &utxo.JobSpec{From: coins.Height(rng.IntN(int(next)))}
		if rng.IntN(3) == 0 {
			job.To = job.From + coins.Height(rng.IntN(10))
		}
	}
	result, err := w.process.index.Watch(ctx, specs, job)
	w.note("  watch %d scripts, past %v: %+v, %v", len(specs), job, result, err)
	if errors.Is(err, utxo.ErrJobBusy) {
		return
	}
	w.requested(ctx, "import", err, func(ctx context.Context, sure bool) error {
		return w.learn(ctx, specs, job, next, sure)
	})
}

// learn tells the model of what an import made watched: all of it, where that is
// sure.
func (w *World) learn(ctx context.Context, specs []utxo.WatchSpec, job *utxo.JobSpec, next coins.Height, sure bool) error {
	births := map[string]coins.Height{}
	for _, spec := range specs {
		birth, named := births[string(spec.Script)]
		if !named {
			birth = spec.Birth
		}
		births[string(spec.Script)] = min(birth, spec.Birth)
	}
	for script, birth := range births {
		is, found, err := w.process.index.Watched(ctx, []byte(script))
		if err != nil {
			return err
		}
		known := w.model.watched[script]
		switch {
		case !found && sure:
			return fmt.Errorf("%w: script %x was imported and is not watched", ErrBroken, script)
		case !found, known != nil && job != nil && !sure && is.Birth > max(birth, job.From):
		case known == nil && job != nil:
			w.model.watched[script] = &watch{birth: max(birth, job.From), since: next, live: map[coins.BlockHash]bool{}}
		case known == nil:
			w.model.watched[script] = &watch{birth: max(birth, next), since: next, live: map[coins.BlockHash]bool{}}
		case job != nil && max(birth, job.From) < next:
			known.birth = min(known.birth, max(birth, job.From))
		}
	}
	return nil
}

// archive says of a script whether it is wanted in lists.
func (w *World) archive(ctx context.Context, rng *rand.Rand) {
	scripts := slices.Sorted(maps.Keys(w.model.watched))
	if len(scripts) == 0 {
		return
	}
	script, archived := scripts[rng.IntN(len(scripts))], rng.IntN(2) == 0
	n, err := w.process.index.ChangeWatches(ctx, []utxo.WatchChange{{Script: []byte(script), Archived: &archived}})
	w.note("  archive %x, %v: %d, %v", script, archived, n, err)
	w.requested(ctx, "archive", err, func(ctx context.Context, sure bool) error {
		is, found, err := w.process.index.Watched(ctx, []byte(script))
		if err == nil && sure && (!found || is.Archived != archived) {
			err = fmt.Errorf("%w: script %x, watched %v, is archived: %v", ErrBroken, script, found, is.Archived)
		}
		if known := w.model.watched[script]; known != nil {
			known.archived = is.Archived
		}
		return err
	})
}

// unwatch takes scripts out of the watch set.
func (w *World) unwatch(ctx context.Context, rng *rand.Rand) {
	scripts := slices.Sorted(maps.Keys(w.model.watched))
	scripts = slices.DeleteFunc(scripts, func(script string) bool { return w.model.watched[script].derived })
	if len(scripts) == 0 {
		return
	}
	script := scripts[rng.IntN(len(scripts))]
	if w.scanning(ctx, script) {
		w.did("unwatch while scanning")
	}
	removed, err := w.process.index.Unwatch(ctx, [][]byte{[]byte(script)})
	w.note("  unwatch %x: %d, %v", script, removed, err)
	learn := func(ctx context.Context, _ bool) error {
		_, found, err := w.process.index.Watched(ctx, []byte(script))
		if err != nil || found {
			return err
		}
		delete(w.model.watched, script)
		w.model.unreserve(script)
		if err := w.reader.follow(ctx, w.process.index, 0); err != nil {
			return err
		}
		w.reader.forget(script)
		return nil
	}
	w.requested(ctx, "unwatch", err, learn)
}

// scanning reports whether a job reads a script's past.
func (w *World) scanning(ctx context.Context, script string) (is bool) {
	err := w.store.look(func() error {
		known, _, err := w.process.index.Watched(ctx, []byte(script))
		is = known.State == utxo.Scanning
		return err
	})
	if err != nil {
		w.broke(fmt.Errorf("%w: look at script %x: %w", ErrBroken, script, err))
	}
	return is
}

// rescan queues a job over a range that may overlap with others'.
func (w *World) rescan(ctx context.Context, rng *rand.Rand) {
	if w.model.tip == nil {
		return
	}
	next := w.model.next()
	spec := utxo.JobSpec{From: coins.Height(rng.IntN(int(next))), All: rng.IntN(3) == 0}
	if rng.IntN(2) == 0 {
		spec.To = spec.From + coins.Height(rng.IntN(20))
	}
	scripts := slices.Sorted(maps.Keys(w.model.watched))
	if !spec.All {
		for _, script := range scripts {
			if rng.IntN(3) == 0 {
				spec.Scripts = append(spec.Scripts, []byte(script))
			}
		}
		if len(spec.Scripts) == 0 {
			return
		}
	}
	before := len(w.jobs(ctx))
	job, err := w.process.index.CreateJob(ctx, spec)
	w.note("  rescan from %d of %d scripts, all %v: job %d, %v", spec.From, len(spec.Scripts), spec.All, job.ID, err)
	if errors.Is(err, utxo.ErrJobBusy) {
		return
	}
	learn := func(ctx context.Context, _ bool) error {
		if len(w.jobs(ctx)) == before {
			return nil
		}
		for _, script := range spec.Scripts {
			if known := w.model.watched[string(script)]; known != nil {
				known.birth = min(known.birth, spec.From)
			}
		}
		return nil
	}
	w.requested(ctx, "rescan", err, learn)
}

// cancel ends a job, or resumes one that was cancelled.
func (w *World) cancel(ctx context.Context, rng *rand.Rand) {
	jobs := slices.DeleteFunc(w.jobs(ctx), func(j utxo.Job) bool { return j.State == utxo.JobDone })
	if len(jobs) == 0 {
		return
	}
	job := jobs[rng.IntN(len(jobs))]
	if job.State == utxo.JobCancelled || job.State == utxo.JobFailed {
		w.resume(ctx, job.ID)
		return
	}
	for _, t := range w.process.tasks {
		if t.pass != nil && slices.Equal(t.pass.Jobs(), []utxo.JobID{job.ID}) && rng.IntN(2) == 0 {
			t.stop()
		}
	}
	_, err := w.process.index.EndJob(ctx, job.ID, utxo.JobCancelled, "cancelled")
	w.note("  cancel job %d: %v", job.ID, err)
	w.wrote(w.process.index, err, false)
	if err != nil {
		w.failed(ctx, "cancel", err)
		return
	}
	w.did("cancel")
}

// resume lets a cancelled job be run again.
func (w *World) resume(ctx context.Context, id utxo.JobID) {
	_, err := w.process.index.ResumeJob(ctx, id)
	w.note("  resume job %d: %v", id, err)
	w.wrote(w.process.index, err, false)
	if err != nil {
		w.failed(ctx, "resume", err)
		return
	}
	w.did("resume")
}
