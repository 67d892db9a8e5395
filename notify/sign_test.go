package notify_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"coffer.example/coffer/notify"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// The specification's own vector.
func TestStandardVector(t *testing.T) {
	secret, err := notify.ParseSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	must(t, err)
	h, at := http.Header{}, time.Unix(1614265330, 0)
	notify.Sign(h, "msg_p5jXN8AQM9LWM0D4loKWxJek", at, []byte(`{"test": 2432232314}`), secret)
	const want = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
	if got := h.Get("webhook-signature"); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	must(t, notify.Verify(h, []byte(`{"test": 2432232314}`), at, secret))
}

func TestVerifyRefuses(t *testing.T) {
	old, fresh, foreign := notify.NewSecret(), notify.NewSecret(), notify.NewSecret()
	at, body := time.Unix(1_800_000_000, 0), []byte(`{"type":"txupdate"}`)
	signed := func() http.Header {
		h := http.Header{}
		notify.Sign(h, "evt_1", at, body, old, fresh)
		return h
	}
	change := func(name, value string) func(http.Header) {
		return func(h http.Header) { h.Set(name, value) }
	}
	for name, c := range map[string]struct {
		change func(http.Header)
		body   string
		later  time.Duration
		secret notify.Secret
		want   error
	}{
		"the old secret": {secret: old},
		"the new secret": {secret: fresh},
		"just in time":   {secret: fresh, later: notify.Tolerance},
		"another secret": {secret: foreign, want: notify.ErrSignature},
		"another body":   {secret: old, body: `{"type":"txupdatf"}`, want: notify.ErrSignature},
		"another id":     {secret: old, change: change("webhook-id", "evt_2"), want: notify.ErrSignature},
		"no id":          {secret: old, change: change("webhook-id", ""), want: notify.ErrSignature},
		"another time":   {secret: old, change: change("webhook-timestamp", "1800000001"), want: notify.ErrSignature},
		"no time":        {secret: old, change: change("webhook-timestamp", "soon"), want: notify.ErrSignature},
		"no signature":   {secret: old, change: change("webhook-signature", ""), want: notify.ErrSignature},
		"no version": {secret: old, change: func(h http.Header) {
			h.Set("webhook-signature", strings.ReplaceAll(h.Get("webhook-signature"), "v1,", "v2,"))
		}, want: notify.ErrSignature},
		"replayed":            {secret: old, later: notify.Tolerance + time.Second, want: notify.ErrStale},
		"out of the future":   {secret: old, later: -notify.Tolerance - time.Second, want: notify.ErrStale},
		"forged and too late": {secret: foreign, later: time.Hour, want: notify.ErrSignature},
	} {
		t.Run(name, func(t *testing.T) {
			h, got := signed(), body
			if c.change != nil {
				c.change(h)
			}
			if c.body != "" {
				got = []byte(c.body)
			}
			if err := notify.Verify(h, got, at.Add(c.later), c.secret); !errors.Is(err, c.want) {
				t.Errorf("%v, want %v", err, c.want)
			}
		})
	}
}

func TestSecretsHide(t *testing.T) {
	s := notify.NewSecret()
	again, err := notify.ParseSecret(s.Reveal() + "\n")
	must(t, err)
	if again.Reveal() != s.Reveal() {
		t.Error("a secret's text does not read back")
	}
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		if text := fmt.Sprintf(format, s); strings.Contains(text, s.Reveal()[10:20]) || strings.Contains(text, "key") {
			t.Errorf("%s shows %s", format, text)
		}
	}
	for _, text := range []string{"", "whsec_", "whsec_AAAA", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_!fKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_" + strings.Repeat("A", 92)} {
		if _, err := notify.ParseSecret(text); !errors.Is(err, notify.ErrSecret) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func FuzzVerify(f *testing.F) {
	secret := notify.NewSecret()
	h := http.Header{}
	notify.Sign(h, "evt_1", time.Unix(5, 0), nil, secret)
	f.Add("evt_1", "5", h.Get("webhook-signature"), []byte(nil))
	f.Add("", "-1", "v1, v1,==", []byte("x"))
	f.Fuzz(func(t *testing.T, id, timestamp, signature string, body []byte) {
		got := http.Header{"Webhook-Id": {id}, "Webhook-Timestamp": {timestamp}, "Webhook-Signature": {signature}}
		if err := notify.Verify(got, body, time.Unix(5, 0), notify.NewSecret()); !errors.Is(err, notify.ErrSignature) {
			t.Errorf("taken under a secret that signed nothing: %v", err)
		}
	})
}
