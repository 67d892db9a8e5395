package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/engine"
	"coffer.example/coffer/scanner"
)

// repeatPause is the least time between two lines about the progress of the same work, or about the same trouble.
const repeatPause = 10 * time.Second

// eventLog renders the engine's events as log lines.
type eventLog struct {
	log *slog.Logger

	mu   sync.Mutex
	last map[lane]time.Time
}

// lane is what lines repeat about: a kind of event of a coin's tip, or of one of its rescans.
type lane struct {
	coin coins.Symbol
	job  engine.JobID
	kind string
}

func newEventLog(log *slog.Logger) *eventLog {
	return &eventLog{log: log, last: map[lane]time.Time{}}
}

func (l *eventLog) event(e engine.Event) {
	log := l.log.With("coin", string(e.Coin))
	if e.Job != 0 {
		log = log.With("job", uint64(e.Job))
	}
	switch d := e.Detail.(type) {
	case engine.Ready:
		log.Info("ready", "index_at", heightText(d.Tip), "addresses", d.Watched, "node", orDash(d.Node.Version), "node_at", heightText(d.Node.Tip),
			"blocks_by", orDash(d.Node.Blocks), "news_by", orDash(strings.Join(d.Node.Hints, ",")), "rpc", d.Node.URL)
	case engine.Trouble:
		log.Error("cannot go on, tries again", "error", oneLine(d.Err), "retry_in", d.Retry.String())
	case engine.JobStarted:
		log.Info("rescan begins", "from", d.Job.From, "next", d.Job.Next, "tip", d.Job.Tip, "addresses", d.Job.Scripts)
	case engine.JobEnded:
		log.Info("rescan ended", "state", d.Job.State, "found", d.Job.Found, "error", d.Job.Error)
	case engine.WatchLogCut:
		log.Warn("cut a half written record off the watch log", "file", d.Path, "bytes", d.Bytes)
	case engine.Refilled:
		log.Info("brought the index up to the watch log", "added", d.Added, "adopted_by_log", d.Adopted, "rescan", uint64(d.Job))
	case engine.NodeEvent:
		nodeLine(log, d.Event)
	case engine.WholeTrouble:
		log.Error("index of every script cannot go on, tries again", "error", oneLine(d.Err), "retry_in", d.Retry.String())
	case engine.WholeScanned:
		l.scanned(log.With("index", "all"), lane{e.Coin, e.Job, fmt.Sprintf("all %T", d.Event)}, d.Event)
	case engine.Collected:
		if d.Err != nil {
			log.Error("garbage of the index cannot be collected, tries again", "error", oneLine(d.Err))
		} else {
			log.Info("garbage of the index collected", "files", d.Files)
		}
	case engine.Scanned:
		l.scanned(log, lane{e.Coin, e.Job, fmt.Sprintf("%T", d.Event)}, d.Event)
	}
}

func (l *eventLog) scanned(log *slog.Logger, at lane, event scanner.Event) {
	switch d := event.(type) {
	case scanner.Connected:
		level := slog.LevelInfo
		if d.Behind > 0 {
			level = slog.LevelDebug
		}
		log.Log(context.Background(), level, "block", "height", d.ID.Height, "hash", d.ID.Hash.String(), "txs", d.Txs, "bytes", d.Bytes, "took", d.Took.Round(time.Microsecond).String())
	case scanner.Disconnected:
		log.Warn("block undone", "height", d.ID.Height, "hash", d.ID.Hash.String())
	case scanner.ReorgFound:
		log.Warn("reorg", "depth", d.Depth, "old", d.Old.String(), "fork", d.Fork.String(), "invalid", d.Invalid)
	case scanner.Lagging:
		log.Warn("node is behind the index, waits for it", "index_at", d.Tip.Height, "node_at", d.Node.Height)
	case scanner.SourceDown:
		log.Log(context.Background(), l.level(at, slog.LevelWarn), "node fails, tries again", "error", oneLine(d.Err), "attempt", d.Attempt, "retry_in", d.Retry.Round(time.Millisecond).String())
	case scanner.SourceUp:
		log.Info("node delivers again", "down", d.Down.Round(time.Second).String())
	case scanner.SinkDown:
		log.Log(context.Background(), l.level(at, slog.LevelError), "index cannot store, tries again", "error", oneLine(d.Err), "attempt", d.Attempt, "retry_in", d.Retry.Round(time.Millisecond).String())
	case scanner.Halted:
		log.Error("halted", "reason", oneLine(d.Reason), "remedy", d.Remedy)
	case scanner.Progress:
		if d.Rate.BlocksPerSecond > 0 && l.due(at) {
			log.Info("reading blocks", "height", d.Height, "of", d.Target, "blocks_per_second", fmt.Sprintf("%.0f", d.Rate.BlocksPerSecond),
				"mb_per_second", fmt.Sprintf("%.1f", d.Rate.BytesPerSecond/1e6), "left", d.ETA.String())
		}
	case scanner.AtTip:
		log.Info("at the tip", "height", d.ID.Height, "hash", d.ID.Hash.String())
	case scanner.Stalled:
		log.Warn("the node's news fail to come; asking it carries on", "since", d.Since.UTC().Format(time.RFC3339))
	case scanner.Recovered:
		log.Info("the node's news come again")
	case scanner.MempoolSize:
		log.Debug("mempool", "txs", d.Txs, "left_out", d.LeftOut)
	}
}

// level makes what repeats too soon a line for --verbose.
func (l *eventLog) level(at lane, level slog.Level) slog.Level {
	if l.due(at) {
		return level
	}
	return slog.LevelDebug
}

// due reports whether it is time for another line of the same kind.
func (l *eventLog) due(at lane) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if now.Sub(l.last[at]) < repeatPause {
		return false
	}
	l.last[at] = now
	return true
}

// oneLine keeps an error, the trace of a panic included, from breaking the log.
func oneLine(err error) string {
	if err == nil {
		return ""
	}
	if errors.Is(err, engine.ErrPartDied) {
		return err.Error()
	}
	return strings.ReplaceAll(err.Error(), "\n", "; ")
}
