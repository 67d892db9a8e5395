package utxo

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
)

// cursorKind is the list that a cursor is of.
type cursorKind byte

const (
	cursorCoins        cursorKind = 1
	cursorHistory      cursorKind = 2
	cursorReservations cursorKind = 3
	cursorJobs         cursorKind = 4
	cursorWatches      cursorKind = 5
	cursorSources      cursorKind = 6
)

// cursorScope makes and reads the cursors of one query. A cursor is a position
// behind a check of it, of the index's id, of the list and of the query's
// filters: that of another query, coin or life of the index is refused, not
// misread. Positions are keys of rows, so that blocks which arrive meanwhile
// move nothing.
type cursorScope struct{ of []byte }

// Sizes of cursors.
const (
	cursorCheck = 6
	maxCursor   = 128
)

// cursors returns the scope of a query; filters tell it from others.
func (x *Index) cursors(kind cursorKind, filters []byte) cursorScope {
	return cursorScope{append(append(x.self.id[:len(x.self.id):len(x.self.id)], byte(kind)), filters...)}
}

func (c cursorScope) check(position []byte) []byte {
	sum := sha256.New()
	sum.Write(c.of)
	sum.Write([]byte{byte(len(position))})
	sum.Write(position)
	return sum.Sum(nil)[:cursorCheck]
}

// seal makes the cursor of a position.
func (c cursorScope) seal(position []byte) string {
	return base64.RawURLEncoding.EncodeToString(append(c.check(position), position...))
}

// open returns the position of a cursor: nil for the empty one, which is the
// beginning. It fails with [ErrCursor].
func (c cursorScope) open(cursor string) ([]byte, error) {
	if cursor == "" {
		return nil, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || len(raw) <= cursorCheck || len(raw) > maxCursor || string(raw[:cursorCheck]) != string(c.check(raw[cursorCheck:])) {
		return nil, fmt.Errorf("cursor %.80q: %w", cursor, ErrCursor)
	}
	return raw[cursorCheck:], nil
}

// row returns the key of the row that a cursor stands at, nil for the empty
// one: of a list whose positions are keys behind a prefix.
func (c cursorScope) row(prefix []byte, cursor string) ([]byte, error) {
	position, err := c.open(cursor)
	if err != nil || position == nil {
		return nil, err
	}
	return append(prefix[:len(prefix):len(prefix)], position...), nil
}

// sealRow is the cursor of a row.
func (c cursorScope) sealRow(prefix, key []byte) string { return c.seal(key[len(prefix):]) }
