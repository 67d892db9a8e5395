package scanner

import (
	"time"

	"coffer.example/coffer/coins"
)

// Rate is a speed over the last half minute or less.
type Rate struct {
	BlocksPerSecond float64
	BytesPerSecond  float64
}

// meter measures a rate over a sliding window: one sample at most each
// meterStep, so that a rate spans meterStep × meterSamples.
type meter struct {
	samples [meterSamples]sample
	n       int // samples ever taken
	blocks  int64
	bytes   int64
}

const (
	meterSamples = 32
	meterStep    = time.Second
)

type sample struct {
	at            time.Time
	blocks, bytes int64
}

// add counts a block of a size at a time.
func (m *meter) add(now time.Time, bytes int) {
	m.blocks++
	m.bytes += int64(bytes)
	if m.n > 0 && now.Sub(m.samples[(m.n-1)%meterSamples].at) < meterStep {
		return
	}
	m.samples[m.n%meterSamples] = sample{now, m.blocks, m.bytes}
	m.n++
}

// start forgets the past: measuring begins now.
func (m *meter) start(now time.Time) {
	*m = meter{n: 1}
	m.samples[0] = sample{at: now}
}

// rate returns the speed from the oldest sample in the window to now; zero
// while less than a tenth of a second was measured.
func (m *meter) rate(now time.Time) Rate {
	if m.n == 0 {
		return Rate{}
	}
	oldest := m.samples[0]
	if m.n > meterSamples {
		oldest = m.samples[m.n%meterSamples]
	}
	span := now.Sub(oldest.at).Seconds()
	if span < 0.1 {
		return Rate{}
	}
	return Rate{
		BlocksPerSecond: float64(m.blocks-oldest.blocks) / span,
		BytesPerSecond:  float64(m.bytes-oldest.bytes) / span,
	}
}

// eta returns the time that blocks take at a rate, rounded up to the second; 0 where the
// rate is not known or the time is beyond a year.
func (r Rate) eta(blocks coins.Height) time.Duration {
	if r.BlocksPerSecond <= 0 || blocks <= 0 {
		return 0
	}
	seconds := float64(blocks) / r.BlocksPerSecond
	if seconds > 365*24*3600 {
		return 0
	}
	return time.Duration(seconds*float64(time.Second)).Truncate(time.Second) + time.Second
}
