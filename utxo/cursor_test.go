package utxo

import (
	"bytes"
	"errors"
	"testing"
)

// FuzzCursor reads any text as a cursor: what is taken for one is one.
func FuzzCursor(f *testing.F) {
	scope := (&Index{}).cursors(cursorCoins, []byte("filters"))
	f.Add(scope.seal([]byte("b1234")))
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		position, err := scope.open(text)
		if err != nil && !errors.Is(err, ErrCursor) {
			t.Fatal(err)
		}
		if err == nil && text != "" {
			if again, err := scope.open(scope.seal(position)); err != nil || !bytes.Equal(again, position) {
				t.Fatalf("%x is read as %x: %v", position, again, err)
			}
		}
	})
}
