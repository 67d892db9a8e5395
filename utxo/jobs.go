package utxo

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"coffer.example/coffer/coins"
)

// JobSpec asks for a rescan of [From, To].
type JobSpec struct {
	From coins.Height
	// To is the last height of which outputs are taken; 0, or beyond the tip, is
	// the tip.
	To coins.Height
	// All covers every watched script, each from its birth on. Else Scripts, all
	// of them watched, are read from From on: births above it fall to it.
	All     bool
	Scripts [][]byte
}

// jobRow is a job as stored.
type jobRow struct {
	Job
	// kept counts the changes that wait for its end, below the cursor.
	kept uint64
}

func (j *jobRow) encode() []byte {
	b := binary.BigEndian.AppendUint64([]byte{byte(j.State), boolByte(j.All)}, uint64(j.ID))
	b = appendHeight(appendHeight(appendHeight(b, j.From), j.To), j.Next)
	b = binary.BigEndian.AppendUint64(b, j.Scripts)
	b = binary.BigEndian.AppendUint64(b, j.Found)
	b = binary.BigEndian.AppendUint64(b, j.kept)
	b = binary.BigEndian.AppendUint64(b, uint64(j.Created.Unix()))
	b = binary.BigEndian.AppendUint64(b, uint64(unixOrZero(j.Finished)))
	return append(b, j.Error...)
}

func unixOrZero(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

func timeOrZero(unix int64) time.Time {
	if unix == 0 {
		return time.Time{}
	}
	return time.Unix(unix, 0).UTC()
}

func decodeJob(value []byte) (*jobRow, error) {
	d := decoder{rest: value}
	j := &jobRow{}
	j.State, j.All, j.ID = JobState(d.u8()), d.u8() != 0, JobID(d.u64())
	j.From, j.To, j.Next = d.height(), d.height(), d.height()
	j.Scripts, j.Found, j.kept = d.u64(), d.u64(), d.u64()
	j.Created, j.Finished = time.Unix(int64(d.u64()), 0).UTC(), timeOrZero(int64(d.u64()))
	j.Error = string(d.rest)
	d.rest = nil
	return j, d.end("job")
}

func readJob(r Reader, id JobID) (*jobRow, error) {
	value, found, err := r.Get(keyNumber(tableJob, uint64(id)), nil)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, fmt.Errorf("job %d: %w", id, ErrNoJob)
	}
	return decodeJob(value)
}

func (s *step) putJob(j *jobRow) {
	s.jobs[j.ID] = j
	s.put(keyNumber(tableJob, uint64(j.ID)), j.encode())
}

// newJob makes the record of a job.
func (x *Index) newJob(s *step, spec JobSpec) (*jobRow, error) {
	tip := s.state.above(x.self.start) - 1
	if spec.To == 0 || spec.To > tip {
		spec.To = tip
	}
	if spec.From < 0 || spec.From > spec.To {
		return nil, fmt.Errorf("job over heights %d to %d, the tip is %d: %w", spec.From, spec.To, tip, ErrRange)
	}
	s.state.lastJob++
	j := &jobRow{Job: Job{ID: s.state.lastJob, State: JobQueued, From: spec.From, To: spec.To, All: spec.All, Next: spec.From}}
	j.Created = x.opts.Clock().UTC()
	if spec.All {
		j.Scripts = s.state.watched
	}
	s.putJob(j)
	return j, nil
}

// CreateJob queues a rescan; durable when it returns. Its scripts may be read by
// other jobs too. It fails with [ErrRange], [ErrNotWatched], or [ErrJobBusy]
// where 64 unfinished jobs read a script already.
func (x *Index) CreateJob(ctx context.Context, spec JobSpec) (job Job, err error) {
	x.writing.Lock()
	defer x.writing.Unlock()
	if err := x.flush(ctx); err != nil {
		return job, err
	}
	if len(spec.Scripts) > maxJobScripts {
		return job, fmt.Errorf("%d scripts, limit %d; take all: %w", len(spec.Scripts), maxJobScripts, ErrRange)
	}
	err = x.write(ctx, false, func(s *step) error {
		row, err := x.newJob(s, spec)
		if err != nil {
			return err
		}
		for _, script := range spec.Scripts {
			if err := x.assignJob(s, row, script); err != nil {
				return err
			}
		}
		s.putJob(row)
		job = row.Job
		return nil
	})
	if err != nil {
		return Job{}, fmt.Errorf("create job: %w", err)
	}
	return job, nil
}

// assignJob gives a watched script to a job. A birth above the job's range
// falls to it, and the job reads up to it, so that no gap is left.
func (x *Index) assignJob(s *step, j *jobRow, script []byte) error {
	id, w, err := x.scriptIDIn(s, script)
	if err != nil {
		return fmt.Errorf("script %x: %w", script, err)
	}
	if w.reads(j.ID) {
		return nil // named twice
	}
	if err := w.takesJob(s.base); err != nil {
		return err
	}
	past := j.From >= w.birth
	if err := s.assign(w, j.ID, past); err != nil {
		return err
	}
	if !past {
		j.To = max(j.To, min(w.birth, s.state.above(x.self.start))-1)
		w.birth = j.From
	}
	j.Scripts++
	s.put(keyScript(tableWatch, id), w.encode())
	return nil
}

// Job returns a job's record, and false where there is none.
func (x *Index) Job(ctx context.Context, id JobID) (job Job, found bool, err error) {
	err = x.query(ctx, func(r Reader) error {
		row, err := readJob(r, id)
		if errors.Is(err, ErrNoJob) {
			return nil
		}
		if err == nil {
			job, found = row.Job, true
		}
		return err
	})
	return job, found, err
}

// Jobs returns every job, oldest first.
func (x *Index) Jobs(ctx context.Context) (list []Job, err error) {
	err = x.query(ctx, func(r Reader) error {
		return r.Scan([]byte{tableJob}, nil, false, func(_, value []byte) error {
			row, err := decodeJob(value)
			if err == nil {
				list = append(list, row.Job)
			}
			return err
		})
	})
	return list, err
}

// EndJob ends a job as cancelled or failed. It can be started again. It fails
// with [ErrNoJob] or, for a job that is done, [ErrJobState].
func (x *Index) EndJob(ctx context.Context, id JobID, state JobState, reason string) (job Job, err error) {
	x.writing.Lock()
	defer x.writing.Unlock()
	if state != JobCancelled && state != JobFailed {
		return job, fmt.Errorf("end job %d in state %d: %w", id, state, ErrJobState)
	}
	if err := x.flush(ctx); err != nil {
		return job, err
	}
	err = x.write(ctx, false, func(s *step) error {
		row, err := readJob(s.base, id)
		if err != nil {
			return err
		}
		if row.State == JobDone {
			return fmt.Errorf("job %d is done: %w", id, ErrJobState)
		}
		row.State, row.Error, row.Finished = state, reason, x.opts.Clock().UTC()
		s.putJob(row)
		job = row.Job
		return nil
	})
	if r := x.w.running[id]; err == nil && r != nil {
		x.ended(r)
	}
	return job, err
}

// ResumeJob queues a cancelled or failed job again: it goes on at its cursor. It
// fails with [ErrNoJob] or, for a job in another state, [ErrJobState].
func (x *Index) ResumeJob(ctx context.Context, id JobID) (job Job, err error) {
	x.writing.Lock()
	defer x.writing.Unlock()
	if err := x.flush(ctx); err != nil {
		return job, err
	}
	err = x.write(ctx, false, func(s *step) error {
		row, err := readJob(s.base, id)
		if err != nil {
			return err
		}
		if row.State != JobCancelled && row.State != JobFailed {
			return fmt.Errorf("resume job %d in state %d: %w", id, row.State, ErrJobState)
		}
		row.State, row.Error, row.Finished = JobQueued, "", time.Time{}
		s.putJob(row)
		job = row.Job
		return nil
	})
	return job, err
}

// eachJob calls each with every job that has not ended for good.
func (s *step) eachJob(each func(*jobRow) error) error {
	return s.base.Scan([]byte{tableJob}, nil, false, func(_, value []byte) error {
		j, err := decodeJob(value)
		if err != nil || j.State == JobDone {
			return err
		}
		return each(j)
	})
}

// stepJobsBack moves the cursors of unfinished jobs below a block that is
// disconnected, and drops what they keep of it.
func (x *Index) stepJobsBack(s *step, height coins.Height) error {
	return s.eachJob(func(j *jobRow) error {
		kept, err := s.keptOf(j.ID, height)
		if err != nil {
			return err
		}
		s.del(keyFound(j.ID, height))
		if j.Next > height {
			j.Next = max(height, j.From)
			j.kept -= uint64(len(kept))
			s.putJob(j)
			if r := x.w.running[j.ID]; r != nil {
				r.next = j.Next
			}
		}
		return nil
	})
}
