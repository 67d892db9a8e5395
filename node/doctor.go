package node

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"coffer.example/coffer/coins"
)

// Level is how much a finding matters.
type Level string

// The levels.
const (
	// LevelOK: nothing to do.
	LevelOK Level = "ok"
	// LevelAdvice: works, and could be faster or surer.
	LevelAdvice Level = "advice"
	// LevelFault: does not work until it is changed.
	LevelFault Level = "fault"
)

// Finding is the outcome of one check.
type Finding struct {
	Check  string
	Level  Level
	Text   string
	Remedy string `json:",omitempty"`
}

// report gathers findings.
type report []Finding

func (r *report) add(check string, level Level, text, remedy string) {
	*r = append(*r, Finding{Check: check, Level: level, Text: text, Remedy: remedy})
}

// Doctor checks a live node and its settings and says what is missing. What
// cannot be checked because of an earlier fault is left out.
func (n *Node) Doctor(ctx context.Context) []Finding {
	var r report
	if !n.checkReach(ctx, &r) {
		return r
	}
	info := n.Status().Info
	r.add("version", LevelOK, fmt.Sprintf("%s (%d)", info.Subversion, info.Version), "")
	checkSync(&info, &r)
	n.checkIndexes(&r)
	n.checkTransports(ctx, &r)
	n.checkZMQ(ctx, &r)
	n.checkWhitelist(ctx, &r)
	for _, warning := range info.Warnings {
		r.add("node's warning", LevelAdvice, clip(warning), "see the node's own documentation")
	}
	return r
}

// checkReach checks address, credentials and chain, which stand or fall in
// this order.
func (n *Node) checkReach(ctx context.Context, r *report) bool {
	_, err := n.Tip(ctx)
	check := "chain"
	for _, early := range []error{ErrUnreachable, ErrTimeout, ErrWarmingUp, ErrGarbage, ErrBusy} {
		if errors.Is(err, early) {
			check = "reachable"
		}
	}
	if errors.Is(err, ErrUnauthorized) || errors.Is(err, ErrSecretFile) || errors.Is(err, ErrForbidden) {
		check = "credentials"
	}
	if err != nil {
		r.add(check, LevelFault, err.Error(), remedyOf(err))
		return false
	}
	r.add("reachable", LevelOK, n.rpc.url, "")
	r.add("credentials", LevelOK, "accepted", "")
	r.add("chain", LevelOK, fmt.Sprintf("%s %s, genesis %s", n.params.Name, n.params.Network, n.params.Chain.Genesis), "")
	return true
}

// remedyOf returns what stands behind the colon of the sentinel that err wraps.
func remedyOf(err error) string {
	for _, sentinel := range []error{ErrUnreachable, ErrTimeout, ErrWarmingUp, ErrGarbage, ErrBusy, ErrUnauthorized, ErrSecretFile,
		ErrForbidden, ErrWrongChain, ErrInitialDownload, ErrMethodMissing, ErrTooLarge, ErrCutShort} {
		if errors.Is(err, sentinel) {
			_, remedy, _ := strings.Cut(sentinel.Error(), ": ")
			return remedy
		}
	}
	return ""
}

func checkSync(info *Info, r *report) {
	at := fmt.Sprintf("height %d of %d", info.Tip.Height, info.Headers)
	switch {
	case info.InitialDownload:
		r.add("synchronised", LevelAdvice, at+", in initial download", remedyOf(ErrInitialDownload))
	case info.Headers > info.Tip.Height+1:
		r.add("synchronised", LevelAdvice, at, "wait until the node has taken the blocks whose headers it knows")
	default:
		r.add("synchronised", LevelOK, at, "")
	}
	if info.Pruned {
		r.add("pruned", LevelAdvice, fmt.Sprintf("blocks below height %d are deleted", info.PruneHeight),
			"start and rescan above that height only, or set prune=0 and let the node download its chain again")
		return
	}
	r.add("pruned", LevelOK, "every block is there", "")
}

func (n *Node) checkIndexes(r *report) {
	n.state.mu.Lock()
	indexed := n.state.dialect.txIndex
	n.state.mu.Unlock()
	text := "none, and none is needed"
	if indexed {
		text = "there may be one; it is not needed"
	}
	r.add("transaction index", LevelOK, text, "")
}

// checkTransports fetches the tip over each transport that is configured.
func (n *Node) checkTransports(ctx context.Context, r *report) {
	tip, err := n.Tip(ctx)
	if err != nil {
		r.add("reachable", LevelFault, err.Error(), remedyOf(err))
		return
	}
	for _, w := range n.ways {
		check := "blocks over " + string(w.name)
		if w.fetch == nil {
			r.add(check, LevelAdvice, "not configured", faster(w.name))
			continue
		}
		raw, err := w.fetch(ctx, tip, nil)
		if err == nil {
			err = checkBlock(tip, raw)
		}
		switch {
		case err == nil:
			r.add(check, LevelOK, fmt.Sprintf("tip of %d bytes fetched", len(raw)), "")
		case w.name == RPC:
			r.add(check, LevelFault, err.Error(), remedyOf(err))
		default:
			r.add(check, LevelAdvice, err.Error(), faster(w.name))
		}
	}
}

func faster(t Transport) string {
	if t == REST {
		return "set rest=1 in the node's configuration and rest: true in ours: blocks come fastest that way"
	}
	return "set p2p to the node's peer address (listen=1, and whitelist us): blocks come fast and are announced"
}

func (n *Node) checkZMQ(ctx context.Context, r *report) {
	if len(n.feeds) == 0 {
		r.add("zmq", LevelAdvice, "not configured", "set zmqpubhashblock and zmqpubrawtx in the node's configuration and zmq in ours: deposits are seen at once")
		return
	}
	topics, listed := n.zmqTopics()
	if listed && len(topics) == 0 {
		r.add("zmq", LevelFault, "the node publishes nothing", "set zmqpubhashblock and zmqpubrawtx in the node's configuration")
		return
	}
	var names []string
	for _, topic := range topics {
		names = append(names, strings.TrimPrefix(topic.Type, "pub"))
	}
	slices.Sort(names)
	for _, f := range n.feeds {
		select {
		case <-f.tried: // bounded by the time limit of dialling
		case <-ctx.Done():
		}
		s := f.status()
		switch {
		case !s.Connected:
			r.add(s.Name, LevelFault, fmt.Sprint(s.Err), "set zmqpubhashblock and zmqpubrawtx to this address in the node's configuration")
		case !listed:
			r.add(s.Name, LevelOK, "connected; the node does not tell what it publishes", "")
		default:
			r.add(s.Name, LevelOK, "connected; published: "+strings.Join(slices.Compact(names), ", "), "")
		}
	}
}

// checkWhitelist finds our own connection among the node's peers.
func (n *Node) checkWhitelist(ctx context.Context, r *report) {
	if n.link == nil {
		return
	}
	p, err := n.link.current()
	if p == nil || err != nil {
		return // told among the transports
	}
	var peers []struct {
		Addr        string   `json:"addr"`
		Subversion  string   `json:"subver"`
		Permissions []string `json:"permissions"`
		Whitelisted bool     `json:"whitelisted"`
	}
	if err := n.ask(ctx, &peers, "getpeerinfo"); err != nil {
		r.add("whitelisted", LevelAdvice, err.Error(), remedyOf(err))
		return
	}
	remedy := "set whitelist=noban@OUR_ADDRESS in the node's configuration (Dogecoin: whitelist=OUR_ADDRESS): " +
		"it then serves us without limit, and tells of transactions at once"
	for _, peer := range peers {
		if peer.Addr != p.conn.LocalAddr().String() {
			continue
		}
		if peer.Whitelisted || slices.Contains(peer.Permissions, "noban") {
			r.add("whitelisted", LevelOK, "the node trusts us as a peer", "")
		} else {
			r.add("whitelisted", LevelAdvice, "the node treats us as any peer", remedy)
		}
		return
	}
	r.add("whitelisted", LevelAdvice, "cannot be told: our connection reaches the node under another address", remedy)
}

// Has reports whether the node has a call, by asking for its help.
func (n *Node) Has(ctx context.Context, method string) (bool, error) {
	var help json.RawMessage
	err := n.ask(ctx, &help, "help", method)
	switch {
	case isRefused(err):
		return false, nil
	case err != nil:
		return false, err
	}
	var text string
	if err := decode("help", help, &text); err != nil {
		return false, err
	}
	return !strings.HasPrefix(text, "help: unknown command"), nil
}

// Chain returns what the client was opened for.
func (n *Node) Chain() *coins.Params { return n.params }
