package engine

import (
	"context"
	"time"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/store/watchlog"
	"coffer.example/coffer/utxo"
)

// applySource does to the index what a record of a descriptor says. It may do so again.
func (s *watchSet) applySource(ctx context.Context, r *watchlog.Record) (utxo.SourceResult, error) {
	d := &r.Descriptor
	if r.Kind == watchlog.Issued {
		return utxo.SourceResult{}, s.index.RaiseIssued(ctx, d.Text, d.Branch, d.Issued)
	}
	return s.index.AddSource(ctx, utxo.SourceSpec{Text: d.Text, Gap: d.Gap, Label: d.Label}, &utxo.JobSpec{From: d.Birth})
}

// addSource watches what a descriptor derives, from a height on.
func (s *watchSet) addSource(ctx context.Context, spec utxo.SourceSpec, birth coins.Height) (added utxo.SourceResult, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.begin(ctx); err != nil {
		return added, err
	}
	if err := s.index.CheckSource(spec); err != nil {
		return added, err
	}
	if err := checkNotes(spec.Label, ""); err != nil {
		return added, err
	}
	r := &watchlog.Record{Kind: watchlog.DescriptorWatched, Time: s.clock().UTC().Truncate(time.Second)}
	r.Descriptor = watchlog.Descriptor{Text: spec.Text, Birth: birth, Gap: spec.Gap, Label: spec.Label}
	if _, err := s.log.Append(r); err != nil {
		return added, err
	}
	if added, err = s.applySource(ctx, r); err != nil {
		return added, err
	}
	return added, s.mark()
}

// issue gives out the next script of a descriptor's branch. Here the index comes first, which knows which one it is; it
// is given out when the log has it too, so that no rebuild forgets that it is watched.
func (s *watchSet) issue(ctx context.Context, id XpubID, text string, branch uint32) (index uint32, script []byte, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.begin(ctx); err != nil {
		return 0, nil, err
	}
	if index, script, err = s.index.Issue(ctx, id, branch); err != nil {
		return 0, nil, err
	}
	if _, err := s.log.Append(issuedRecord(text, branch, index+1)); err != nil {
		return 0, nil, err
	}
	return index, script, s.mark()
}

func issuedRecord(text string, branch, issued uint32) *watchlog.Record {
	return &watchlog.Record{Kind: watchlog.Issued, Descriptor: watchlog.Descriptor{Text: text, Branch: branch, Issued: issued}}
}

// adoptSources takes what only the index has of descriptors into the log.
func (s *watchSet) adoptSources(ctx context.Context, known *scriptSet) (count int, err error) {
	for page := (utxo.Page{Limit: utxo.MaxPage}); ; {
		sources, next, err := s.index.Sources(ctx, page)
		if err != nil {
			return count, err
		}
		for i := range sources {
			had := known.has([]byte(sources[i].Text))
			if err := s.adoptSource(&sources[i], had); err != nil {
				return count, err
			}
			if !had {
				count++
			}
		}
		if next == "" {
			return count, nil
		}
		page.Cursor = next
	}
}

// adoptSource writes what was given out in any case: an older log may know of less.
func (s *watchSet) adoptSource(src *utxo.Source, known bool) error {
	if !known {
		r := &watchlog.Record{Kind: watchlog.DescriptorWatched, Time: src.Added}
		r.Descriptor = watchlog.Descriptor{Text: src.Text, Birth: src.From, Gap: src.Gap, Label: src.Label}
		if _, err := s.log.Append(r); err != nil {
			return err
		}
	}
	for branch, b := range src.Branches {
		if b.Issued == 0 {
			continue
		}
		if _, err := s.log.Append(issuedRecord(src.Text, uint32(branch), b.Issued)); err != nil {
			return err
		}
	}
	return nil
}
