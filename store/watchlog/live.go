package watchlog

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
)

// Live calls each with what the log amounts to: records of watching with the
// scripts that are watched still, as they were changed later, and those
// descriptors. A script that was watched twice comes twice. Scripts are valid
// during the call only.
func (l *Log) Live(ctx context.Context, each func(*Record) error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.live(ctx, each)
}

func (l *Log) live(ctx context.Context, each func(*Record) error) error {
	later, err := l.later(ctx)
	if err != nil {
		return err
	}
	n := 0
	return l.replay(ctx, l.begin, func(r *Record, _ int64) error {
		n++
		switch r.Kind {
		case Watched:
			r.Scripts = slices.DeleteFunc(r.Scripts, func(s Script) bool { return later.gaveUp(n, s.Script) })
			for i := range r.Scripts {
				later.change(&r.Scripts[i])
			}
			if len(r.Scripts) == 0 {
				return nil
			}
		case DescriptorWatched:
			if later.descriptors[r.Descriptor.Text] > n {
				return nil
			}
		case Issued:
			if d := &r.Descriptor; later.descriptors[d.Text] > n || later.issued[branch{d.Text, d.Branch}] != n {
				return nil
			}
		default:
			return nil
		}
		return each(r)
	})
}

// Compact writes the log anew with what is live, under a new id. It is atomic:
// interrupted anywhere, the old file stands.
func (l *Log) Compact(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.broken {
		return fmt.Errorf("watch log %s: %w", l.path, ErrBroken)
	}
	err := l.replace(func(emit func(*Record) error) error { return l.live(ctx, emit) })
	if err != nil {
		return fmt.Errorf("write the watch log anew: %w", err)
	}
	return nil
}

// name is a script's short name.
type name [16]byte

func nameOf(script []byte) name {
	sum := sha256.Sum256(script)
	return name(sum[:16])
}

// later is what records say of scripts that others watch: by the number of the
// record, from 1.
type later struct {
	// givenUp is the last record that gives a script up, changed what the changes
	// after that amount to.
	givenUp     map[name]int
	changed     map[name]Script
	descriptors map[string]int
	// issued is the last record of what was given out of a branch.
	issued map[branch]int
}

// branch is one of a descriptor.
type branch struct {
	descriptor string
	number     uint32
}

func (l *Log) later(ctx context.Context) (*later, error) {
	found := &later{givenUp: map[name]int{}, changed: map[name]Script{}, descriptors: map[string]int{}, issued: map[branch]int{}}
	if l.stats.GivenUp == 0 && l.stats.Changed == 0 {
		return found, nil
	}
	n := 0
	return found, l.replay(ctx, l.begin, func(r *Record, _ int64) error {
		n++
		switch r.Kind {
		case GivenUp:
			for _, s := range r.Scripts {
				found.givenUp[nameOf(s.Script)] = n
				delete(found.changed, nameOf(s.Script))
			}
		case Changed:
			for _, s := range r.Scripts {
				merged := found.changed[nameOf(s.Script)]
				merged.take(&s)
				found.changed[nameOf(s.Script)] = merged
			}
		case Watched:
			found.watchedAgain(r.Scripts)
		case DescriptorGivenUp:
			found.descriptors[r.Descriptor.Text] = n
		case Issued:
			found.issued[branch{r.Descriptor.Text, r.Descriptor.Branch}] = n
		case DescriptorWatched:
		}
		return nil
	})
}

// watchedAgain lets what a record of watching gives take the place of changes
// before it.
func (f *later) watchedAgain(scripts []Script) {
	if len(f.changed) == 0 {
		return
	}
	for i := range scripts {
		s := &scripts[i]
		old, known := f.changed[nameOf(s.Script)]
		if !known {
			continue
		}
		old.take(&Script{
			Label: s.Label, HasLabel: s.Label != "", Metadata: s.Metadata, HasMetadata: s.Metadata != "",
			Archived: true, HasArchived: s.Archived,
		})
		f.changed[nameOf(s.Script)] = old
	}
}

// take takes over what is given.
func (s *Script) take(given *Script) {
	if given.HasLabel {
		s.Label, s.HasLabel = given.Label, true
	}
	if given.HasMetadata {
		s.Metadata, s.HasMetadata = given.Metadata, true
	}
	if given.HasArchived {
		s.Archived, s.HasArchived = given.Archived, true
	}
}

// gaveUp reports whether a script of record n was given up after it.
func (f *later) gaveUp(n int, script []byte) bool {
	return len(f.givenUp) > 0 && f.givenUp[nameOf(script)] > n
}

// change puts a script as the changes left it.
func (f *later) change(s *Script) {
	if len(f.changed) == 0 {
		return
	}
	if given, known := f.changed[nameOf(s.Script)]; known {
		s.take(&given)
		s.HasLabel, s.HasMetadata, s.HasArchived = false, false, false
	}
}
