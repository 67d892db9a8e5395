package badgerkv_test

import (
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"testing"

	"coffer.example/coffer/store/badgerkv"
	"coffer.example/coffer/utxo"
)

// TestChurn writes the same rows again and again, as a log does that is pruned and a block's undo: small ones that lie
// in tables, and large ones that lie in the value log. With Collect now and then the folder's size is bounded by what is
// alive in it and by the sizes of memtables and logs, whatever was written.
func TestChurn(t *testing.T) {
	const memTable, large = 8 << 20, 1<<20 + 1<<16
	s, err := badgerkv.Open(t.TempDir(), badgerkv.Options{MemTable: memTable, Rows: 1000})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	c := &churn{t: t, s: s, random: rand.New(rand.NewPCG(1, 2)), value: make([]byte, large)}
	rounds := 25
	if os.Getenv("COFFER_SOAK") == "1" {
		rounds = 1000
	}
	var sizes []int64
	files := 0
	for range rounds {
		c.round()
		collected, err := s.Collect(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		size, err := s.Size()
		if err != nil {
			t.Fatal(err)
		}
		sizes, files = append(sizes, size), files+collected
	}
	if err := s.Compact(t.Context()); err != nil {
		t.Fatal(err)
	}
	after, err := s.Size()
	if err != nil {
		t.Fatal(err)
	}
	most := slices.Max(sizes)
	t.Logf("%d MB were written, the folder took at most %d MB, %d after compacting; %d files collected", c.written>>20, most>>20, after>>20, files)
	if limit := int64(160 << 20); files == 0 || most > limit || after > most {
		t.Errorf("%d files were collected, the folder took %v", files, sizes)
	}
}

// churn keeps ten large rows and 20,000 small ones alive.
type churn struct {
	t       *testing.T
	s       *badgerkv.Store
	random  *rand.Rand
	value   []byte
	next    uint64
	written int64
}

const alive = 20_000

func (c *churn) round() {
	for n := range byte(10) {
		for i := 0; i+8 <= len(c.value); i += 8 {
			binary.LittleEndian.PutUint64(c.value[i:], c.random.Uint64())
		}
		c.update(func(w utxo.Writer) error { return w.Set([]byte{'l', n}, c.value) })
		c.written += int64(len(c.value))
		for range 8 {
			c.update(func(w utxo.Writer) error {
				for range 400 {
					if err := w.Set(binary.BigEndian.AppendUint64([]byte{'s'}, c.next), c.value[:100]); err != nil {
						return err
					}
					if c.next >= alive {
						if err := w.Delete(binary.BigEndian.AppendUint64([]byte{'s'}, c.next-alive)); err != nil {
							return err
						}
					}
					c.next++
					c.written += 109
				}
				return nil
			})
		}
	}
}

func (c *churn) update(write func(utxo.Writer) error) {
	c.t.Helper()
	if err := c.s.Update(c.t.Context(), write); err != nil {
		c.t.Fatal(err)
	}
}

// TestReadOnly reads a folder without leave to write: after a Close, and not after a kill.
func TestReadOnly(t *testing.T) {
	folder := t.TempDir()
	s := open(t, folder)
	err := s.Update(t.Context(), func(w utxo.Writer) error { return w.Set([]byte("a"), []byte("b")) })
	if err := errors.Join(err, s.Close()); err != nil {
		t.Fatal(err)
	}
	if s, err = badgerkv.Open(folder, badgerkv.Options{ReadOnly: true}); err != nil {
		t.Fatal(err)
	}
	err = s.View(t.Context(), func(r utxo.Reader) error {
		value, found, err := r.Get([]byte("a"), nil)
		if err == nil && (!found || string(value) != "b") {
			err = errors.New("the row is gone")
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	err = s.Update(t.Context(), func(w utxo.Writer) error { return w.Set([]byte("a"), []byte("c")) })
	if !errors.Is(err, badgerkv.ErrReadOnly) {
		t.Errorf("written: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	killed := t.TempDir()
	s = open(t, folder)
	err = s.Update(t.Context(), func(w utxo.Writer) error { return w.Set([]byte("a"), []byte("d")) })
	if err == nil {
		err = exec.Command("cp", "-r", folder+"/.", killed).Run() // what a kill would leave
	}
	if err := errors.Join(err, s.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := badgerkv.Open(killed, badgerkv.Options{ReadOnly: true}); !errors.Is(err, badgerkv.ErrUnclean) {
		t.Errorf("opened for reading after a kill: %v", err)
	}
	if err := open(t, killed).Close(); err != nil {
		t.Error(err)
	}
}

func TestHold(t *testing.T) {
	folder := t.TempDir()
	release, err := badgerkv.Hold(folder)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := badgerkv.Hold(folder); !errors.Is(err, badgerkv.ErrLocked) {
		t.Errorf("held twice: %v", err)
	}
	if _, err := badgerkv.Open(folder, badgerkv.Options{}); !errors.Is(err, badgerkv.ErrLocked) {
		t.Errorf("opened while it is held: %v", err)
	}
	release()
	s := open(t, folder)
	if _, err := badgerkv.Hold(folder); !errors.Is(err, badgerkv.ErrLocked) {
		t.Errorf("held while it is open: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := badgerkv.Hold(folder + "/none"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("held what is not there: %v", err)
	}
}
