package wechat

import (
	"testing"
	"time"

	"github.com/allclear-hq/allclear/bots"
)

// FuzzParse checks that no answer makes the adapter fail or invent a success.
func FuzzParse(f *testing.F) {
	for _, s := range []string{`{"errcode":0,"errmsg":"ok"}`, `{"errcode":-1}`, `{"errcode":null}`, `{"errcode":"0"}`, `{}`, `null`, `[0]`, ``, `<html>`, `{"errcode":1e9}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		code, _, ok := parse(body)
		if !ok && code != 0 {
			t.Errorf("%q: code %d of an answer that is none", body, code)
		}
		if !ok || code == 0 {
			return
		}
		now := time.Now()
		switch fault := classify(code, now); fault.Kind {
		case bots.RateLimited:
			if !fault.Until.After(now) {
				t.Errorf("%d: a limit that is over already", code)
			}
		case bots.Temporary, bots.Rejected, bots.Gone, bots.Unauthorized:
		default:
			t.Errorf("%d: %v is no verdict on a refusal", code, fault)
		}
	})
}
