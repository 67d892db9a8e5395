package utxo

import (
	"context"
	"errors"
	"fmt"
)

// checkDeriver refuses an index with sources that cannot be derived.
func (x *Index) checkDeriver(r Reader) error {
	if x.opts.Derive != nil {
		return nil
	}
	return r.Scan([]byte{tableSource}, nil, false, func(key, _ []byte) error {
		return fmt.Errorf("source row %x: %w", key, ErrNoDeriver)
	})
}

// checkNotDerived refuses scripts that a source derives.
func (x *Index) checkNotDerived(ctx context.Context, scripts [][]byte) error {
	return x.store.View(ctx, func(r Reader) error {
		for _, script := range scripts {
			id, w, err := x.scriptID(r, script)
			if isNotWatched(err) || err == nil && !w.derived {
				continue
			}
			if err != nil {
				return err
			}
			origins, err := originsOf(r, id)
			if err != nil {
				return err
			}
			return fmt.Errorf("script %x, source %d: %w", script, origins[0].Source, ErrDerived)
		}
		return nil
	})
}

// renewSources gives sources that begin below the index's start to the job that
// reads what is below.
func (x *Index) renewSources(ctx context.Context, job *jobRow) error {
	rows := map[string][]byte{}
	err := x.store.View(ctx, func(r Reader) error {
		return r.Scan([]byte{tableSource}, nil, false, func(key, value []byte) error {
			row, err := decodeSource(key, value)
			if err != nil {
				return err
			}
			if row.job = 0; row.from < x.self.start && job.Scripts > 0 {
				row.job = job.ID
			}
			rows[string(key)] = row.encode()
			return nil
		})
	})
	if err != nil || len(rows) == 0 {
		return err
	}
	return x.store.Update(ctx, func(w Writer) error {
		for key, value := range rows {
			if err := w.Set([]byte(key), value); err != nil {
				return err
			}
		}
		return nil
	})
}

// sources checks that exactly what each source derives is watched as its own,
// and that every branch has its gap behind the last script that received
// something.
func (c *checker) sources() error {
	derived := uint64(0)
	err := c.scan(tableSource, func(key, value []byte) error {
		src, err := decodeSource(key, value)
		if err != nil {
			return err
		}
		scripts, err := c.x.derives(src.text)
		if err != nil {
			return err
		}
		if src.job != 0 {
			if job, err := c.get(keyNumber(tableJob, uint64(src.job))); err != nil || job == nil {
				return errors.Join(err, c.failf("source %d names job %d, which is not there", src.id, src.job))
			}
		}
		for branch, b := range src.branches {
			derived += uint64(b.Derived)
			if least := target(max(b.Used, b.Issued), src.gap, scripts.Len()); b.Derived < least {
				if err := c.failf("source %d, branch %d: %d scripts, %d used, %d issued, needs %d", src.id, branch, b.Derived, b.Used, b.Issued, least); err != nil {
					return err
				}
			}
			for index := range b.Derived {
				if err := c.derived(scripts, Origin{src.id, uint32(branch), index}, b.Used); err != nil {
					return err
				}
			}
		}
		return nil
	})
	origins := uint64(0)
	err = errors.Join(err, c.scan(tableOrigin, func([]byte, []byte) error {
		origins++
		return nil
	}))
	if origins != derived {
		return errors.Join(err, c.failf("%d scripts have an origin, sources derive %d", origins, derived))
	}
	return errors.Join(err, c.owed())
}

// derived checks one script of a source.
func (c *checker) derived(scripts Scripts, o Origin, used uint32) error {
	script, err := scripts.Script(o.Branch, o.Index)
	if err != nil {
		return err
	}
	id, w, err := c.x.scriptID(c.r, script)
	if err != nil || !w.derived {
		return c.failf("source %d, branch %d, index %d: script %x is not watched as derived: %v", o.Source, o.Branch, o.Index, script, err)
	}
	if row, err := c.get(keyOrigin(id, o)); err != nil || row == nil {
		return errors.Join(err, c.failf("source %d, branch %d, index %d: the script's origin row is missing", o.Source, o.Branch, o.Index))
	}
	received, err := c.get(keyScript(tableBalance, id))
	if err != nil {
		return err
	}
	if received != nil && o.Index >= used {
		return c.failf("source %d, branch %d: index %d received something, used are %d", o.Source, o.Branch, o.Index, used)
	}
	return nil
}

// owed checks that what jobs owe is of unfinished jobs and watched scripts.
func (c *checker) owed() error {
	return c.scan(tableOwed, func(key, value []byte) error {
		o, err := decodeOwed(key, value)
		if err != nil {
			return err
		}
		job, err := readJob(c.r, o.job)
		if err != nil || job.State == JobDone || !c.watches[o.script] {
			return errors.Join(err, c.failf("job %d is done, or script %d is not watched, and a past is owed", o.job, o.script))
		}
		return nil
	})
}
