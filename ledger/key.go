package ledger

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
)

// MaxKey is the longest idempotency key in bytes.
const MaxKey = 255

// keyed is a request of an operation under an idempotency key.
type keyed struct {
	operation, key string
	request        any
}

// once answers a request under a key. The first time it runs do and stores what that returns, in the same transaction;
// the same request again gets the stored answer; another request under the same key is [ErrKeyReused]. Keys of different
// operations do not meet.
func once[Answer any](ctx context.Context, b *Book, r keyed, do func(context.Context, Tx) (Answer, error)) (answer Answer, err error) {
	if r.key == "" || len(r.key) > MaxKey {
		return answer, fmt.Errorf("key of %d bytes, 1 to %d are wanted: %w", len(r.key), MaxKey, ErrKey)
	}
	hash, err := requestHash(r.request)
	if err != nil {
		return answer, err
	}
	name := r.operation + ":" + r.key
	err = b.store.Write(ctx, func(ctx context.Context, tx Tx) error {
		asked, stored, found, err := tx.Keys.Get(ctx, name)
		switch {
		case err != nil:
			return err
		case found && string(asked) != string(hash):
			return fmt.Errorf("key %q: %w", r.key, ErrKeyReused)
		case found:
			return json.Unmarshal(stored, &answer)
		}
		if answer, err = do(ctx, tx); err != nil {
			return err
		}
		if stored, err = json.Marshal(answer); err != nil {
			return err
		}
		return tx.Keys.Put(ctx, name, hash, stored, b.now())
	})
	if err != nil {
		var none Answer
		return none, err
	}
	return answer, nil
}

// requestHash is the SHA-256 of a request as JSON, of which the fields' order is fixed.
func requestHash(request any) ([]byte, error) {
	text, err := json.Marshal(request)
	if err != nil {
		return nil, fmt.Errorf("hash request: %w", err)
	}
	hash := sha256.Sum256(text)
	return hash[:], nil
}
