package testnodes

// Coin is a coin whose node can be started: its short name.
type Coin string

// The coins whose nodes are known here.
const (
	BTC  Coin = "btc"
	LTC  Coin = "ltc"
	DOGE Coin = "doge"
)

// dialect is what differs between the nodes' command lines and wallets.
type dialect struct {
	daemon      string   // name of the executable
	env         string   // environment variable that names the executable
	remedy      string   // what to do when it is missing
	packaged    bool     // whether scripts/nodes.sh can provide it, so that CI must have it
	maturity    int      // coinbase maturity on regtest
	whitelist   string   // value of -whitelist that makes a loopback peer a trusted one
	namedWallet bool     // whether a wallet must be created before use
	onionBind   bool     // whether it binds a fixed onion port unless told another
	args        []string // always given
}

func (c Coin) dialect() (dialect, bool) {
	switch c {
	case BTC:
		return dialect{
			daemon: "bitcoind", env: "COFFER_BITCOIND", remedy: "run scripts/nodes.sh, or put bitcoind (Core 28 or newer) on PATH",
			packaged: true, maturity: 100, whitelist: "noban@127.0.0.1", namedWallet: true,
			// Core's wallet gives bech32 addresses unless told otherwise, Knots' gives old ones.
			args: []string{"-fallbackfee=0.0002", "-keypool=20", "-addresstype=bech32", "-changetype=bech32"},
		}, true
	case LTC:
		return dialect{
			daemon: "litecoind", env: "COFFER_LITECOIND", remedy: "run scripts/nodes.sh, or put litecoind (0.21) on PATH",
			packaged: true, maturity: 100, whitelist: "noban@127.0.0.1", namedWallet: true, onionBind: true,
			// 0.21 does not end before its clients' idle connections do; the default would be 30 s.
			args: []string{"-fallbackfee=0.001", "-keypool=20", "-rpcservertimeout=5"},
		}, true
	case DOGE:
		return dialect{
			daemon: "dogecoind", env: "COFFER_DOGECOIND", remedy: "no package exists: put dogecoind (1.14) on PATH",
			maturity: 60, whitelist: "127.0.0.1",
			args: []string{"-keypool=20"},
		}, true
	default:
		return dialect{}, false
	}
}

// noMWEB keeps Litecoin's regtest from activating MWEB, without which it cannot mine past height 431 (measured).
const noMWEB = "-vbparams=mweb:-2:0"
