package memkv_test

import (
	"testing"

	"coffer.example/coffer/store/memkv"
	"coffer.example/coffer/store/storetest"
	"coffer.example/coffer/utxo"
)

func TestStore(t *testing.T) {
	storetest.Run(t, func(testing.TB) storetest.Opener {
		store := memkv.New(5000)
		opened := false
		return func(testing.TB) utxo.Store {
			if opened {
				store = store.Reopen()
			}
			opened = true
			return store
		}
	})
}
