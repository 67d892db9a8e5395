package utxo

import (
	"bytes"
	"maps"
	"slices"

	"coffer.example/coffer/coins"
)

// leaving is a script that is not watched any more and of which there still
// are rows, or unconfirmed transactions.
type leaving struct {
	id     scriptID
	noRows bool
	// renumber says from which height on the changes that a job keeps are to be
	// numbered anew; nil where nobody has looked.
	renumber map[JobID]coins.Height
}

// maxRenumbered is how many rows one commit of an unwatch numbers anew.
const maxRenumbered = 20_000

// readers returns the unfinished jobs that keep changes of a script.
func (s *step) readers(w *watchRow) (list []*jobRow, err error) {
	for _, c := range w.claims() {
		job, err := s.job(c.job)
		if err != nil {
			return nil, err
		}
		if job.State != JobDone {
			list = append(list, job)
		}
	}
	return list, nil
}

// unkeep drops what jobs keep of a script at some heights: the log never tells
// of it. Each height of which something goes is noted in renumber.
func (s *step) unkeep(w *watchRow, heights []coins.Height, renumber map[JobID]coins.Height) error {
	jobs, err := s.readers(w)
	if err != nil {
		return err
	}
	for _, job := range jobs {
		before := job.kept
		for _, height := range heights {
			gone, err := s.unkeepAt(job, w.script, height)
			if err != nil {
				return err
			}
			if gone > 0 && height < job.Next {
				job.kept -= uint64(gone)
				if from, noted := renumber[job.ID]; !noted || height < from {
					renumber[job.ID] = height
				}
			}
		}
		if job.kept != before {
			s.putJob(job)
		}
	}
	return nil
}

// unkeepAt drops a script's changes from what a job keeps of a block.
func (s *step) unkeepAt(job *jobRow, script []byte, height coins.Height) (gone int, err error) {
	value, found, err := s.get(keyFound(job.ID, height))
	if err != nil || !found {
		return 0, err
	}
	row, err := decodeFound(value)
	if err != nil {
		return 0, err
	}
	all := len(row.changes)
	row.changes = slices.DeleteFunc(row.changes, func(c Change) bool { return bytes.Equal(c.Coin.Script, script) })
	switch gone = all - len(row.changes); {
	case gone == 0:
	case len(row.changes) == 0:
		s.del(keyFound(job.ID, height))
	default:
		s.put(keyFound(job.ID, height), row.encode())
	}
	return gone, nil
}

// toRenumber returns what is to be numbered anew so far. Where the drop was
// begun before the index was opened, that may be anything.
func (s *step) toRenumber(gone *leaving, w *watchRow) (map[JobID]coins.Height, error) {
	if gone.renumber != nil {
		return maps.Clone(gone.renumber), nil
	}
	from := map[JobID]coins.Height{}
	if !w.leaving {
		return from, nil
	}
	jobs, err := s.readers(w)
	for _, job := range jobs {
		from[job.ID] = job.From
	}
	return from, err
}

// renumber numbers anew what jobs keep, from the heights given on and as much
// as one commit takes. It returns where that is to go on.
func (s *step) renumber(from map[JobID]coins.Height) (left map[JobID]coins.Height, err error) {
	left, budget := maps.Clone(from), maxRenumbered
	for _, id := range slices.Sorted(maps.Keys(from)) {
		job, err := s.job(id)
		if err != nil {
			return nil, err
		}
		kept, err := s.keptBelow(id, from[id])
		if err != nil {
			return nil, err
		}
		next := job.Next
		err = s.base.Scan(keyNumber(tableFound, uint64(id)), keyFound(id, from[id]), false, func(key, _ []byte) error {
			height := heightOfKey(key)
			if height >= job.Next {
				return ErrStop
			}
			if budget--; budget < 0 {
				next = height
				return ErrStop
			}
			n, err := s.numberKept(bytes.Clone(key), kept)
			kept += n
			return err
		})
		if err != nil {
			return nil, err
		}
		if left[id] = next; next >= job.Next {
			delete(left, id)
		}
	}
	return left, nil
}

// keptBelow counts the changes that a job keeps below a height. What is stored
// of them is not changed by the step.
func (s *step) keptBelow(id JobID, height coins.Height) (count uint64, err error) {
	if height == 0 {
		return 0, nil
	}
	err = s.base.Scan(keyNumber(tableFound, uint64(id)), keyFound(id, height-1), true, func(_, value []byte) error {
		first, n, err := headOfFound(value)
		count = first + n
		if err != nil {
			return err
		}
		return ErrStop
	})
	return count, err
}

// numberKept gives a row the number of changes before it, and returns how many
// it has: none where the step has dropped it.
func (s *step) numberKept(key []byte, first uint64) (count uint64, err error) {
	value, found, err := s.get(key)
	if err != nil || !found {
		return 0, err
	}
	was, count, err := headOfFound(value)
	if err != nil || was == first {
		return count, err
	}
	renumbered := keyNumber(0, first)[1:]
	s.put(key, append(renumbered, value[8:]...))
	return count, nil
}

// headOfFound reads how many changes come before a row, and how many it has.
func headOfFound(value []byte) (first, count uint64, err error) {
	d := decoder{rest: value}
	first = d.u64()
	if d.bad {
		return 0, 0, d.end("kept changes")
	}
	head, err := decodeHead(d.rest)
	if err != nil {
		return 0, 0, err
	}
	return first, head.count, nil
}
