package core

// The tables here name other coins' prefixes in messages to people. Nothing is
// decided by them. Human readable parts are registered in SLIP-173; the
// versions are from each coin's chainparams.

// knownHRP returns " (whose it is)", or nothing.
func knownHRP(hrp string) string {
	switch hrp {
	case "bc":
		return " (Bitcoin main)"
	case "tb":
		return " (Bitcoin test or signet)"
	case "bcrt":
		return " (Bitcoin regtest)"
	case "ltc":
		return " (Litecoin main)"
	case "tltc":
		return " (Litecoin test)"
	case "rltc":
		return " (Litecoin regtest)"
	case "ltcmweb", "tmweb":
		return " (Litecoin MWEB)"
	}
	return ""
}

// knownVersion returns " (whose it is)", or nothing.
func knownVersion(version byte) string {
	switch version {
	case 0, 5:
		return " (Bitcoin main)"
	case 48, 50:
		return " (Litecoin main)"
	case 30, 22:
		return " (Dogecoin main)"
	case 113:
		return " (Dogecoin test)"
	case 58:
		return " (Litecoin test or regtest)"
	case 111, 196:
		return " (a test network)"
	}
	return ""
}
