package node

import (
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"
	"sync"
)

// credentials are what the node is shown. A file's content is read at first
// use and again after a refusal: a node writes a new cookie at each start.
type credentials struct {
	mu             sync.Mutex
	file           string // password or cookie file; empty where both are given
	cookie         bool   // the file holds user:password
	loaded         bool
	user, password string
}

func newCredentials(o *Options, address *url.URL) *credentials {
	switch {
	case o.CookieFile != "":
		return &credentials{file: o.CookieFile, cookie: true}
	case o.PasswordFile != "":
		return &credentials{file: o.PasswordFile, user: o.User}
	case o.User == "" && address.User != nil:
		password, _ := address.User.Password()
		return &credentials{user: address.User.Username(), password: password, loaded: true}
	}
	return &credentials{user: o.User, password: o.Password, loaded: true}
}

func (c *credentials) get() (user, password string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.loaded {
		if err := c.load(); err != nil {
			return "", "", err
		}
	}
	return c.user, c.password, nil
}

// reload reads the file again after the node refused a password, and reports
// whether there is another one to try.
func (c *credentials) reload(refused string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.file == "" {
		return false
	}
	c.loaded = false
	return c.load() == nil && c.password != refused
}

func (c *credentials) load() error {
	text, err := readSecret(c.file)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrSecretFile, err)
	}
	if !c.cookie {
		c.password, c.loaded = text, true
		return nil
	}
	user, password, ok := strings.Cut(text, ":")
	if !ok {
		return fmt.Errorf("%s: not a cookie file, which holds user:password: %w", c.file, ErrSecretFile)
	}
	c.user, c.password, c.loaded = user, password, true
	return nil
}

// readSecret returns the first line of a small file.
func readSecret(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxSecretFile))
	line, _, _ := strings.Cut(string(text), "\n")
	return strings.TrimSuffix(line, "\r"), err
}
