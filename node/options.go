package node

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"coffer.example/coffer/coins"
)

// Options describe one full node. Only RPC is required.
type Options struct {
	// RPC is the address of the node's JSON-RPC: http://HOST:PORT, or https.
	// REST has the same one.
	RPC string

	// User with Password or PasswordFile (its first line), or CookieFile alone.
	// The files are read again when the node refuses what they held.
	User, Password           string
	PasswordFile, CookieFile string

	// Headers are sent with each HTTP request, for hosted nodes.
	Headers map[string]string

	// P2P is HOST:PORT of the peer protocol; empty for none.
	P2P string

	// REST says that the node serves REST (rest=1).
	REST bool

	// ZMQ are the endpoints that the node publishes on: tcp://HOST:PORT.
	ZMQ []string

	// Known names chains by genesis hash, for the error about a wrong one:
	// "Dogecoin regtest".
	Known map[coins.BlockHash]string

	// Deferred lets Open return without the node having answered. Calls fail
	// until it does; a chain that proves wrong later fails them too.
	Deferred bool

	// Timeouts; zero takes the defaults.
	DialTimeout, CallTimeout, BlockTimeout time.Duration

	// RetryMin and RetryMax bound the pause before a broken transport is tried
	// again; zero takes the defaults.
	RetryMin, RetryMax time.Duration

	// MaxAnswer bounds an RPC answer in bytes; zero takes the default. Blocks
	// are bounded by their format.
	MaxAnswer int64

	// Connections and InFlight bound parallel block requests; zero takes the
	// defaults.
	Connections, InFlight int
}

// String describes the options without their secrets.
func (o Options) String() string {
	return fmt.Sprintf("rpc %s p2p %q rest %t zmq %q", redact(o.RPC), o.P2P, o.REST, o.ZMQ)
}

// GoString is String, so that no verb prints a secret.
func (o Options) GoString() string { return o.String() }

// redact takes user and password out of an address.
func redact(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "(unreadable address)"
	}
	u.User = nil
	return u.String()
}

func (o *Options) setDefaults() {
	or := func(d *time.Duration, value time.Duration) {
		if *d == 0 {
			*d = value
		}
	}
	or(&o.DialTimeout, DefaultDialTimeout)
	or(&o.CallTimeout, DefaultCallTimeout)
	or(&o.BlockTimeout, DefaultBlockTimeout)
	or(&o.RetryMin, DefaultRetryMin)
	or(&o.RetryMax, DefaultRetryMax)
	if o.MaxAnswer == 0 {
		o.MaxAnswer = MaxAnswer
	}
	if o.Connections == 0 {
		o.Connections = DefaultConnections
	}
	if o.InFlight == 0 {
		o.InFlight = DefaultInFlight
	}
}

// Validate returns every fault of the options at once, wrapped in ErrOptions.
func (o Options) Validate() error {
	var faults []string
	fault := func(bad bool, text string) {
		if bad {
			faults = append(faults, text)
		}
	}
	u, err := url.Parse(o.RPC)
	fault(err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https"), "rpc: give it as http://HOST:PORT")
	fault(o.Password != "" && o.PasswordFile != "", "password and password_file: give one of them")
	fault(o.CookieFile != "" && (o.User != "" || o.Password != "" || o.PasswordFile != ""), "cookie_file stands for user and password: give one or the other")
	fault(o.User == "" && (o.Password != "" || o.PasswordFile != ""), "password without user")
	fault(o.User != "" && o.Password == "" && o.PasswordFile == "", "user without password or password_file")
	if o.P2P != "" {
		_, _, err := net.SplitHostPort(o.P2P)
		fault(err != nil, "p2p: give it as HOST:PORT")
	}
	for _, endpoint := range o.ZMQ {
		_, err := zmqAddress(endpoint)
		fault(err != nil, "zmq: give it as tcp://HOST:PORT")
	}
	for name, value := range o.Headers {
		fault(name == "" || strings.ContainsAny(name+value, "\r\n"), "headers: a name is empty or a line break is in one")
	}
	fault(o.DialTimeout < 0 || o.CallTimeout < 0 || o.BlockTimeout < 0 || o.RetryMin < 0 || o.RetryMax < 0, "timeouts: below zero")
	fault(o.MaxAnswer < 0 || o.Connections < 0 || o.InFlight < 0, "limits: below zero")
	if len(faults) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %s", ErrOptions, strings.Join(faults, "; "))
}

// zmqAddress returns HOST:PORT of a ZMQ endpoint.
func zmqAddress(endpoint string) (string, error) {
	address, ok := strings.CutPrefix(endpoint, "tcp://")
	if !ok {
		return "", errors.New("not a tcp:// endpoint")
	}
	_, _, err := net.SplitHostPort(address)
	return address, err
}
