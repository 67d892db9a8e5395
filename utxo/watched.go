package utxo

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"strings"
)

// MaxNote is the longest label, and the longest metadata, in bytes.
const MaxNote = 1024

// maxJobScripts is how many scripts a rescan names one by one.
const maxJobScripts = 20_000

func checkNote(label, metadata string) error {
	if len(label) > MaxNote || len(metadata) > MaxNote {
		return fmt.Errorf("label of %d and metadata of %d bytes, at most %d: %w", len(label), len(metadata), MaxNote, ErrNote)
	}
	return nil
}

// WatchChange changes what is kept with a watched script; nil leaves it as it is.
type WatchChange struct {
	Script          []byte
	Label, Metadata *string
	Archived        *bool
}

// Check fails with [ErrNote] where a text is too long.
func (c *WatchChange) Check() error { return checkNote(textOf(c.Label), textOf(c.Metadata)) }

// ChangeWatches changes what is kept with scripts, in one commit for each 50,000
// of them, and returns how many of them are watched; the others are passed over.
// It fails with [ErrNote].
func (x *Index) ChangeWatches(ctx context.Context, changes []WatchChange) (found int, err error) {
	for i := range changes {
		if err := changes[i].Check(); err != nil {
			return 0, err
		}
	}
	x.writing.Lock()
	defer x.writing.Unlock()
	for len(changes) > 0 {
		part := changes[:min(len(changes), maxWatchStep)]
		if err := x.flush(ctx); err != nil {
			return found, err
		}
		there := 0
		err := x.write(ctx, false, func(s *step) error {
			for i := range part {
				changed, err := x.changeWatch(s, &part[i])
				if err != nil {
					return err
				}
				if changed {
					there++
				}
			}
			return nil
		})
		if err != nil {
			return found, fmt.Errorf("change watched scripts: %w", err)
		}
		found += there
		changes = changes[len(part):]
	}
	return found, nil
}

func textOf(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}

// changeWatch reports whether the script is watched.
func (x *Index) changeWatch(s *step, c *WatchChange) (bool, error) {
	id, w, err := x.scriptIDIn(s, c.Script)
	if isNotWatched(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if c.Label != nil {
		w.label = *c.Label
	}
	if c.Metadata != nil {
		w.metadata = *c.Metadata
	}
	if c.Archived != nil {
		w.archived = *c.Archived
	}
	s.put(keyScript(tableWatch, id), w.encode())
	return true, nil
}

// News returns those of the specs that [Index.Watch] with that job would change
// anything for: scripts that are not watched, or not from so early, or with
// another label, metadata or archive flag. It fails with [ErrScript], [ErrNote] or
// [ErrRange], or with [ErrJobBusy] where 64 unfinished jobs read a script already
// that would get an earlier birth.
func (x *Index) News(ctx context.Context, specs []WatchSpec, job *JobSpec) (news []WatchSpec, err error) {
	for i := range specs {
		if err := specs[i].check(); err != nil {
			return nil, err
		}
	}
	err = x.query(ctx, func(r Reader) error {
		for i := range specs {
			_, w, err := x.scriptID(r, specs[i].Script)
			if err != nil && !isNotWatched(err) {
				return err
			}
			earlier := err == nil && job != nil && max(specs[i].Birth, job.From) < w.birth
			if err != nil || w.take(&specs[i]) || earlier {
				news = append(news, specs[i])
			}
			if earlier {
				if err := w.takesJob(r); err != nil {
					return err
				}
			}
		}
		return nil
	})
	return news, err
}

// SetMark notes how far the watch log has been applied, in words of whoever
// keeps it: durable with the next commit. To be called after what it stands for.
func (x *Index) SetMark(mark []byte) error {
	x.writing.Lock()
	defer x.writing.Unlock()
	if err := x.usable(); err != nil {
		return err
	}
	x.w.pending.put([]byte{tableMark}, bytes.Clone(mark))
	return nil
}

// Mark returns the last durable mark, nil where there is none.
func (x *Index) Mark(ctx context.Context) (mark []byte, err error) {
	err = x.query(ctx, func(r Reader) error {
		mark, _, err = r.Get([]byte{tableMark}, nil)
		return err
	})
	return mark, err
}

// Watched returns what is known of a script, and false where it is not watched.
func (x *Index) Watched(ctx context.Context, script []byte) (w Watch, found bool, err error) {
	err = x.query(ctx, func(r Reader) error {
		id, row, err := x.scriptID(r, script)
		if isNotWatched(err) {
			return nil
		}
		if err != nil {
			return err
		}
		found = true
		w, err = watchOf(r, id, row)
		return err
	})
	return w, found, err
}

// watchOf describes a script for callers.
func watchOf(r Reader, id scriptID, row *watchRow) (w Watch, err error) {
	w = Watch{Script: row.script, Birth: row.birth, State: Live, Label: row.label, Added: row.added}
	w.Metadata, w.Archived = row.metadata, row.archived
	if row.derived {
		if w.Origins, err = originsOf(r, id); err != nil {
			return w, err
		}
	}
	for _, c := range row.claims() {
		if c.past {
			continue
		}
		job, err := readJob(r, c.job)
		if err != nil {
			return w, err
		}
		if job.State != JobDone {
			w.State, w.Job = Scanning, c.job
			break
		}
	}
	return w, nil
}

// WatchFilter selects watched scripts; the zero value selects all.
type WatchFilter struct {
	// Label is what labels begin with.
	Label string
	// State is one of them, 0 any.
	State WatchState
	// Archived selects the archived ones, or the others; nil both.
	Archived *bool
}

// takes looks at what needs no job's row first.
func (f *WatchFilter) takes(row *watchRow) bool {
	return strings.HasPrefix(row.label, f.Label) && (f.Archived == nil || *f.Archived == row.archived)
}

// maxFiltered is how many rows a page of a filtered list reads at most.
const maxFiltered = 200_000

// Watches returns the watch set in the order of import, one page of those that
// the filter selects. Next is empty on the last page; a page of a rare filter
// may hold less than its limit, or nothing, and still have a next one.
func (x *Index) Watches(ctx context.Context, filter WatchFilter, page Page) (list []Watch, next string, err error) {
	err = x.query(ctx, func(r Reader) error {
		prefix := []byte{tableWatch}
		archived := "any"
		if filter.Archived != nil {
			archived = strconv.FormatBool(*filter.Archived)
		}
		scope := x.cursors(cursorWatches, fmt.Appendf(nil, "%q %d %s", filter.Label, filter.State, archived))
		from, err := scope.row(prefix, page.Cursor)
		if err != nil {
			return err
		}
		last, read := bytes.Clone(from), 0
		return r.Scan(prefix, from, false, func(key, value []byte) error {
			if bytes.Equal(key, from) {
				return nil
			}
			if len(list) == page.limit() || read == maxFiltered {
				next = scope.sealRow(prefix, last)
				return ErrStop
			}
			read++
			last = append(last[:0], key...)
			row, err := decodeWatch(value)
			if err != nil || row.leaving || !filter.takes(row) {
				return err
			}
			w, err := watchOf(r, scriptOfKey(key), row)
			if err == nil && (filter.State == 0 || filter.State == w.State) {
				list = append(list, w)
			}
			return err
		})
	})
	return list, next, err
}

// EachWatch calls each with every watched script but derived ones, in the order
// of import. It
// reads one consistent snapshot; each must not use the index.
func (x *Index) EachWatch(ctx context.Context, each func(WatchSpec) error) error {
	return x.query(ctx, func(r Reader) error {
		rows := 0
		return r.Scan([]byte{tableWatch}, nil, false, func(_, value []byte) error {
			if rows++; rows%maxWatchStep == 0 && ctx.Err() != nil {
				return ctx.Err()
			}
			row, err := decodeWatch(value)
			if err != nil || row.leaving || row.derived {
				return err
			}
			spec := WatchSpec{Script: row.script, Birth: row.birth, Label: row.label, Added: row.added}
			spec.Metadata, spec.Archived = row.metadata, row.archived
			return each(spec)
		})
	})
}
