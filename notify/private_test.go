package notify

import (
	"errors"
	"testing"
)

// What a name may resolve to.
func TestPublicOnly(t *testing.T) {
	for address, open := range map[string]bool{
		"93.184.216.34:443": true, "[2606:2800:220:1::1]:443": true, "8.8.8.8:80": true,
		"127.0.0.1:80": false, "[::1]:80": false, "[::ffff:127.0.0.1]:80": false, "10.1.2.3:80": false, "172.16.0.1:80": false,
		"192.168.1.1:80": false, "169.254.169.254:80": false, "[fe80::1%eth0]:80": false, "[fd00::1]:80": false, "0.0.0.0:80": false,
		"[::]:80": false, "100.64.1.1:80": false, "224.0.0.1:80": false, "255.255.255.255:80": false, "[64:ff9b::7f00:1]:80": false,
		"[2002:7f00:1::]:80": false, "nonsense": false,
	} {
		if err := publicOnly("tcp", address, nil); open != (err == nil) || !open && !errors.Is(err, ErrPrivate) {
			t.Errorf("%s: %v", address, err)
		}
	}
	for host, want := range map[string]bool{"127.0.0.1": true, "::1": true, "LocalHost": true, "localhost.example": false, "10.0.0.1.nip": false, "2130706433": false} {
		if literal(host) != want {
			t.Errorf("%q: %t", host, !want)
		}
	}
}
