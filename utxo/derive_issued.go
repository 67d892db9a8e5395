package utxo

import (
	"context"
	"fmt"
)

// RaiseIssued notes that so many scripts of a source's branch were given out, as
// [Index.Issue] has told before the index was made anew: they are watched again,
// and a gap behind them. Fewer than are known change nothing. It fails with
// [ErrNoSource].
func (x *Index) RaiseIssued(ctx context.Context, text string, branch, issued uint32) error {
	x.writing.Lock()
	defer x.writing.Unlock()
	if err := x.flush(ctx); err != nil {
		return err
	}
	err := x.write(ctx, false, func(s *step) error { return x.raiseIssued(s, text, branch, issued) })
	if err != nil {
		return fmt.Errorf("what was issued of a source, branch %d: %w", branch, err)
	}
	x.tryMatchDerived(ctx)
	return nil
}

func (x *Index) raiseIssued(s *step, text string, branch, issued uint32) error {
	src, _, err := s.sourceOf(text)
	if err != nil {
		return err
	}
	if src == nil || int(branch) >= len(src.branches) {
		return fmt.Errorf("%.40q: %w", text, ErrNoSource)
	}
	b := &src.branches[branch]
	if issued <= b.Issued {
		return nil
	}
	scripts, err := x.derives(text)
	if err != nil {
		return err
	}
	b.Issued = min(issued, scripts.Len())
	d := &deriving{x: x, s: s, src: src, scripts: scripts}
	if d.derivedAt, err = x.atTip(s, src, s.state.above(x.self.start)); err != nil {
		return err
	}
	if err := d.grow(branch); err != nil {
		return err
	}
	return d.finish()
}
