package login

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"net/url"
	"time"
)

// The parameters of every authenticator app (RFC 6238).
const (
	codeDigits = 6
	codeStep   = 30 // seconds
	codeSlack  = 1  // steps that a clock may be off, either way
)

// codeAt returns the code of a time step (RFC 4226).
func codeAt(secret []byte, step int64) string {
	mac := hmac.New(sha1.New, secret)
	mac.Write(binary.BigEndian.AppendUint64(nil, uint64(step)))
	sum := mac.Sum(nil)
	at := sum[len(sum)-1] & 0xf
	return fmt.Sprintf("%0*d", codeDigits, binary.BigEndian.Uint32(sum[at:])&0x7fffffff%1_000_000)
}

// CheckCode reports whether code is right at now and which time step it belongs
// to. A step up to last, that of the code that was used before, is not right any
// more. Pure.
func CheckCode(secret []byte, code string, now time.Time, last int64) (step int64, ok bool) {
	here := now.Unix() / codeStep
	for s := here - codeSlack; s <= here+codeSlack; s++ {
		if s > last && subtle.ConstantTimeCompare([]byte(codeAt(secret, s)), []byte(code)) == 1 {
			step, ok = s, true
		}
	}
	return step, ok
}

// CodeURL returns the address by which an authenticator app learns the secret of
// an account; it is secret itself.
func CodeURL(account string, secret []byte) string {
	q := url.Values{"secret": {base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(secret)}, "issuer": {"grantfs"}}
	u := url.URL{Scheme: "otpauth", Host: "totp", Path: "/grantfs:" + account, RawQuery: q.Encode()}
	return u.String()
}
