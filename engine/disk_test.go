package engine_test

import (
	"errors"
	"io"
	"sync/atomic"
	"testing"

	"coffer.example/coffer/engine"
)

// With a full disk and no daemon an index can be read, and nothing else; with room again it goes on, by the same engine.
func TestReadOnFullDisk(t *testing.T) {
	w := newWorld(t, "btc", 120, "    start: genesis\n")
	address, _ := w.address(1)
	imports := func() error {
		_, err := w.engine.ImportAddresses(t.Context(), "btc", engine.ImportRequest{Addresses: []string{address}, From: "none"})
		return err
	}
	if err := imports(); err != nil {
		t.Fatal(err)
	}
	if err := w.engine.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := w.engine.Close(); err != nil {
		t.Fatal(err)
	}
	var free atomic.Uint64
	free.Store(100 << 20)
	w.options.Free = func(string) (uint64, error) { return free.Load(), nil }
	w.open()
	w.balance(address)
	w.sound()
	w.mine(1)
	address, _ = w.address(2)
	if err := imports(); engine.CodeOf(err) != engine.CodeDisk {
		t.Errorf("import on a full disk: %v", err)
	}
	if err := w.engine.CatchUp(t.Context()); engine.CodeOf(err) != engine.CodeDisk {
		t.Errorf("catch up on a full disk: %v", err)
	}
	for name, err := range map[string]error{
		"snapshot": func() error {
			_, err := w.engine.Snapshot(t.Context(), engine.SnapshotRequest{To: t.TempDir() + "/saved"})
			return err
		}(),
		"compact": func() error { _, err := w.engine.CompactIndex(t.Context(), "btc"); return err }(),
	} {
		if engine.CodeOf(err) != engine.CodeDisk {
			t.Errorf("%s on a full disk: %v", name, err)
		}
	}
	free.Store(10 << 30)
	if err := imports(); err != nil {
		t.Errorf("import with room again: %v", err)
	}
	if err := w.engine.CatchUp(t.Context()); err != nil {
		t.Errorf("catch up with room again: %v", err)
	}
	w.sound()
}

// endless gives the same line again and again, and counts what was taken of it.
type endless struct {
	line  string
	taken int
}

func (e *endless) Read(b []byte) (n int, err error) {
	for n+len(e.line) <= len(b) {
		n += copy(b[n:], e.line)
	}
	if e.taken += n; e.taken > 64<<20 {
		err = io.EOF
	}
	return n, err
}

// Lines without an end are not gathered until they fill the disk that the index writes to.
func TestImportLeavesRoom(t *testing.T) {
	w := newWorld(t, "btc", 1, "    start: genesis\n")
	w.close()
	w.options.Free = func(string) (uint64, error) { return 1 << 20, nil }
	w.open()
	address, _ := w.address(1)
	lines := &endless{line: address + "\n"}
	_, err := w.engine.ImportLines(t.Context(), "btc", engine.LinesRequest{Lines: lines}, nil)
	if !errors.Is(err, engine.ErrDisk) || lines.taken > 32<<20 {
		t.Errorf("%v, after %d bytes", err, lines.taken)
	}
}
