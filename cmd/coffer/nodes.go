package main

import (
	"fmt"
	"log/slog"
	"time"

	"coffer.example/coffer/engine"
	"coffer.example/coffer/node"
)

// tellNodes lists the nodes of the coins that have several.
func (a *app) tellNodes(s engine.Status, now time.Time) {
	t := newTable("coin", "node", "state", ">at", ">behind", "fork", "error")
	rows := 0
	for _, coin := range s.Coins {
		if len(coin.Nodes) < 2 {
			continue
		}
		for i := range coin.Nodes {
			n := &coin.Nodes[i]
			state := n.State
			if n.InUse {
				state += ", in use"
			}
			behind := "-"
			if n.Lag > 0 {
				behind = count(n.Lag)
			}
			t.row(string(coin.Coin), n.URL, state, heightText(n.Tip), behind, forkText(n.Fork, now), orDash(n.Error))
			rows++
		}
	}
	if rows > 0 {
		fmt.Fprintln(a.out)
		t.write(a.out, a.width)
	}
}

func forkText(f *engine.NodeFork, now time.Time) string {
	if f == nil {
		return "-"
	}
	text := fmt.Sprintf("%s deep for %s", plural(int(f.Depth), "block", "blocks"), age(now.Sub(f.Since)))
	if f.Alarm {
		text = "ALARM " + text
	}
	return text
}

// nodeLine renders what happens to the nodes of a coin.
func nodeLine(log *slog.Logger, event node.PoolEvent) {
	switch d := event.(type) {
	case node.NodeDown:
		log.Warn("a node is down", "node", d.Node, "error", oneLine(d.Err))
	case node.NodeUp:
		log.Info("a node is up", "node", d.Node, "down", d.Down.Round(time.Second).String())
	case node.NodeBarred:
		log.Error("a node gave what does not verify, it is passed over", "node", d.Node, "error", oneLine(d.Err), "for", d.For.String())
	case node.NodeSwitched:
		why := "the old one is " + string(d.Reason)
		if d.Reason == node.HealthOK {
			why = "it is preferred, and well again"
		}
		log.Warn("another node is in use", "from", d.From, "to", d.To, "why", why, "error", oneLine(d.Err))
	case node.NodesDisagree:
		log.Error("ALARM: nodes disagree beyond a fork's normal life", "node", d.Node, "tip", d.Tip.String(), "in_use", d.InUse,
			"in_use_tip", d.InUseTip.String(), "depth", d.Fork.Depth, "since", d.Fork.Since.UTC().Format(time.RFC3339))
	case node.NodesAgree:
		log.Info("the nodes agree again")
	}
}
