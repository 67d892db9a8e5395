package snapshot

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"coffer.example/coffer/coins"
)

// Format is the version of folder, manifest and rows.
const Format = 1

// manifestName is the file that makes a folder a snapshot.
const manifestName = "manifest.json"

// maxManifest is the longest manifest that is read, in bytes.
const maxManifest = 1 << 20

// Manifest says what a snapshot holds.
type Manifest struct {
	Format int `json:"format"`
	// Software is the version that wrote it.
	Software string    `json:"software"`
	Created  time.Time `json:"created"`
	Coins    []Coin    `json:"coins"`
}

// Coin is one coin's index at one block.
type Coin struct {
	Coin    coins.Symbol    `json:"coin"`
	Network coins.Network   `json:"network"`
	Genesis coins.BlockHash `json:"genesis"`
	// IndexID is that of the index that was saved, in hexadecimal; a restored one
	// gets another. IndexFormat is the version of its rows.
	IndexID     string `json:"index_id"`
	IndexFormat uint32 `json:"index_format"`
	// Tip is the block it stood at, nil before its first.
	Tip *coins.BlockID `json:"tip"`
	// Digest is of coins, history and tip, in hexadecimal.
	Digest  string `json:"digest"`
	Watched uint64 `json:"watched"`
	Parts   []Part `json:"parts"`
}

// Kind is what a part holds.
type Kind string

// The kinds of parts.
const (
	KindRows     Kind = "rows"
	KindWatchLog Kind = "watch.log"
)

// Part is one file.
type Part struct {
	Name string `json:"name"`
	Kind Kind   `json:"kind"`
	// Bytes is its length; Rows counts those of an index.
	Bytes int64  `json:"bytes"`
	Rows  uint64 `json:"rows,omitempty"`
	// SHA256 is in hexadecimal.
	SHA256 string `json:"sha256"`
}

// Part returns the coin's part of a kind, and false where it has none.
func (c *Coin) Part(kind Kind) (Part, bool) {
	for _, part := range c.Parts {
		if part.Kind == kind {
			return part, true
		}
	}
	return Part{}, false
}

// sealed is the manifest's file: the manifest and its SHA-256 in hexadecimal.
type sealed struct {
	Manifest json.RawMessage `json:"manifest"`
	SHA256   string          `json:"sha256"`
}

func (m *Manifest) encode() ([]byte, error) {
	text, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(text)
	text, err = json.MarshalIndent(sealed{text, hex.EncodeToString(sum[:])}, "", "  ")
	return append(text, '\n'), err
}

// decodeManifest reads a manifest's file. White space is not in the checksum:
// people may look at it with what they like.
func decodeManifest(text []byte) (*Manifest, error) {
	var seal sealed
	if err := strict(text, &seal); err != nil {
		return nil, err
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, seal.Manifest); err != nil {
		return nil, fmt.Errorf("%s: %w: %w", manifestName, ErrDamaged, err)
	}
	var version struct{ Format int }
	if err := json.Unmarshal(seal.Manifest, &version); err == nil && version.Format > Format {
		return nil, fmt.Errorf("format %d, this version reads %d: %w", version.Format, Format, ErrNewer)
	}
	sum := sha256.Sum256(compact.Bytes())
	if seal.SHA256 != hex.EncodeToString(sum[:]) {
		return nil, fmt.Errorf("%s does not have its checksum: %w", manifestName, ErrDamaged)
	}
	m := &Manifest{}
	if err := strict(seal.Manifest, m); err != nil {
		return nil, err
	}
	return m, m.check()
}

// strict decodes one document with nothing unknown in it and nothing after it.
func strict(text []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(into)
	if err == nil {
		if _, end := decoder.Token(); !errors.Is(end, io.EOF) {
			err = errors.New("it goes on after its end")
		}
	}
	if err != nil {
		return fmt.Errorf("%s: %w: %w", manifestName, ErrDamaged, err)
	}
	return nil
}

// check refuses what no writer of ours writes: names that lead elsewhere, above
// all.
func (m *Manifest) check() error {
	seen := map[string]bool{}
	for i := range m.Coins {
		c := &m.Coins[i]
		if _, ok := c.Part(KindRows); !ok {
			return fmt.Errorf("%s has no rows: %w", c.Coin, ErrDamaged)
		}
		for _, part := range c.Parts {
			if part.Name == manifestName || part.Name != filepath.Base(part.Name) || part.Name == "." || part.Name == ".." || part.Bytes < 0 || seen[part.Name] {
				return fmt.Errorf("part %.80q of %s: %w", part.Name, c.Coin, ErrDamaged)
			}
			seen[part.Name] = true
		}
	}
	if m.Format < 1 || len(m.Coins) == 0 {
		return fmt.Errorf("format %d with %d coins: %w", m.Format, len(m.Coins), ErrDamaged)
	}
	return nil
}

func readManifest(dir string) (*Manifest, error) {
	file, err := os.Open(filepath.Join(dir, manifestName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNone
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxManifest+1))
	if err == nil && len(text) > maxManifest {
		err = fmt.Errorf("%s is longer than %d bytes: %w", manifestName, maxManifest, ErrDamaged)
	}
	if err != nil {
		return nil, err
	}
	return decodeManifest(text)
}
