package engine_test

import (
	"testing"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/engine"
	"coffer.example/coffer/internal/simnode"
)

// More imports than passes, over each other's addresses, rescans of what is still being read, cancels and blocks on
// the way: all are done, and every address has its history.
func TestManyJobs(t *testing.T) {
	const addresses = 3 * engine.MaxPasses
	w := newWorld(t, "btc", 120, "    start: 150\n")
	all := make([]string, addresses)
	for n := range all {
		address, script := w.address(byte(n + 1))
		all[n] = address
		w.mine(2, simnode.Pay(script, coins.Amount(n+1)))
	}
	w.mine(20)
	w.run()
	w.atTip()
	var jobs []engine.JobID
	imported := func(from string, list ...string) {
		t.Helper()
		result, err := w.engine.ImportAddresses(t.Context(), "btc", engine.ImportRequest{Addresses: list, From: from})
		if err != nil {
			t.Fatal(err)
		}
		if result.Job != nil {
			jobs = append(jobs, result.Job.ID)
		}
	}
	for n := range all {
		imported("130", all[n])
		imported("0", all[n/2]) // also while it is being read
		job, err := w.engine.Rescan(t.Context(), "btc", engine.RescanRequest{From: "100", Addresses: all[:n+1]})
		if err != nil {
			t.Fatal(err)
		}
		jobs = append(jobs, job.ID)
		if n%3 == 0 {
			if _, err := w.engine.CancelJob(t.Context(), "btc", job.ID); err == nil { // unless it is done by now
				if _, err := w.engine.ResumeJob(t.Context(), "btc", job.ID); err != nil {
					t.Fatal(err)
				}
			}
			w.mine(1)
		}
	}
	imported("0", all...)
	for _, id := range jobs {
		if job := w.ended(id); job.State != "done" {
			t.Errorf("job: %+v", job)
		}
	}
	for n, address := range all {
		if b := w.balance(address); b.Scanning || b.Coins != 2 || b.Confirmed != coins.TotalOf(coins.Amount(2*(n+1))) {
			t.Errorf("address %d: %+v", n, b)
		}
	}
	w.sound()
}
