package sim

import (
	"bytes"

	"coffer.example/coffer/coins"
)

// load makes the block as the scanner would hand it over.
func (w *World) load(b *block) (*coins.Block, error) {
	loaded := &coins.Block{Raw: bytes.Clone(b.raw)}
	return loaded, loaded.Load(w.coin.Params().Format, b.id, coins.VerifyMerkle)
}
