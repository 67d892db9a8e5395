package testnodes

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
)

const defaultDBCache = 100 // MiB

// prepare picks ports, credentials and a folder, and puts the command line together.
func prepare(path string, o Options) (*Node, error) {
	d, _ := o.Coin.dialect() // Find has checked the coin
	ports, err := freePorts(4)
	if err != nil {
		return nil, err
	}
	dir, temp := o.DataDir, false
	if dir == "" {
		if dir, err = os.MkdirTemp("", "coffer-"+d.daemon+"-"); err != nil {
			return nil, err
		}
		temp = true
	} else if err = os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	n := &Node{
		Coin: o.Coin, RPC: "http://" + loopback(ports[0]), User: "coffer", Password: rand.Text(),
		CookieFile: filepath.Join(dir, "regtest", ".cookie"),
		P2P:        loopback(ports[1]), ZMQ: "tcp://" + loopback(ports[2]), DataDir: dir,
		options: o,
	}
	n.client = NewClient(n.RPC, n.User, n.Password)
	n.process.path, n.process.temp, n.process.Console = path, temp, filepath.Join(dir, "console.log")
	n.process.args = commandLine(n, d, ports)
	return n, nil
}

func commandLine(n *Node, d dialect, ports []int) []string {
	o := n.options
	cache := o.DBCache
	if cache == 0 {
		cache = defaultDBCache
	}
	args := []string{
		"-regtest", "-datadir=" + n.DataDir, "-server", "-rest", "-printtoconsole=0", "-listenonion=0", "-discover=0",
		"-dnsseed=0", "-connect=0", "-listen=1", "-bind=" + n.P2P,
		"-rpcbind=127.0.0.1", "-rpcallowip=127.0.0.1", "-rpcport=" + strconv.Itoa(ports[0]),
		"-rpcauth=" + rpcAuth(n.User, n.Password), "-whitelist=" + d.whitelist, "-dbcache=" + strconv.Itoa(cache),
	}
	for _, topic := range []string{"rawblock", "rawtx", "hashblock", "hashtx", "sequence"} {
		if topic == "sequence" && o.Coin == DOGE {
			continue // 1.14 has no such topic
		}
		args = append(args, "-zmqpub"+topic+"="+n.ZMQ)
	}
	if d.onionBind {
		args = append(args, "-bind="+loopback(ports[3])+"=onion")
	}
	if o.TxIndex {
		args = append(args, "-txindex")
	}
	if o.Coin == LTC && !o.MWEB {
		args = append(args, noMWEB)
	}
	return append(append(args, d.args...), o.Args...)
}

// rpcAuth is a value of -rpcauth, USER:SALT$HMAC-SHA256(SALT, PASSWORD). Unlike -rpcpassword it leaves the cookie file on.
func rpcAuth(user, password string) string {
	salt := rand.Text()
	mac := hmac.New(sha256.New, []byte(salt))
	mac.Write([]byte(password))
	return user + ":" + salt + "$" + hex.EncodeToString(mac.Sum(nil))
}

// freePorts returns different loopback ports that nobody listens on now.
func freePorts(count int) ([]int, error) {
	ports := make([]int, 0, count)
	for range count {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("find a free port: %w", err)
		}
		defer l.Close() // all at the end, so that no port comes twice
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
