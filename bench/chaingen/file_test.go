package chaingen_test

import (
	"bytes"
	"errors"
	"testing"

	"coffer.example/coffer/bench/chaingen"
)

func TestFileRoundTrip(t *testing.T) {
	_, blocks := full(t, chaingen.BitcoinRegtest(1))
	var file bytes.Buffer
	for _, b := range blocks {
		if err := chaingen.WriteBlock(&file, b.Raw); err != nil {
			t.Fatal(err)
		}
	}
	whole := file.Bytes()
	next := 0
	for raw, err := range chaingen.ReadBlocks(bytes.NewReader(whole)) {
		if err != nil || !bytes.Equal(raw, blocks[next].Raw) {
			t.Fatalf("block %d came back changed: %v", next, err)
		}
		next++
	}
	if next != len(blocks) {
		t.Fatalf("%d of %d blocks came back", next, len(blocks))
	}
	for name, bad := range map[string][]byte{
		"cut in a block":  whole[:len(whole)-1],
		"cut in a head":   whole[:5],
		"foreign":         append([]byte("ABCD"), whole...),
		"impossible size": {0xfa, 0xbf, 0xb5, 0xda, 0xff, 0xff, 0xff, 0xff},
		"head only":       whole[:8],
	} {
		if err := lastError(bad); !errors.Is(err, chaingen.ErrFrame) {
			t.Errorf("%s: %v, want ErrFrame", name, err)
		}
	}
}

func lastError(file []byte) error {
	var last error
	for _, err := range chaingen.ReadBlocks(bytes.NewReader(file)) {
		last = err
	}
	return last
}

func FuzzReadBlocks(f *testing.F) {
	var file bytes.Buffer
	if err := chaingen.WriteBlock(&file, make([]byte, 80)); err != nil {
		f.Fatal(err)
	}
	f.Add(file.Bytes())
	f.Add(file.Bytes()[:20])
	f.Add([]byte{0xfa, 0xbf, 0xb5, 0xda, 80, 0, 0, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		var again bytes.Buffer
		var fault error
		for raw, err := range chaingen.ReadBlocks(bytes.NewReader(data)) {
			if fault = err; err == nil {
				if err := chaingen.WriteBlock(&again, raw); err != nil {
					t.Fatal(err)
				}
			}
		}
		if !bytes.HasPrefix(data, again.Bytes()) || fault == nil && again.Len() != len(data) {
			t.Fatalf("read %d of %d bytes, %v", again.Len(), len(data), fault)
		}
	})
}
