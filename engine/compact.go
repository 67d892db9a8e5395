package engine

import (
	"context"
	"time"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/scanner"
	"coffer.example/coffer/store/badgerkv"
)

// CompactReport says what compacting has won.
type CompactReport struct {
	Coin coins.Symbol `json:"coin"`
	// Before and After are the bytes that the index took on the disk.
	Before int64         `json:"before_bytes"`
	After  int64         `json:"after_bytes"`
	Took   time.Duration `json:"took_ns"`
}

// CompactIndex is [Snapshots]'.
func (e *Engine) CompactIndex(ctx context.Context, coin coins.Symbol) (report CompactReport, err error) {
	p, index, err := e.open(ctx, coin)
	if err != nil {
		return report, err
	}
	ctx, _, end, err := p.begin(ctx, "compact")
	if err != nil {
		return report, err
	}
	defer end()
	report.Coin = coin
	began := e.options.Clock()
	if report.Before, err = badgerkv.FolderSize(p.dir); err != nil {
		return report, err
	}
	if err := p.roomFor(p.dir, report.Before); err != nil {
		return report, err
	}
	if err := index.Compact(ctx); err != nil {
		return report, cause(ctx, err)
	}
	if report.After, err = badgerkv.FolderSize(p.dir); err != nil {
		return report, err
	}
	report.Took = e.options.Clock().Sub(began)
	return report, nil
}

// tendInterval is how often the daemon looks for garbage in an index's value log.
const tendInterval = 10 * time.Minute

// tend collects garbage now and then, at quiet times: while blocks are missing, or somebody works on the index, it can
// wait.
func (p *part) tend(ctx context.Context) error {
	interval := p.options.Tend
	if interval <= 0 {
		interval = tendInterval
	}
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		if err := p.collect(ctx); err != nil && ctx.Err() == nil {
			p.tell(0, Collected{Err: err})
		}
	}
}

// collect collects garbage, where it is quiet and there is room.
func (p *part) collect(ctx context.Context) error {
	index, _, s := p.opened()
	if index == nil || s == nil || s.Status().State != scanner.StateAtTip || checkRoom(p.dir, p.options.Free) != nil {
		return nil
	}
	p.mu.Lock()
	busy := p.now.task != nil
	p.mu.Unlock()
	if busy {
		return nil
	}
	files, err := index.Collect(ctx)
	if err == nil && files > 0 {
		p.tell(0, Collected{Files: files})
	}
	return err
}
