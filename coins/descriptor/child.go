package descriptor

import (
	"crypto/hmac"
	"crypto/sha512"
	"encoding/binary"
	"fmt"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcutil/v2/hdkeychain"
)

// parent is an extended public key made ready for deriving its children: the
// library would parse the point and hash the key anew for each.
type parent struct {
	chainCode, public []byte
	point             btcec.JacobianPoint
}

func newParent(k *hdkeychain.ExtendedKey) (*parent, error) {
	public, err := k.ECPubKey()
	if err != nil {
		return nil, err
	}
	p := &parent{chainCode: k.ChainCode(), public: public.SerializeCompressed()}
	public.AsJacobian(&p.point)
	return p, nil
}

// child returns the public key of an unhardened child: point(I_L) + parent, I
// being HMAC-SHA512(chain code, parent ‖ index) (BIP 32). It fails with
// [ErrIndex] where I_L is no scalar or the sum is infinity.
func (p *parent) child(index uint32) ([]byte, error) {
	mac := hmac.New(sha512.New, p.chainCode)
	mac.Write(binary.BigEndian.AppendUint32(p.public[:len(p.public):len(p.public)], index))
	var tweak btcec.ModNScalar
	overflow := tweak.SetByteSlice(mac.Sum(nil)[:32])
	var sum, shift btcec.JacobianPoint
	btcec.ScalarBaseMultNonConst(&tweak, &shift)
	btcec.AddNonConst(&shift, &p.point, &sum)
	if overflow || sum.Z.IsZero() {
		return nil, fmt.Errorf("the key has no child %d: %w", index, ErrIndex)
	}
	sum.ToAffine()
	return btcec.NewPublicKey(&sum.X, &sum.Y).SerializeCompressed(), nil
}
