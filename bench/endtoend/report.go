package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"

	"coffer.example/coffer/bench/chaingen"
	"coffer.example/coffer/coins"
)

// all measures everything asked for and prints it. Raw deliveries and scans take turns, so that a machine that changes
// its speed changes both.
func (r *runner) all(ctx context.Context, out io.Writer) error {
	fmt.Fprintln(out, "| transport | verify | watched | MB/s | of raw | CPU s/GB | node's CPU s/GB | peak memory | changes |")
	fmt.Fprintln(out, "|---|---|---|---|---|---|---|---|---|")
	var best float64
	for _, transport := range list(r.config.transports) {
		rate, err := r.transport(ctx, out, transport)
		if err != nil {
			return fmt.Errorf("%s: %w", transport, err)
		}
		best = max(best, rate)
	}
	if r.config.rescan {
		return r.rescan(ctx, out, best)
	}
	return nil
}

// transport measures raw delivery and every load over one transport and returns the best rate with 1,000 scripts.
func (r *runner) transport(ctx context.Context, out io.Writer, transport string) (best float64, err error) {
	source, err := r.open(ctx, transport)
	if err != nil {
		return 0, err
	}
	defer source.Close()
	for _, l := range loads(r.config.curve) {
		for _, name := range list(r.config.verify) {
			verify := coins.VerifyMerkle
			if name == "header" {
				verify = coins.VerifyHeader
			}
			var raws []cost
			var scans []scanned
			for range r.config.rounds {
				raw, err := timed(r.at.PID, func() (int64, error) { return r.chain.takeAll(ctx, source) })
				if err != nil {
					return 0, err
				}
				r.chainBytes = raw.Bytes
				scan, err := r.scan(ctx, source, l, verify)
				if err != nil {
					return 0, err
				}
				raws, scans = append(raws, raw), append(scans, scan)
			}
			raw, scan := medianOf(raws), medianScan(scans)
			fmt.Fprintf(out, "| %s raw | | | %.0f | | %.2f | %.2f | %d MB | |\n",
				transport, raw.rate(), raw.perGB(), raw.nodePerGB(), raw.Peak/1e6)
			fmt.Fprintf(out, "| %s | %s | %s | %.0f | %.0f %% | %.2f | %.2f | %d MB | %d |\n", transport, name, l.Name, scan.rate(),
				100*scan.rate()/raw.rate(), scan.perGB(), scan.nodePerGB(), scan.Peak/1e6, scan.Changes)
			best = max(best, scan.rate())
		}
	}
	return best, nil
}

func medianOf(costs []cost) cost {
	slices.SortFunc(costs, func(a, b cost) int { return int(a.Wall - b.Wall) })
	return costs[len(costs)/2]
}

func medianScan(scans []scanned) scanned {
	slices.SortFunc(scans, func(a, b scanned) int { return int(a.Wall - b.Wall) })
	return scans[len(scans)/2]
}

// rescan measures the node's own wallet finding 1,000 scripts of the first list.
func (r *runner) rescan(ctx context.Context, out io.Writer, best float64) error {
	const scripts = 1000
	wallet := fmt.Sprintf("rescan-%d", time.Now().UnixNano())
	if err := r.watchOnly(ctx, wallet, scripts); err != nil {
		return fmt.Errorf("the node's wallet: %w", err)
	}
	start := time.Now()
	if _, err := r.node.CallWallet(ctx, wallet, "rescanblockchain"); err != nil {
		return fmt.Errorf("the node's rescan: %w", err)
	}
	took := time.Since(start)
	if _, err := r.node.Call(ctx, "unloadwallet", wallet); err != nil {
		return err
	}
	rate := float64(r.chainBytes) / 1e6 / took.Seconds()
	fmt.Fprintf(out, "\nThe node's own wallet, rescanblockchain of %d scripts: %.1f s, %.0f MB/s; the best scan above is %.1f times that.\n",
		scripts, took.Seconds(), rate, best/rate)
	return nil
}

// watchOnly makes a wallet of scripts without keys: descriptors where the node has them, else imported scripts.
func (r *runner) watchOnly(ctx context.Context, wallet string, scripts int) error {
	if _, err := r.node.Call(ctx, "createwallet", wallet, true, true); err != nil {
		return err
	}
	var requests []map[string]any
	for i := range scripts {
		script := fmt.Sprintf("%x", chaingen.WatchScript(1, i))
		request := map[string]any{"timestamp": "now", "scriptPubKey": script, "internal": true}
		if r.config.coin == "btc" {
			described, err := r.describe(ctx, "raw("+script+")")
			if err != nil {
				return err
			}
			request = map[string]any{"timestamp": "now", "desc": described}
		}
		requests = append(requests, request)
	}
	method := "importmulti"
	if r.config.coin == "btc" {
		method = "importdescriptors"
	}
	_, err := r.node.CallWallet(ctx, wallet, method, requests)
	return err
}

// describe adds a descriptor's checksum.
func (r *runner) describe(ctx context.Context, descriptor string) (string, error) {
	raw, err := r.node.Call(ctx, "getdescriptorinfo", descriptor)
	if err != nil {
		return "", err
	}
	var info struct{ Descriptor string }
	err = json.Unmarshal(raw, &info)
	return info.Descriptor, err
}
