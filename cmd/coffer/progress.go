package main

import (
	"fmt"
	"time"

	"github.com/schollz/progressbar/v3"
)

// bar is a progress bar with rate and time left on standard error, and nothing where nobody watches.
type bar struct {
	drawn *progressbar.ProgressBar
	first int64
	begun bool
}

// newBar names what is going on and what is counted. It shows with the first set.
func (a *app) newBar(what, unit string) *bar {
	if !a.terminal {
		return &bar{}
	}
	return &bar{drawn: progressbar.NewOptions64(1,
		progressbar.OptionSetWriter(a.err),
		progressbar.OptionSetDescription(what),
		progressbar.OptionSetItsString(unit),
		progressbar.OptionShowIts(),
		progressbar.OptionShowCount(),
		progressbar.OptionSetPredictTime(true),
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionSetWidth(30),
		progressbar.OptionClearOnFinish(),
	)}
}

// set moves the bar to done of total. Where it starts counts for the rate as nothing done.
func (b *bar) set(done, total int64) {
	if b.drawn == nil || total <= 0 {
		return
	}
	if !b.begun {
		b.first, b.begun = done, true
	}
	// The bar is only for the eye: an error of the terminal is none of ours.
	b.drawn.ChangeMax64(max(total-b.first, 1))
	_ = b.drawn.Set64(min(max(done-b.first, 0), total-b.first))
}

// close takes the bar off the terminal.
func (b *bar) close() {
	if b.drawn != nil {
		_ = b.drawn.Clear() // as in set
	}
}

// age is how long ago something was, in its largest unit.
func age(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%dd", int(d.Hours()/24))
}
