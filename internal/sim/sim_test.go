package sim

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestMain(m *testing.M) {
	flag.Int64("seed", -1, "play this one seed and show what happens")
	flag.Int64("seeds", 0, "play so many seeds")
	flag.Int64("from", 0, "the first of the seeds to play")
	flag.Parse()
	os.Exit(m.Run())
}

func setting(t *testing.T, name string) int64 {
	t.Helper()
	n, err := strconv.ParseInt(flag.Lookup(name).Value.String(), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// explain shrinks a failing scenario and tells its story.
func explain(t *testing.T, s Scenario, err error) {
	t.Helper()
	small := Shrink(s, 500, func(s Scenario) bool { return lawOf(Play(t, s, nil).Err) == lawOf(err) })
	var trace bytes.Buffer
	result := Play(t, small, &trace)
	t.Errorf("seed %d: %v\nreplay: go test ./internal/sim -run TestSeeds -seed %d\nshrunk from %d steps to %d: %v\n%v\n%s",
		s.Seed, err, s.Seed, len(s.Steps), len(small.Steps), small.Steps, result.Err, trace.String())
}

// lawOf is what an error says without the numbers.
func lawOf(err error) string {
	if err == nil {
		return ""
	}
	return regexp.MustCompile(`[0-9a-f]{6,}|[0-9]+`).ReplaceAllString(strings.Split(err.Error(), "\n")[0], "")
}

// TestSeeds plays scenarios: for some seconds, or as many as asked for, or the
// ten thousand of a soak.
func TestSeeds(t *testing.T) {
	if seed := setting(t, "seed"); seed >= 0 {
		s := New(uint64(seed))
		if r := Play(t, s, os.Stderr); r.Err != nil {
			explain(t, s, r.Err)
		}
		return
	}
	most, limit := setting(t, "seeds"), time.Hour
	switch {
	case most > 0:
	case os.Getenv("COFFER_SOAK") == "1":
		most = 10_000
	default:
		most, limit = 150, 6*time.Second
	}
	var next atomic.Int64
	var mu sync.Mutex
	var workers sync.WaitGroup
	acts, begun := map[string]int{}, time.Now()
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for time.Since(begun) < limit && !t.Failed() {
				n := next.Add(1) - 1
				if n >= most {
					return
				}
				s := New(uint64(setting(t, "from") + n))
				r := Play(t, s, nil)
				mu.Lock()
				for act, count := range r.Acts {
					acts[act] += count
				}
				if r.Err != nil && !t.Failed() {
					explain(t, s, r.Err)
				}
				mu.Unlock()
			}
		})
	}
	workers.Wait()
	played := min(next.Load(), most)
	t.Logf("%d seeds in %s: %v", played, time.Since(begun).Round(time.Second), acts)
	if played >= 100 && !t.Failed() {
		everythingHappened(t, acts)
	}
}

// everythingHappened fails a run in which something that is to be survived
// never happened.
func everythingHappened(t *testing.T, acts map[string]int) {
	t.Helper()
	names := []string{"reorg", "replacement", "eviction", "resend", "double spend", "behind", "rival of equal work", "invalid block",
		"import", "unwatch", "unwatch while scanning", "rescan", "cancel", "resume", "archive", "reserve", "release", "expiry", "source", "join", "crash", "store fault armed"}
	for _, kind := range faultKinds() {
		names = append(names, "fault "+string(kind))
	}
	for _, name := range names {
		if acts[name] == 0 {
			t.Errorf("never happened: %s", name)
		}
	}
}

// TestSameStory plays scenarios twice: not a word may differ.
func TestSameStory(t *testing.T) {
	for seed := range uint64(12) {
		var first, second bytes.Buffer
		a, b := Play(t, New(seed), &first), Play(t, New(seed), &second)
		if a.Digest != b.Digest || first.String() != second.String() {
			t.Fatalf("seed %d: two stories\n%s", seed, difference(first.String(), second.String()))
		}
	}
}

func difference(a, b string) string {
	left, right := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(left), len(right)) {
		if left[i] != right[i] {
			return fmt.Sprintf("line %d: %s\n%s", i, left[i], right[i])
		}
	}
	return fmt.Sprintf("%d and %d lines", len(left), len(right))
}

// TestShrink leaves of a scenario only what it takes.
func TestShrink(t *testing.T) {
	s := New(3)
	kept := []Step{s.Steps[2], s.Steps[11]}
	small := Shrink(s, 1000, func(s Scenario) bool {
		found := 0
		for _, step := range s.Steps {
			if found < len(kept) && step == kept[found] {
				found++
			}
		}
		return found == len(kept)
	})
	if fmt.Sprint(small.Steps) != fmt.Sprint(kept) {
		t.Errorf("shrunk to %v, want %v", small.Steps, kept)
	}
}
