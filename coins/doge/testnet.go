package doge

import (
	"time"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/coins/core"
)

// testnet returns the parameters of the test network.
func testnet() coins.Params {
	genesis := core.Genesis{
		Hash:       "bb0a78264637406b6360aad926284d544d7049f45189db5664f3c4d07350559e",
		MerkleRoot: "5b2a3f53f605d62c53e62932dac6925e3d74afa5a4b459745c36d42d0ed26a69",
		Time:       1391503289,
		Bits:       0x1e0ffff0,
		Nonce:      997879,
	}
	return coins.Params{
		Symbol:     symbol,
		Name:       "Dogecoin",
		Network:    coins.Test,
		Format:     coins.Format{AuxPoW: true, MaxBlock: maxBlock},
		Classifier: coins.Core014,
		Address: coins.AddressParams{
			P2PKH:     []byte{113},
			P2SH:      []byte{196},
			WIF:       241,
			HDPublic:  0x043587cf,
			HDPrivate: 0x04358394,
			SLIP44:    1,
		},
		Chain: coins.ChainParams{
			Genesis:       genesis.BlockHash(),
			GenesisHeader: genesis.Header(),
			Magic:         [4]byte{0xfc, 0xc1, 0xb7, 0xdc},
			Maturity:      []coins.MaturityRule{{From: 0, Blocks: 30}, {From: 145_000, Blocks: 240}},
			SegwitFrom:    coins.MaxHeight,
			TaprootFrom:   coins.MaxHeight,
			AuxPoWFrom:    158_100,
			Interval:      60 * time.Second,
			MaxMoney:      10_000_000_000 * coins.Unit,
		},
		Policy: coins.PolicyParams{
			HardDust:          100_000,
			SoftDust:          1_000_000,
			RelayFloor:        100_000,
			WalletFloor:       1_000_000,
			Replaceable:       coins.ReplaceOptIn,
			MempoolExpiry:     24 * time.Hour,
			MaxAncestors:      25,
			MaxAncestorSize:   101_000,
			MaxStandardWeight: 400_000,
			Confirmations:     40,
			FinalDepth:        60,
			MaxReorg:          2_880,
		},
		Node: coins.NodeParams{
			Daemon:          "dogecoind",
			RPCPort:         44555,
			P2PPort:         44556,
			ProtocolVersion: 70015,
		},
	}
}
