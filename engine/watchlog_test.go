package engine_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/engine"
	"coffer.example/coffer/internal/simnode"
	"coffer.example/coffer/store/watchlog"
)

func (w *world) folder() string { return filepath.Join(w.config.DataDir, string(w.symbol)+"-regtest") }

// close closes the engine, to be opened again.
func (w *world) close() {
	w.t.Helper()
	if err := w.engine.Close(); err != nil {
		w.t.Fatal(err)
	}
}

// catchUp reads everything there is, the jobs included.
func (w *world) catchUp() {
	w.t.Helper()
	if err := w.engine.CatchUp(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

// answers is what the index says of everything that is watched, in words that are equal for equal answers.
func (w *world) answers() string {
	w.t.Helper()
	ctx := w.t.Context()
	report, err := w.engine.CheckIndex(ctx, w.symbol)
	if err != nil || !report.OK {
		w.t.Fatalf("check: %v %q", err, report.Violations)
	}
	lines := []string{report.Digest}
	for _, archived := range []bool{false, true} {
		list, err := w.engine.Watches(ctx, w.symbol, engine.WatchQuery{Archived: archived, Page: engine.Page{Limit: engine.MaxPage}})
		if err != nil {
			w.t.Fatal(err)
		}
		for _, watch := range list.Watches {
			var balance engine.Balance
			if !strings.HasPrefix(watch.Address, "script:") { // a bare key has none to ask for
				balance = w.balance(watch.Address)
			}
			if len(watch.Origins) > 0 {
				watch.Birth = 0 // those derived at the tip are born there, and with their source where it is derived anew
			}
			lines = append(lines, fmt.Sprint(watch.Address, watch.Label, string(watch.Metadata), watch.Archived, watch.Birth, watch.State, watch.Added, balance.Total, balance.Received))
		}
	}
	xpubs, err := w.engine.Xpubs(ctx, w.symbol, engine.Page{})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, x := range xpubs.Xpubs {
		lines = append(lines, fmt.Sprint(x.Descriptor, x.Label, x.Gap, x.From, x.State, x.Branches))
	}
	slices.Sort(lines[1:])
	return strings.Join(lines, "\n")
}

// unlike names the lines that two answers do not share.
func unlike(got, want string) string {
	a, b := strings.Split(got, "\n"), strings.Split(want, "\n")
	var lines []string
	for _, line := range a {
		if !slices.Contains(b, line) {
			lines = append(lines, "got  "+line)
		}
	}
	for _, line := range b {
		if !slices.Contains(a, line) {
			lines = append(lines, "want "+line)
		}
	}
	return strings.Join(lines[:min(len(lines), 8)], "\n")
}

// story watches, changes and removes. Each step can be tried again after it failed.
func (w *world) story() []func() error {
	ctx := w.t.Context()
	var list []string
	for n := range byte(6) {
		address, _ := w.address(n + 1)
		list = append(list, address)
	}
	text, yes := "new", true
	lines := list[2] + ",two,user=2;shop=x\n" + list[3] + ",\"three, 3\"\n" + list[4] + "\n"
	return []func() error{
		func() error {
			_, err := w.engine.ImportAddresses(ctx, w.symbol, engine.ImportRequest{Addresses: list[:2], From: "genesis", Label: "old"})
			return err
		},
		func() error {
			request := engine.LinesRequest{Lines: strings.NewReader(lines), From: "2", Label: "lines"}
			_, err := w.engine.ImportLines(ctx, w.symbol, request, nil)
			return err
		},
		func() error {
			_, err := w.engine.ChangeWatches(ctx, w.symbol, engine.WatchChange{Addresses: list[1:3], Label: &text, Archived: &yes})
			return err
		},
		func() error {
			_, err := w.engine.ImportXpub(ctx, w.symbol, engine.XpubRequest{Key: "wpkh(" + tpub + "/0/*)", Gap: 3, From: "genesis", Label: "keys"})
			return err
		},
		func() error {
			_, err := w.engine.RemoveWatches(ctx, w.symbol, list[:1])
			if errors.Is(err, engine.ErrNotFound) {
				return nil // it was done before it failed
			}
			return err
		},
	}
}

func (w *world) tell() {
	w.t.Helper()
	w.catchUp()
	for i, step := range w.story() {
		if err := step(); err != nil {
			w.t.Fatalf("step %d: %v", i, err)
		}
	}
	w.catchUp()
}

// storyWorld is a world with payments to the story's addresses, and a clock that stands.
func storyWorld(t *testing.T) *world {
	w := newWorld(t, "btc", 104, "    start: genesis\n")
	for n := range byte(6) {
		_, script := w.address(n + 1)
		w.mine(1, simnode.Pay(script, coins.Amount(1000+int64(n))))
	}
	w.close()
	w.options.Clock = func() time.Time { return time.Unix(1_700_000_000, 0) }
	w.open()
	return w
}

// TestIndexFromLog deletes the index, the log, and each after the other: the answers stay.
func TestIndexFromLog(t *testing.T) {
	w := storyWorld(t)
	w.tell()
	for index := uint32(0); index < 120; { // beyond what the gap alone has watched
		next, err := w.engine.NextAddress(t.Context(), "btc", 1, engine.NextRequest{})
		if err != nil {
			t.Fatal(err)
		}
		index = next.Index
	}
	want := w.answers()
	if !strings.Contains(want, "two") && !strings.Contains(want, `"user":"2"`) || !strings.Contains(want, "three, 3") {
		t.Fatalf("the story is\n%s", want)
	}
	for _, lost := range []string{"index", "watch.log", "index", "index"} {
		w.close()
		if err := os.RemoveAll(filepath.Join(w.folder(), lost)); err != nil {
			t.Fatal(err)
		}
		w.open()
		w.catchUp()
		if got := w.answers(); got != want {
			t.Fatalf("without %s:\n%s", lost, unlike(got, want))
		}
	}
	if _, err := w.engine.RebuildIndex(t.Context(), "btc"); err != nil {
		t.Fatal(err)
	}
	w.catchUp()
	if got := w.answers(); got != want {
		t.Fatalf("rebuilt:\n%s", unlike(got, want))
	}
}

// TestOlderLog brings back a log from before the last changes: what only the index has is taken into it.
func TestOlderLog(t *testing.T) {
	w := storyWorld(t)
	story := w.story()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(story[0]())
	file := filepath.Join(w.folder(), "watch.log")
	old, err := os.ReadFile(file)
	must(err)
	must(story[1]())
	w.catchUp()
	want := w.answers()
	w.close()
	must(os.WriteFile(file, old, 0o600))
	var told []engine.Refilled
	w.options.OnEvent = func(e engine.Event) {
		if refilled, ok := e.Detail.(engine.Refilled); ok {
			told = append(told, refilled)
		}
	}
	for _, lost := range []string{"nothing", "index"} {
		w.open()
		w.catchUp()
		if got := w.answers(); got != want {
			t.Fatalf("without %s:\n%s", lost, unlike(got, want))
		}
		w.close()
		must(os.RemoveAll(filepath.Join(w.folder(), "index")))
	}
	if len(told) != 2 || told[0].Adopted != 3 || told[0].Added != 0 || told[1].Added != 5 {
		t.Errorf("told %+v", told)
	}
}

// TestBadLogs opens a torn log, a foreign one, a newer one and a damaged one.
func TestBadLogs(t *testing.T) {
	w := storyWorld(t)
	w.tell()
	want := w.answers()
	w.close()
	file := filepath.Join(w.folder(), "watch.log")
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	cut := int64(0)
	w.options.OnEvent = func(e engine.Event) {
		if c, ok := e.Detail.(engine.WatchLogCut); ok {
			cut = c.Bytes
		}
	}
	for name, test := range map[string]struct {
		change func([]byte) []byte
		want   error
	}{
		"torn":    {func(b []byte) []byte { return append(b, 0xc0, 0xff, 0xe5, 0x0a, 0, 0, 0, 9, 1, 2) }, nil},
		"foreign": {func(b []byte) []byte { return bytes.Replace(b, []byte("regtest"), []byte("regtesu"), 1) }, watchlog.ErrDamaged},
		"newer":   {func(b []byte) []byte { b[19] = 9; return b }, watchlog.ErrNewer},
		"damaged": {func(b []byte) []byte { b[130] ^= 1; return b }, watchlog.ErrDamaged},
	} {
		if err := os.WriteFile(file, test.change(bytes.Clone(whole)), 0o600); err != nil {
			t.Fatal(err)
		}
		w.open()
		_, err := w.engine.Watches(t.Context(), "btc", engine.WatchQuery{})
		if !errors.Is(err, test.want) || test.want != nil && engine.CodeOf(err) != engine.CodeIndex {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
		if test.want == nil {
			if got := w.answers(); got != want || cut != 10 {
				t.Errorf("%s: %d bytes cut off\n%s", name, cut, unlike(got, want))
			}
		}
		w.close()
	}
}

var errBroken = errors.New("broken")

// brokenFile is a watch log of which one call fails, counted with those that ask for free space.
type brokenFile struct {
	watchlog.File
	fails func() bool
}

func (f brokenFile) WriteAt(b []byte, at int64) (int, error) {
	if f.fails() {
		n, _ := f.File.WriteAt(b[:len(b)/2], at)
		return n, errBroken
	}
	return f.File.WriteAt(b, at)
}

func (f brokenFile) Sync() error {
	if f.fails() {
		return errBroken
	}
	return f.File.Sync()
}

// TestBetweenLogAndIndex fails every call of the log's file, and every write of the index, tries the step again with and
// without opening anew, and ends with the answers of an undisturbed run; also where the index is deleted then.
func TestBetweenLogAndIndex(t *testing.T) {
	w := storyWorld(t)
	w.tell()
	want := w.answers()
	step := 2 // the soak has every fault with both ways on, the short form each with one of them
	if os.Getenv("COFFER_SOAK") != "" {
		step = 1
	}
	for i, reopen := range []bool{false, true} {
		for n := 1 + i*(step-1); ; n += step {
			left := -1
			fails := func() bool { left--; return left == 0 }
			w.close()
			if err := os.RemoveAll(w.folder()); err != nil {
				t.Fatal(err)
			}
			w.options.WatchLog = func(f watchlog.File) watchlog.File { return brokenFile{f, fails} }
			w.options.Free = func(string) (uint64, error) {
				if fails() {
					return 0, errBroken
				}
				return 1 << 50, nil
			}
			w.open()
			w.catchUp() // so that the past is to be read by jobs
			left = n
			for i, step := range w.story() {
				for tries := 0; ; tries++ {
					err := step()
					if err == nil {
						break
					}
					if !errors.Is(err, errBroken) || tries > 1 {
						t.Fatalf("fault %d, step %d: %v", n, i, err)
					}
					if reopen {
						_ = w.engine.Close() // it may fail again
						w.open()
					}
				}
			}
			fired := left <= 0
			left = -1 // no more faults
			w.catchUp()
			if got := w.answers(); got != want {
				t.Fatalf("fault %d, reopened %v:\n%s", n, reopen, unlike(got, want))
			}
			w.close()
			if err := os.RemoveAll(filepath.Join(w.folder(), "index")); err != nil {
				t.Fatal(err)
			}
			w.open()
			w.catchUp()
			if got := w.answers(); got != want {
				t.Fatalf("fault %d, reopened %v, index deleted:\n%s", n, reopen, unlike(got, want))
			}
			if !fired {
				if n < 15 {
					t.Fatalf("only %d faults fired", n-1)
				}
				break
			}
		}
	}
}
