package utxo

import (
	"fmt"
	"slices"

	"coffer.example/coffer/coins"
)

// claim is one job's reading of a script's past. Several jobs may read the same
// script: each new one that is not a second look reads what lies below all the
// others, so that a claim has the coins created from its own height up to the
// next claim's. Whichever job comes upon a coin, its claim's job keeps back what
// is to be told of it, in order, until its own end.
type claim struct {
	job JobID
	// from is the lowest height of its outputs.
	from coins.Height
	// past says that the script was complete before, or claimed by others: the
	// job looks a second time and has no coins of its own.
	past bool
}

// maxClaims is how many unfinished jobs may read one script when a rescan of it is
// asked for, or an import that goes further back; mostClaims how many at all. The
// room between is for imports that are in the watch log already, and for what is
// derived: those must not fail for good.
const (
	maxClaims  = 64
	mostClaims = 100
)

// claims returns the script's claims: of the last job, and of earlier ones that
// had not ended when it came.
func (w *watchRow) claims() []claim {
	if w.job == 0 {
		return nil
	}
	return append([]claim{{w.job, w.birth, w.past}}, w.others...)
}

// reads says whether a job reads the script.
func (w *watchRow) reads(job JobID) bool {
	return w.job == job || slices.ContainsFunc(w.others, func(c claim) bool { return c.job == job })
}

// assign gives a script to one job more, or again to one that reads another part
// of it. Until the script's birth changes it is where its last claim begins. A
// claim of a job that is done stays where it bounds that of one that is not: coins
// above have been told of, and so is what becomes of them.
func (s *step) assign(w *watchRow, job JobID, past bool) error {
	if w.job == job && !w.past {
		return nil // its claim begins lower now
	}
	var others []claim
	open, bounds := 0, !past
	for _, c := range w.claims() {
		row, err := s.job(c.job)
		if err != nil {
			return err
		}
		done := row.State == JobDone
		if done && (c.past || !bounds) {
			continue
		}
		if others = append(others, c); !c.past {
			bounds = !done
		}
		if !done {
			open++
		}
	}
	if open >= mostClaims {
		return fmt.Errorf("script %x is read by %d jobs: %w", w.script, open, ErrJobBusy)
	}
	w.job, w.past, w.others = job, past, others
	return nil
}

// takesJob fails with [ErrJobBusy] where too many unfinished jobs read a script for
// another to be asked for.
func (w *watchRow) takesJob(r Reader) error {
	open := 0
	for _, c := range w.claims() {
		job, err := readJob(r, c.job)
		if err != nil {
			return err
		}
		if job.State != JobDone {
			open++
		}
	}
	if open >= maxClaims {
		return fmt.Errorf("script %x is read by %d jobs: %w", w.script, open, ErrJobBusy)
	}
	return nil
}

// scanning says whether a script's past is still being read, and returns the
// newest job that does.
func (s *step) scanning(w *watchRow) (JobID, bool, error) {
	for _, c := range w.claims() {
		if c.past {
			continue
		}
		job, err := s.job(c.job)
		if err != nil {
			return 0, false, err
		}
		if job.State != JobDone {
			return c.job, true, nil
		}
	}
	return 0, false, nil
}

// keeper returns the unfinished job that keeps back from the log what happens
// to a coin which a job has found; nil where the log is told at once.
func (s *step) keeper(w *watchRow, created coins.Height) (*jobRow, error) {
	var has claim
	for _, c := range w.claims() {
		if !c.past && c.from <= created && (has.job == 0 || c.from > has.from) {
			has = c
		}
	}
	if has.job == 0 {
		return nil, nil
	}
	job, err := s.job(has.job)
	if err != nil || job.State == JobDone {
		return nil, err
	}
	return job, nil
}
