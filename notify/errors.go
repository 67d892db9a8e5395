package notify

import (
	"errors"
	"fmt"
	"time"
)

// ErrSecret is returned for a webhook's secret that is not whsec_ and base64 of 24 to 64 bytes. Make another.
var ErrSecret = errors.New("bad webhook secret")

// ErrURL is returned for a webhook's URL that is not http or https, or has no host. Correct the configuration.
var ErrURL = errors.New("bad webhook URL")

// ErrPrivate is returned where a webhook's host resolves to a private address. Set allow_private if that is meant.
var ErrPrivate = errors.New("webhook resolves to a private address")

// ErrSignature is returned by Verify for what was not signed with the secret. Refuse it.
var ErrSignature = errors.New("bad webhook signature")

// ErrStale is returned by Verify for what was signed too long ago, or in the future. Refuse it: it may be a replay.
var ErrStale = errors.New("webhook timestamp is too far off")

// ErrCommand is returned for a command that is empty, cannot be started, or failed. Look at its output in the log.
var ErrCommand = errors.New("command failed")

// Refused is the error for an answer other than 2xx.
type Refused struct {
	Status int
	// After is how long the receiver asks to be left alone; 0 where it does not.
	After time.Duration
	// Said is the beginning of the answer's body.
	Said string
}

// Error implements error.
func (r *Refused) Error() string {
	if r.Status >= 300 && r.Status < 400 {
		return fmt.Sprintf("HTTP %d: redirects are not followed: give the address it leads to", r.Status)
	}
	return fmt.Sprintf("HTTP %d: %q", r.Status, r.Said)
}
