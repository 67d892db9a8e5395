package utxo

import (
	"encoding/binary"
	"fmt"
	"time"

	"coffer.example/coffer/coins"
)

// Limits of a source's row.
const (
	maxSourceText = 16 << 10
	maxBranches   = 256
)

func keySource(id SourceID) []byte {
	return binary.BigEndian.AppendUint32([]byte{tableSource}, uint32(id))
}

func sourceOfKey(key []byte) SourceID { return SourceID(binary.BigEndian.Uint32(key[1:])) }

func keyOrigin(id scriptID, o Origin) []byte {
	key := binary.BigEndian.AppendUint32(keyScript(tableOrigin, id), uint32(o.Source))
	key = binary.BigEndian.AppendUint32(key, o.Branch)
	return binary.BigEndian.AppendUint32(key, o.Index)
}

func keyOwed(job JobID, id scriptID) []byte {
	return binary.BigEndian.AppendUint32(keyNumber(tableOwed, uint64(job)), uint32(id))
}

// sourceRow is a source as stored.
type sourceRow struct {
	id       SourceID
	text     string
	label    string
	gap      uint32
	from     coins.Height
	job      JobID
	added    time.Time
	branches []Branch
}

func (r *sourceRow) encode() []byte {
	b := appendHeight(nil, r.from)
	b = binary.BigEndian.AppendUint64(b, uint64(r.job))
	b = binary.BigEndian.AppendUint64(b, uint64(r.added.Unix()))
	b = binary.AppendUvarint(b, uint64(r.gap))
	b = appendBytes(appendBytes(b, []byte(r.label)), []byte(r.text))
	for _, branch := range r.branches {
		b = binary.AppendUvarint(b, uint64(branch.Derived))
		b = binary.AppendUvarint(b, uint64(branch.Used))
		b = binary.AppendUvarint(b, uint64(branch.Issued))
	}
	return b
}

func decodeSource(key, value []byte) (*sourceRow, error) {
	k, d := decoder{rest: key[1:]}, decoder{rest: value}
	r := &sourceRow{id: SourceID(k.u32()), from: d.height(), job: JobID(d.u64())}
	r.added = time.Unix(int64(d.u64()), 0).UTC()
	r.gap = d.uint32()
	r.label, r.text = string(d.bytes()), string(d.bytes())
	for len(d.rest) > 0 && !d.bad {
		r.branches = append(r.branches, Branch{d.uint32(), d.uint32(), d.uint32()})
	}
	d.bad = d.bad || k.bad || len(k.rest) != 0 || len(r.branches) == 0
	return r, d.end("source")
}

// describe is a source for callers.
func (r *sourceRow) describe(from Reader) (Source, error) {
	src := Source{ID: r.id, Text: r.text, Label: r.label, Gap: r.gap, From: r.from, State: Live, Added: r.added, Branches: r.branches}
	if r.job == 0 {
		return src, nil
	}
	job, err := readJob(from, r.job)
	if err == nil && job.State != JobDone {
		src.State, src.Job = Scanning, r.job
	}
	return src, err
}

// scanning says whether the source's past is still being read.
func (r *sourceRow) scanning(s *step) (bool, error) {
	if r.job == 0 {
		return false, nil
	}
	job, err := s.job(r.job)
	if err != nil {
		return false, err
	}
	return job.State != JobDone, nil
}

// decodeOrigin reads the key of an origin row; it has no value.
func decodeOrigin(key []byte) (o Origin, err error) {
	k := decoder{rest: key[1:]}
	k.u32()
	o = Origin{SourceID(k.u32()), k.u32(), k.u32()}
	return o, k.end("origin")
}

// originsOf returns where a script comes from, lowest source first.
func originsOf(r Reader, id scriptID) (list []Origin, err error) {
	err = r.Scan(keyScript(tableOrigin, id), nil, false, func(key, _ []byte) error {
		o, err := decodeOrigin(key)
		list = append(list, o)
		return err
	})
	return list, err
}

// owed is the part of a script's past that the job that derived it had read
// before: [from, to). The job's successor reads it.
type owed struct {
	job      JobID
	script   scriptID
	from, to coins.Height
}

func (o owed) encode() []byte { return appendHeight(appendHeight(nil, o.from), o.to) }

func decodeOwed(key, value []byte) (o owed, err error) {
	k, d := decoder{rest: key[1:]}, decoder{rest: value}
	o = owed{JobID(k.u64()), scriptID(k.u32()), d.height(), d.height()}
	d.bad = d.bad || k.bad || len(k.rest) != 0 || o.from >= o.to
	return o, d.end("owed past")
}

// owes says whether a job has passed a height without looking for a script
// there, so that its successor is to.
func (s *step) owes(job JobID, script scriptID, height coins.Height) (bool, error) {
	key := keyOwed(job, script)
	value, found, err := s.get(key)
	if err != nil || !found {
		return false, err
	}
	o, err := decodeOwed(key, value)
	return o.from <= height && height < o.to, err
}

// source returns a source's row.
func (s *step) source(id SourceID) (*sourceRow, error) {
	if row := s.grown.sources[id]; row != nil {
		return row, nil
	}
	value, found, err := s.get(keySource(id))
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, fmt.Errorf("source %d: %w", id, ErrNoSource)
	}
	row, err := decodeSource(keySource(id), value)
	if err != nil {
		return nil, err
	}
	s.grown.sources[id] = row
	return row, nil
}

// sourceOf returns the source of a text, nil where there is none, and the
// highest number given out.
func (s *step) sourceOf(text string) (src *sourceRow, last SourceID, err error) {
	err = s.eachSource(func(row *sourceRow) error {
		last = row.id
		if row.text == text {
			src = row
		}
		return nil
	})
	return src, last, err
}

// stepSourcesBack lets sources that have begun begin where a reorg leads to: what
// the other branch pays counts, as for scripts imported by themselves.
func (s *step) stepSourcesBack(height coins.Height) error {
	return s.eachSource(func(src *sourceRow) error {
		if src.from == height+1 {
			src.from = height
			s.put(keySource(src.id), src.encode())
		}
		return nil
	})
}

// eachSource calls each with every source. All are in the store; what steps
// that are not stored yet have changed of them counts.
func (s *step) eachSource(each func(*sourceRow) error) error {
	return s.base.Scan([]byte{tableSource}, nil, false, func(key, _ []byte) error {
		row, err := s.source(sourceOfKey(key))
		if err != nil {
			return err
		}
		return each(row)
	})
}
