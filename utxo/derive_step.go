package utxo

import (
	"bytes"
	"cmp"
	"slices"

	"coffer.example/coffer/coins"
)

// growth is what a step derives.
type growth struct {
	sources map[SourceID]*sourceRow
	// fresh are the scripts that blocks are not matched against before the step
	// is stored, by their bytes; list those, and known ones that count from an
	// earlier height on.
	fresh map[string]scriptID
	list  []derivedWatch
	added int
	// named counts the origins that scripts got.
	named int
	// origins and owed are rows that this step made.
	origins map[scriptID][]Origin
	owed    []owed
}

func newGrowth() growth {
	return growth{sources: map[SourceID]*sourceRow{}, fresh: map[string]scriptID{}, origins: map[scriptID][]Origin{}}
}

// waits says whether a step may stay in memory: the next one looks in the store
// for the scripts to match, and for their origins.
func (g *growth) waits() bool { return len(g.list) == 0 && g.named == 0 }

// derivedWatch is a script that a step derives; known says that it was watched
// before.
type derivedWatch struct {
	newWatch
	known bool
}

// grown is what the writer knows of sources.
type grown struct {
	parsed map[string]Scripts
	// pending are the scripts of steps that are not stored yet; unmatched those
	// that were not looked for among unconfirmed transactions yet.
	pending   []derivedWatch
	unmatched []newWatch
}

// adopt makes scripts known that are stored now.
func (x *Index) adopt() {
	for _, n := range x.w.grown.pending {
		if !n.known {
			x.scripts.add(n.mark, uint32(n.id))
			x.w.grown.unmatched = append(x.w.grown.unmatched, n.newWatch)
		}
	}
	x.w.grown.pending = nil
}

// derivedAt says from when on derived scripts are watched, and who reads what
// was before.
type derivedAt struct {
	// since is the height of the first block that they are matched against,
	// birth that from which payments to them count.
	since, birth coins.Height
	// job reads from birth to since; nil where they are the same. It owes what
	// lies behind its cursor to its successor.
	job  *jobRow
	owes bool
}

// atTip is for scripts derived by a block or an unconfirmed transaction above
// the tip: they are watched from that block on, and nothing that came before
// counts, because nobody was told of them; nor what comes before the source's
// own beginning. While the source's past is being read they belong to it.
func (x *Index) atTip(s *step, src *sourceRow, height coins.Height) (derivedAt, error) {
	at := derivedAt{since: height, birth: max(height, src.from)}
	scanning, err := src.scanning(s)
	if err != nil || !scanning {
		return at, err
	}
	at.job, err = s.job(src.job)
	if err != nil {
		return at, err
	}
	at.birth, at.owes = src.from, at.job.Next > src.from
	return at, nil
}

// inPast is for scripts derived by what a job has found: their past is read
// from the job's own start.
func (x *Index) inPast(s *step, src *sourceRow, j *jobRow, birth coins.Height) (derivedAt, error) {
	at, err := x.atTip(s, src, s.state.above(x.self.start))
	if err != nil || at.job != nil {
		return at, err
	}
	at.birth, at.job, at.owes = birth, j, j.Next > birth
	return at, nil
}

// deriving extends one source in a step.
type deriving struct {
	x       *Index
	s       *step
	src     *sourceRow
	scripts Scripts
	derivedAt
}

// grow derives what is missing of a branch.
func (d *deriving) grow(branch uint32) error {
	b := &d.src.branches[branch]
	for ; b.Derived < target(max(b.Used, b.Issued), d.src.gap, d.scripts.Len()); b.Derived++ {
		if err := d.add(branch, b.Derived); err != nil {
			return err
		}
	}
	return nil
}

// finish writes the rows that changed.
func (d *deriving) finish() error {
	d.s.put(keySource(d.src.id), d.src.encode())
	if d.job != nil {
		d.s.putJob(d.job)
	}
	return nil
}

// add watches one script. A script that is watched already gets one origin
// more, and counts from the earlier height on.
func (d *deriving) add(branch, index uint32) error {
	script, err := d.scripts.Script(branch, index)
	if err != nil {
		return err
	}
	if len(script) == 0 || coins.Unspendable(script) {
		return ErrScript
	}
	id, w, err := d.x.scriptIDIn(d.s, script)
	switch {
	case isNotWatched(err):
		d.s.state.lastScript++
		d.s.state.watched++
		id = d.s.state.lastScript
		w = &watchRow{script: bytes.Clone(script), birth: max(d.since, d.birth), since: d.since, added: d.x.opts.Clock().UTC()}
		d.s.watches[id] = w
		d.s.grown.fresh[string(script)] = id
		d.s.grown.added++
		d.s.grown.list = append(d.s.grown.list, derivedWatch{newWatch: newWatch{d.x.scriptMark(script), id, w}})
	case err != nil:
		return err
	default:
		if err := d.known(branch, index, id, w); err != nil {
			return err
		}
	}
	w.derived = true
	if err := d.claim(id, w); err != nil {
		return err
	}
	d.s.put(keyScript(tableWatch, id), w.encode())
	o := Origin{d.src.id, branch, index}
	d.s.put(keyOrigin(id, o), nil)
	d.s.grown.named++
	d.s.grown.origins[id] = append(d.s.grown.origins[id], o)
	return nil
}

// known takes over a script that was watched before: it may be used.
func (d *deriving) known(branch, index uint32, id scriptID, w *watchRow) error {
	_, received, err := d.s.get(keyScript(tableBalance, id))
	if err != nil {
		return err
	}
	if b := &d.src.branches[branch]; received || len(d.x.pool.byScript[id]) > 0 {
		b.Used = max(b.Used, index+1)
	}
	if w.birth > d.birth {
		d.s.grown.list = append(d.s.grown.list, derivedWatch{newWatch{d.x.scriptMark(w.script), id, w}, true})
	}
	return nil
}

// claim has the job read what of a script's past was not read.
func (d *deriving) claim(id scriptID, w *watchRow) error {
	if w.birth <= d.birth {
		return nil
	}
	before := min(w.birth, d.since)
	if d.job == nil || d.birth >= before {
		w.birth = d.birth
		return nil
	}
	if err := d.s.assign(w, d.job.ID, false); err != nil {
		return err
	}
	w.birth = d.birth
	d.job.Scripts++
	d.job.To = max(d.job.To, d.since-1)
	if d.owes {
		o := owed{d.job.ID, id, d.birth, d.job.Next}
		d.s.put(keyOwed(o.job, o.script), o.encode())
		d.s.grown.owed = append(d.s.grown.owed, o)
	}
	return nil
}

// paid notes that a script received something, and derives what its sources
// have to have behind it.
func (x *Index) paid(s *step, id scriptID, w *watchRow, at func(*sourceRow) (derivedAt, error)) error {
	if !w.derived {
		return nil
	}
	origins, err := originsOf(s.base, id)
	if err != nil {
		return err
	}
	for _, o := range slices.Concat(origins, s.grown.origins[id]) {
		src, err := s.source(o.Source)
		if err != nil {
			return err
		}
		if o.Index < src.branches[o.Branch].Used {
			continue
		}
		src.branches[o.Branch].Used = o.Index + 1
		d := &deriving{x: x, s: s, src: src}
		if d.scripts, err = x.derives(src.text); err != nil {
			return err
		}
		if d.derivedAt, err = at(src); err != nil {
			return err
		}
		if err := d.grow(o.Branch); err != nil {
			return err
		}
		if err := d.finish(); err != nil {
			return err
		}
	}
	return nil
}

// derive extends the sources that a block pays, and matches the block again
// with what is watched now, until nothing is added. The result is in the order
// of the outputs.
func (x *Index) derive(s *step, b *coins.Block, payments []found, at func(*sourceRow, *watchRow) (derivedAt, error)) ([]found, error) {
	for named := -1; named != s.grown.named; {
		named = s.grown.named
		before := len(s.grown.list)
		// All of them again: one that was there may have got a source more.
		for _, p := range payments {
			w, err := s.needWatch(p.script)
			if err != nil {
				return nil, err
			}
			err = x.paid(s, p.script, w, func(src *sourceRow) (derivedAt, error) { return at(src, w) })
			if err != nil {
				return nil, err
			}
		}
		if added := s.grown.list[before:]; len(added) > 0 {
			payments = x.rematch(b, payments, added)
		}
	}
	slices.SortFunc(payments, func(a, b found) int { return cmp.Compare(a.out, b.out) })
	return payments, nil
}

// rematch appends the outputs that pay scripts which were just added.
func (x *Index) rematch(b *coins.Block, payments []found, added []derivedWatch) []found {
	byMark := make(map[uint64][]derivedWatch, len(added))
	for _, n := range added {
		byMark[n.mark] = append(byMark[n.mark], n)
	}
	there := make(map[int]bool, len(payments))
	for _, p := range payments {
		there[p.out] = true
	}
	for out, mark := range b.ScriptMarks {
		for _, n := range byMark[mark] {
			if !there[out] && b.ID.Height >= n.row.birth && n.row.is(b.Layout.Script(b.Raw, out)) {
				there[out] = true
				payments = append(payments, found{out, n.id})
			}
		}
	}
	return payments
}

// deriveAtTip is derive for the block above the tip.
func (x *Index) deriveAtTip(s *step, b *coins.Block, payments []found) ([]found, error) {
	return x.derive(s, b, payments, func(src *sourceRow, _ *watchRow) (derivedAt, error) { return x.atTip(s, src, b.ID.Height) })
}

// deriveInPast is derive for a block that jobs read.
func (x *Index) deriveInPast(s *step, b *coins.Block, payments []found, jobs ...*jobRow) ([]found, error) {
	return x.derive(s, b, payments, func(src *sourceRow, w *watchRow) (derivedAt, error) {
		best, birth := jobs[0], coins.MaxHeight
		for _, j := range jobs {
			from := j.From
			if j.All {
				from = max(from, w.birth)
			}
			if (j.All || w.reads(j.ID)) && from < birth {
				best, birth = j, from
			}
		}
		return x.inPast(s, src, best, min(birth, b.ID.Height))
	})
}

// deriveUnconfirmed extends the sources that unconfirmed transactions pay, and
// says whether a script got a source.
func (x *Index) deriveUnconfirmed(s *step, txs []*poolTx) (grew bool, err error) {
	before := s.grown.named
	next := s.state.above(x.self.start)
	for _, tx := range txs {
		for _, c := range tx.outs {
			w, err := s.needWatch(c.id)
			if err != nil {
				return false, err
			}
			err = x.paid(s, c.id, w, func(src *sourceRow) (derivedAt, error) { return x.atTip(s, src, next) })
			if err != nil {
				return false, err
			}
		}
	}
	return s.grown.named > before, nil
}

// touchDeriving is touch, again as long as what it finds extends a source.
func (x *Index) touchDeriving(s *step, txs []*poolTx, before map[coins.TxID]*poolTx) (seen []sighting, err error) {
	for again := true; again; {
		if seen, err = x.touch(s, txs, before); err != nil {
			return nil, err
		}
		if again, err = x.deriveUnconfirmed(s, txs); err != nil {
			return nil, err
		}
	}
	return seen, nil
}

// succeed gives what a job owes to a job of its own. It is called when the job
// has nothing left to read, in the step that ends it, so that none of the
// scripts counts as complete in between.
func (x *Index) succeed(s *step, j *jobRow) error {
	list := slices.Clone(s.grown.owed)
	err := s.base.Scan(keyNumber(tableOwed, uint64(j.ID)), nil, false, func(key, value []byte) error {
		o, err := decodeOwed(key, value)
		list = append(list, o)
		return err
	})
	if err != nil {
		return err
	}
	list = slices.DeleteFunc(list, func(o owed) bool { return o.job != j.ID })
	if len(list) == 0 {
		return nil
	}
	spec := JobSpec{From: list[0].from}
	for _, o := range list {
		spec.From, spec.To = min(spec.From, o.from), max(spec.To, o.to-1)
	}
	if spec.From >= s.state.above(x.self.start) { // a reorg took it back: the tip comes to it again
		for _, o := range list {
			s.del(keyOwed(o.job, o.script))
		}
		return nil
	}
	next, err := x.newJob(s, spec)
	if err != nil {
		return err
	}
	for _, o := range list {
		if err := s.handOver(o, next); err != nil {
			return err
		}
	}
	s.putJob(next)
	return s.eachSource(func(src *sourceRow) error {
		if src.job == j.ID {
			src.job = next.ID
			s.put(keySource(src.id), src.encode())
		}
		return nil
	})
}

// inherit puts a job in the place of another that has ended among a script's
// claims. From the height to on, where the heir does not read, the other has told
// of the coins, and its claim stays.
func (w *watchRow) inherit(old, heir JobID, to coins.Height) {
	var list []claim
	for _, c := range w.claims() {
		if !c.past { // claims ascend
			list = slices.DeleteFunc(list, func(o claim) bool { return o.job == old && o.from >= c.from })
		}
		if c.job != old {
			list = append(list, c)
			continue
		}
		list = append(list, claim{heir, c.from, c.past})
		if !c.past && c.from < to {
			list = append(list, claim{old, to, false})
		}
	}
	if len(list) > 0 {
		w.job, w.past, w.others = list[0].job, list[0].past, list[1:]
	}
}

// handOver gives one script's owed past to a job.
func (s *step) handOver(o owed, next *jobRow) error {
	s.del(keyOwed(o.job, o.script))
	w, err := s.watch(o.script)
	if err != nil || w == nil {
		return err // not watched any more
	}
	w.inherit(o.job, next.ID, o.to)
	next.Scripts++
	s.put(keyScript(tableWatch, o.script), w.encode())
	return nil
}
