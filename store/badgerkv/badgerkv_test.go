package badgerkv_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"coffer.example/coffer/store/badgerkv"
	"coffer.example/coffer/store/storetest"
	"coffer.example/coffer/utxo"
)

func TestMain(m *testing.M) {
	// What Badger leaves behind when it refuses a damaged folder.
	goleak.VerifyTestMain(m,
		goleak.IgnoreTopFunction("github.com/dgraph-io/badger/v4.(*DB).monitorCache"),
		goleak.IgnoreTopFunction("github.com/dgraph-io/ristretto/v2/z.(*AllocatorPool).freeupAllocators"),
		goleak.IgnoreTopFunction("github.com/dgraph-io/ristretto/v2.(*Cache[...]).processItems"),
		goleak.IgnoreTopFunction("github.com/dgraph-io/ristretto/v2.(*defaultPolicy[...]).processItems"),
		goleak.IgnoreTopFunction("github.com/dgraph-io/badger/v4.(*oracle).startTS"),
		goleak.IgnoreTopFunction("github.com/dgraph-io/badger/v4/y.(*WaterMark).process"))
}

func open(tb testing.TB, folder string) *badgerkv.Store {
	tb.Helper()
	s, err := badgerkv.Open(folder, badgerkv.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func TestStore(t *testing.T) {
	storetest.Run(t, func(tb testing.TB) storetest.Opener {
		folder := tb.TempDir()
		return func(tb testing.TB) utxo.Store {
			s := open(tb, folder)
			tb.Cleanup(func() {
				if err := s.Close(); err != nil {
					tb.Error(err)
				}
			})
			return s
		}
	})
}

func TestLocked(t *testing.T) {
	folder := t.TempDir()
	s := open(t, folder)
	if _, err := badgerkv.Open(folder, badgerkv.Options{}); !errors.Is(err, badgerkv.ErrLocked) {
		t.Errorf("opened twice: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := open(t, folder).Close(); err != nil {
		t.Fatal(err)
	}
}

func TestTooSmall(t *testing.T) {
	if _, err := badgerkv.Open(t.TempDir(), badgerkv.Options{MemTable: 64 << 20}); !errors.Is(err, utxo.ErrTooManyRows) {
		t.Errorf("opened with a memtable that cannot take the worst block: %v", err)
	}
}

func TestCorrupt(t *testing.T) {
	for _, name := range []string{"MANIFEST", ".sst", "KEYREGISTRY"} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			s := open(t, folder)
			err := s.Update(t.Context(), func(w utxo.Writer) error { return w.Set([]byte("a"), []byte("b")) })
			if err := errors.Join(err, s.Close()); err != nil {
				t.Fatal(err)
			}
			damage(t, folder, name)
			s, err = badgerkv.Open(folder, badgerkv.Options{})
			if err == nil {
				err = errors.Join(errors.New("opened"), s.Close())
			}
			if !errors.Is(err, badgerkv.ErrCorrupt) || !strings.Contains(err.Error(), folder) {
				t.Errorf("damaged %s: %v", name, err)
			}
		})
	}
}

// TestKilled opens what a process leaves behind that is killed while Badger makes a log, deletes one, or writes a
// table: nothing of it was ever part of the store.
func TestKilled(t *testing.T) {
	for name, text := range map[string]string{"000009.vlog": "", "000009.mem": "", "000009.sst": "", "000008.sst": "half a table"} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			s := open(t, folder)
			err := s.Update(t.Context(), func(w utxo.Writer) error { return w.Set([]byte("a"), []byte("b")) })
			if err := errors.Join(err, s.Close(), os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600)); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				s = open(t, folder)
				err = s.View(t.Context(), func(r utxo.Reader) error {
					value, found, err := r.Get([]byte("a"), nil)
					if err == nil && (!found || string(value) != "b") {
						err = errors.New("the row is gone")
					}
					return err
				})
				if err := errors.Join(err, s.Close()); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// TestRunning leaves the files of a store alone that another has open.
func TestRunning(t *testing.T) {
	folder := t.TempDir()
	s := open(t, folder)
	fresh := filepath.Join(folder, "000009.vlog") // as Badger has it for a moment
	if err := os.WriteFile(fresh, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := badgerkv.Open(folder, badgerkv.Options{}); !errors.Is(err, badgerkv.ErrLocked) {
		t.Errorf("opened twice: %v", err)
	}
	if _, err := os.Stat(fresh); err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// damage overwrites the files of a name.
func damage(t *testing.T, folder, name string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	done := 0
	for _, entry := range entries {
		if strings.HasSuffix(entry.Name(), name) {
			done++
			path := filepath.Join(folder, entry.Name())
			if err := os.WriteFile(path, []byte(strings.Repeat("damaged ", 40)), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	if done == 0 {
		t.Fatalf("no file %s", name)
	}
}
