package notify_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"coffer.example/coffer/ledger"
	"coffer.example/coffer/notify"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func event() *ledger.Event {
	return &ledger.Event{
		ID: "evt_01", Seq: 7, TxSeq: 2, Type: "txupdate", Time: time.Unix(1_800_000_000, 0).UTC(),
		Data: json.RawMessage(`{"amount":"0.01500000","label":"a&b=c'\""}`),
	}
}

// receiver is a webhook's other end.
func receiver(t *testing.T, o notify.WebhookOptions, answer http.HandlerFunc) *notify.Webhook {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	if o.URL = server.URL + "/hook"; len(o.Secrets) == 0 {
		o.Secrets = []notify.Secret{notify.NewSecret()}
	}
	w, err := notify.NewWebhook(o)
	must(t, err)
	t.Cleanup(w.Close)
	return w
}

func TestWebhook(t *testing.T) {
	secret := notify.NewSecret()
	for _, form := range []bool{false, true} {
		var got ledger.Event
		w := receiver(t, notify.WebhookOptions{Secrets: []notify.Secret{secret}, Form: form}, func(answer http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err == nil {
				err = notify.Verify(r.Header, body, time.Now(), secret)
			}
			if err == nil && form {
				r.Body = io.NopCloser(strings.NewReader(string(body)))
				got = ledger.Event{Type: r.PostFormValue("event_name"), Data: json.RawMessage(r.PostFormValue("data"))}
			} else if err == nil {
				err = json.Unmarshal(body, &got)
			}
			if err != nil {
				http.Error(answer, err.Error(), http.StatusBadRequest)
			}
		})
		must(t, w.Deliver(t.Context(), event()))
		want := event()
		if got.Type != want.Type || string(got.Data) != string(want.Data) || (!form && got.ID != want.ID) {
			t.Errorf("form %t: %+v", form, got)
		}
	}
}

func TestWebhookRefused(t *testing.T) {
	elsewhere := 0
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		status int
		after  time.Duration
	}{
		"500": {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusInternalServerError) }, 500, 0},
		"busy": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "120")
			w.WriteHeader(http.StatusServiceUnavailable)
		}, 503, 2 * time.Minute},
		"busy for years": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "999999999")
			w.WriteHeader(http.StatusTooManyRequests)
		}, 429, 24 * time.Hour},
		"redirect": {func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/hook" {
				elsewhere++
			}
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		}, 307, 0},
		"endless": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusTeapot)
			for range 1000 {
				_, _ = w.Write(make([]byte, 4096)) // until the other end hangs up
			}
		}, 418, 0},
	} {
		t.Run(name, func(t *testing.T) {
			err := receiver(t, notify.WebhookOptions{}, c.answer).Deliver(t.Context(), event())
			var refused *notify.Refused
			if !errors.As(err, &refused) || refused.Status != c.status || refused.After != c.after || len(refused.Said) > 2000 {
				t.Errorf("%v", err)
			}
		})
	}
	if elsewhere > 0 {
		t.Error("a redirect was followed")
	}
}

func TestWebhookFails(t *testing.T) {
	hang := make(chan struct{})
	w := receiver(t, notify.WebhookOptions{Timeout: 50 * time.Millisecond}, func(http.ResponseWriter, *http.Request) { <-hang })
	if err := w.Deliver(t.Context(), event()); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a receiver that hangs: %v", err)
	}
	close(hang)
	w = receiver(t, notify.WebhookOptions{}, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	if err := w.Deliver(t.Context(), event()); err == nil {
		t.Error("a receiver that hangs up")
	}
	for _, bad := range []string{"", "ftp://x/", "http://", "://", "/hook"} {
		if _, err := notify.NewWebhook(notify.WebhookOptions{URL: bad, Secrets: []notify.Secret{notify.NewSecret()}}); !errors.Is(err, notify.ErrURL) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if _, err := notify.NewWebhook(notify.WebhookOptions{URL: "http://x/"}); !errors.Is(err, notify.ErrSecret) {
		t.Errorf("no secret: %v", err)
	}
}

func TestExec(t *testing.T) {
	dir := t.TempDir()
	run := func(script string, timeout time.Duration) (string, error) {
		said := ""
		x, err := notify.NewExec(notify.ExecOptions{Command: []string{"/bin/sh", "-c", script}, Timeout: timeout, Output: func(_ string, text []byte) { said = string(text) }})
		must(t, err)
		return said, errors.Join(x.Deliver(t.Context(), event()), func() error { x.Close(); return nil }())
	}
	t.Chdir(dir)
	_, err := run(`printf %s "$COFFER_EVENT_NAME" > name; printf %s "$COFFER_EVENT_DATA" > data; cat > body`, time.Minute)
	must(t, err)
	whole := `{"id":"evt_01","seq":7,"tx_seq":2,"type":"txupdate","time":"2027-01-15T08:00:00Z","data":` + string(event().Data) + "}"
	for name, want := range map[string]string{"name": "txupdate", "data": string(event().Data), "body": whole} {
		if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(got) != want {
			t.Errorf("%s is %q, %v, want %q", name, got, err, want)
		}
	}
	if said, err := run("echo out; echo err >&2; exit 3", time.Minute); !errors.Is(err, notify.ErrCommand) || said != "out\nerr\n" {
		t.Errorf("%q, %v", said, err)
	}
	if _, err := run("true", time.Minute); err != nil {
		t.Errorf("a command that reads nothing: %v", err)
	}
	if _, err := notify.NewExec(notify.ExecOptions{}); !errors.Is(err, notify.ErrCommand) {
		t.Errorf("no command: %v", err)
	}
	x, err := notify.NewExec(notify.ExecOptions{Command: []string{"/does/not/exist"}})
	must(t, err)
	if err := x.Deliver(t.Context(), event()); !errors.Is(err, notify.ErrCommand) {
		t.Errorf("a command that is not there: %v", err)
	}
}

// A command that does not end is ended, with what it started.
func TestExecTimeout(t *testing.T) {
	t.Chdir(t.TempDir())
	x, err := notify.NewExec(notify.ExecOptions{Command: []string{"/bin/sh", "-c", "sleep 1000 & echo $! > child; wait"}, Timeout: 300 * time.Millisecond})
	must(t, err)
	if err := x.Deliver(t.Context(), event()); !errors.Is(err, notify.ErrCommand) {
		t.Errorf("%v", err)
	}
	text, err := os.ReadFile("child")
	must(t, err)
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	must(t, err)
	for err == nil { // until whoever inherited it has reaped it
		if state, readErr := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat"); readErr == nil && strings.Contains(string(state), ") Z ") {
			return
		}
		if err = syscall.Kill(pid, 0); t.Context().Err() != nil {
			t.Fatal("the command's child lives on")
		}
	}
}

func TestRetryAfter(t *testing.T) {
	for _, c := range []struct {
		failures int
		err      error
		random   float64
		want     time.Duration
	}{
		{1, io.EOF, 0.5, 5 * time.Second},
		{1, io.EOF, 0, 4 * time.Second},
		{2, io.EOF, 0.5, 5 * time.Minute},
		{6, io.EOF, 0.5, 10 * time.Hour},
		{1_000_000, io.EOF, 0.5, 24 * time.Hour},
		{1, &notify.Refused{After: time.Hour}, 0.5, time.Hour},
		{6, &notify.Refused{After: time.Hour}, 0.5, 10 * time.Hour},
	} {
		if got := notify.RetryAfter(c.failures, c.err, c.random); got != c.want {
			t.Errorf("after %d failures (%v): %s, want %s", c.failures, c.err, got, c.want)
		}
	}
}
