package notify

import (
	"errors"
	"time"
)

// retryDelays are the pauses before each further attempt: after the last it stays at that, without end.
func retryDelays() []time.Duration {
	return []time.Duration{
		5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
	}
}

// RetryAfter returns the pause before the next attempt at what has failed that many times, at least once: jittered by up
// to a fifth either way with random in [0, 1), and no shorter than the receiver asked for.
func RetryAfter(failures int, err error, random float64) time.Duration {
	delays := retryDelays()
	delay := delays[min(max(failures, 1), len(delays))-1]
	delay += time.Duration((random - 0.5) * 0.4 * float64(delay))
	var refused *Refused
	if errors.As(err, &refused) {
		delay = max(delay, refused.After)
	}
	return delay
}
