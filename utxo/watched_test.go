package utxo_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"coffer.example/coffer/store/memkv"
	"coffer.example/coffer/utxo"
)

func text(s string) *string { return &s }
func yes(b bool) *bool      { return &b }

// TestWatchNotes keeps labels, metadata and archive flags, changes and filters by them.
func TestWatchNotes(t *testing.T) {
	ctx := t.Context()
	store := memkv.New(testRows)
	x := openOn(t, store)
	added := time.Unix(1_700_000_000, 0).UTC()
	specs := []utxo.WatchSpec{
		{Script: script(0), Label: "shop/1", Metadata: `{"user":"1"}`, Added: added},
		{Script: script(1), Label: "shop/2", Archived: true},
		{Script: script(2)},
	}
	if _, err := x.Watch(ctx, specs, nil); err != nil {
		t.Fatal(err)
	}
	list := func(filter utxo.WatchFilter) (labels []string) {
		t.Helper()
		watches, next, err := x.Watches(ctx, filter, utxo.Page{})
		if err != nil || next != "" {
			t.Fatalf("%q, %v", next, err)
		}
		for _, w := range watches {
			labels = append(labels, w.Label)
		}
		return labels
	}
	if got := list(utxo.WatchFilter{Label: "shop/"}); !slices.Equal(got, []string{"shop/1", "shop/2"}) {
		t.Errorf("labels that begin with shop/: %q", got)
	}
	if got := list(utxo.WatchFilter{Archived: yes(false)}); !slices.Equal(got, []string{"shop/1", ""}) {
		t.Errorf("not archived: %q", got)
	}
	if got := list(utxo.WatchFilter{State: utxo.Scanning}); len(got) != 0 {
		t.Errorf("scanning: %q", got)
	}
	news, err := x.News(ctx, append(slices.Clone(specs), utxo.WatchSpec{Script: script(3)}, utxo.WatchSpec{Script: script(2), Label: "new"}), nil)
	if err != nil || len(news) != 2 || news[1].Label != "new" {
		t.Errorf("news: %v, %v", news, err)
	}
	found, err := x.ChangeWatches(ctx, []utxo.WatchChange{
		{Script: script(0), Label: text(""), Archived: yes(true)}, {Script: script(2), Metadata: text("{}")}, {Script: script(5), Label: text("x")},
	})
	if err != nil || found != 2 {
		t.Errorf("changed %d: %v", found, err)
	}
	if err := x.SetMark([]byte("up to here")); err != nil {
		t.Fatal(err)
	}
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	x = openOn(t, store.Reopen())
	w, _, err := x.Watched(ctx, script(0))
	if err != nil || w.Label != "" || w.Metadata != `{"user":"1"}` || !w.Archived || !w.Added.Equal(added) {
		t.Errorf("script 0 is %+v, %v", w, err)
	}
	var each []utxo.WatchSpec
	err = x.EachWatch(ctx, func(s utxo.WatchSpec) error { each = append(each, s); return nil })
	if err != nil || len(each) != 3 || !each[1].Archived || each[2].Metadata != "{}" {
		t.Errorf("each: %+v, %v", each, err)
	}
	if mark, err := x.Mark(ctx); err != nil || string(mark) != "up to here" {
		t.Errorf("mark %q, %v", mark, err)
	}
	long := utxo.WatchSpec{Script: script(4), Label: strings.Repeat("x", utxo.MaxNote+1)}
	if _, err := x.Watch(ctx, []utxo.WatchSpec{long}, nil); !errors.Is(err, utxo.ErrNote) {
		t.Errorf("a long label: %v", err)
	}
	if err := x.Check(ctx, func(string, int) {}); err != nil {
		t.Error(err)
	}
}

// TestImportParts shares one job among the parts of an import, from the lowest
// birth on, and no other.
func TestImportParts(t *testing.T) {
	ctx := t.Context()
	s := newStory()
	x := openOn(t, memkv.New(testRows))
	for _, b := range s.main {
		if err := x.Connect(ctx, b.load(t, testCoin(t))); err != nil {
			t.Fatal(err)
		}
	}
	in := x.Import(&utxo.JobSpec{})
	if err := in.Add(ctx, []utxo.WatchSpec{{Script: script(0), Birth: testStart + 1}, {Script: script(1), Birth: testStart + 99}}); err != nil {
		t.Fatal(err)
	}
	if _, err := x.StartJob(ctx, in.Result().Job); !errors.Is(err, utxo.ErrJobBusy) {
		t.Errorf("the job of an import that is not over: %v", err)
	}
	if err := in.Add(ctx, []utxo.WatchSpec{{Script: script(2), Birth: testStart}}); err != nil {
		t.Fatal(err)
	}
	in.Close()
	job, found, err := x.Job(ctx, in.Result().Job)
	if err != nil || !found || job.From != testStart || job.Next != testStart || job.Scripts != 2 || job.To != testStart+2 {
		t.Fatalf("job %+v, %v", job, err)
	}
	if err := runJob(ctx, t, x, s.main); err != nil {
		t.Fatal(err)
	}
	if jobs, err := x.Jobs(ctx); err != nil || len(jobs) != 1 || jobs[0].State != utxo.JobDone {
		t.Errorf("jobs %+v, %v", jobs, err)
	}
	if err := x.Check(ctx, func(string, int) {}); err != nil {
		t.Error(err)
	}
}
