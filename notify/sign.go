package notify

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Secret signs webhooks. Its text is whsec_ and base64.
type Secret struct{ key []byte }

// Lengths of a secret in bytes, as the specification has them.
const (
	minSecret = 24
	maxSecret = 64

	secretPrefix = "whsec_"
)

// NewSecret draws a secret.
func NewSecret() Secret {
	key := make([]byte, minSecret+8)
	_, _ = rand.Read(key) // never fails
	return Secret{key}
}

// ParseSecret reads a secret's text. It fails with [ErrSecret], which does not repeat it.
func ParseSecret(text string) (Secret, error) {
	encoded, found := strings.CutPrefix(strings.TrimSpace(text), secretPrefix)
	key, err := base64.StdEncoding.DecodeString(encoded)
	if !found || err != nil || len(key) < minSecret || len(key) > maxSecret {
		return Secret{}, fmt.Errorf("%w: %s and base64 of %d to %d bytes are wanted", ErrSecret, secretPrefix, minSecret, maxSecret)
	}
	return Secret{key}, nil
}

// Reveal writes the secret's text, for its receiver. Printing a Secret otherwise shows nothing of it.
func (s Secret) Reveal() string { return secretPrefix + base64.StdEncoding.EncodeToString(s.key) }

// String hides the secret.
func (Secret) String() string { return secretPrefix + "…" }

// GoString hides the secret.
func (s Secret) GoString() string { return s.String() }

func (s Secret) mac(id, timestamp string, body []byte) []byte {
	mac := hmac.New(sha256.New, s.key)
	mac.Write([]byte(id + "." + timestamp + "."))
	mac.Write(body)
	return mac.Sum(nil)
}

const signatureVersion = "v1,"

// Sign sets the headers of a delivery. Several secrets sign while one is exchanged for another.
func Sign(h http.Header, id string, at time.Time, body []byte, secrets ...Secret) {
	timestamp := strconv.FormatInt(at.Unix(), 10)
	signatures := make([]string, len(secrets))
	for i, s := range secrets {
		signatures[i] = signatureVersion + base64.StdEncoding.EncodeToString(s.mac(id, timestamp, body))
	}
	h.Set("webhook-id", id)
	h.Set("webhook-timestamp", timestamp)
	h.Set("webhook-signature", strings.Join(signatures, " "))
}

// Tolerance is how far a delivery's timestamp may be from the receiver's clock, either way.
const Tolerance = 5 * time.Minute

// Verify is for receivers: it says whether a delivery was signed with one of the secrets, at most [Tolerance] ago. A
// receiver must also remember the ids it has taken: the same event may come twice. It fails with [ErrSignature] or
// [ErrStale].
func Verify(h http.Header, body []byte, now time.Time, secrets ...Secret) error {
	id, timestamp := h.Get("webhook-id"), h.Get("webhook-timestamp")
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if id == "" || err != nil {
		return fmt.Errorf("headers webhook-id and webhook-timestamp: %w", ErrSignature)
	}
	if !signed(h.Get("webhook-signature"), id, timestamp, body, secrets) {
		return fmt.Errorf("delivery of %q: %w", id, ErrSignature)
	}
	if off := now.Sub(time.Unix(seconds, 0)); off > Tolerance || off < -Tolerance {
		return fmt.Errorf("delivery of %q, %s off: %w", id, off.Round(time.Second), ErrStale)
	}
	return nil
}

func signed(signatures, id, timestamp string, body []byte, secrets []Secret) bool {
	for _, s := range secrets {
		want := s.mac(id, timestamp, body)
		for signature := range strings.FieldsSeq(signatures) {
			encoded, versioned := strings.CutPrefix(signature, signatureVersion)
			got, err := base64.StdEncoding.DecodeString(encoded)
			if versioned && err == nil && subtle.ConstantTimeCompare(got, want) == 1 {
				return true
			}
		}
	}
	return false
}
