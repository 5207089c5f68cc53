package sim

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// An oauthFault is why a signature is not accepted. The zero fault is none.
type oauthFault int

const (
	oauthOK        oauthFault = iota
	oauthMissing              // no OAuth 1.0a header
	oauthAppOnly              // a bearer token, which is not a user
	oauthUnknown              // a consumer key or token that nobody has
	oauthStale                // the timestamp is not of the last five minutes
	oauthWrong                // signature, nonce or parameters
	oauthFreshness = 5 * time.Minute
)

// authenticate verifies the request's OAuth 1.0a signature (RFC 5849) and
// finds the user. form is the body's parameters, if it is a form.
func (x *X) authenticate(r *http.Request, form url.Values) (*xAccount, oauthFault) {
	header := r.Header.Get("Authorization")
	if strings.HasPrefix(header, "Bearer ") {
		return nil, oauthAppOnly
	}
	params, ok := oauthParams(header)
	if !ok {
		return nil, oauthMissing
	}
	if len(x.keys) == 0 {
		a := x.account("nobody")
		a.bot = true
		return a, oauthOK
	}
	i := slices.IndexFunc(x.keys, func(k *xKey) bool {
		return k.ConsumerKey == params["oauth_consumer_key"] && k.AccessToken == params["oauth_token"]
	})
	if i < 0 {
		return nil, oauthUnknown
	}
	if fault := x.fresh(params); fault != oauthOK {
		return nil, fault
	}
	if !signedBy(r, form, params, x.keys[i].XCredentials) {
		return nil, oauthWrong
	}
	return x.keys[i].account, oauthOK
}

// fresh checks timestamp and nonce (RFC 5849, section 3.3) and uses the nonce
// up.
func (x *X) fresh(params map[string]string) oauthFault {
	now := time.Now()
	sec, err := strconv.ParseInt(params["oauth_timestamp"], 10, 64)
	if age := now.Sub(time.Unix(sec, 0)); err != nil || age > oauthFreshness || age < -oauthFreshness {
		return oauthStale
	}
	for nonce, at := range x.nonces {
		if now.Sub(at) > 2*oauthFreshness {
			delete(x.nonces, nonce)
		}
	}
	key := params["oauth_timestamp"] + " " + params["oauth_nonce"] + " " + params["oauth_token"]
	_, used := x.nonces[key]
	x.nonces[key] = now
	if used || params["oauth_nonce"] == "" {
		return oauthWrong
	}
	return oauthOK
}

// oauthParams reads an Authorization header (RFC 5849, section 3.5.1).
func oauthParams(header string) (map[string]string, bool) {
	scheme, list, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "OAuth") {
		return nil, false
	}
	params := map[string]string{}
	for field := range strings.SplitSeq(list, ",") {
		name, quoted, _ := strings.Cut(strings.TrimSpace(field), "=")
		value, ok := strings.CutPrefix(quoted, `"`)
		value, end := strings.CutSuffix(value, `"`)
		name, err1 := url.PathUnescape(name)
		value, err2 := url.PathUnescape(value)
		if _, twice := params[name]; !ok || !end || err1 != nil || err2 != nil || twice {
			return nil, false
		}
		params[name] = value
	}
	return params, params["oauth_consumer_key"] != ""
}

// signedBy recomputes the HMAC-SHA1 signature. The client may have signed the
// address it called, or X's own when a proxy rewrote the host on the way.
func signedBy(r *http.Request, form url.Values, params map[string]string, c XCredentials) bool {
	version := params["oauth_version"]
	if params["oauth_signature_method"] != "HMAC-SHA1" || version != "" && version != "1.0" {
		return false
	}
	called, _, _ := strings.Cut(r.RequestURI, "?")
	addresses := []string{
		"http://" + strings.ToLower(r.Host) + called,
		"https://" + strings.ToLower(r.Host) + called,
		"https://api.twitter.com" + r.URL.EscapedPath(),
		"https://api.x.com" + r.URL.EscapedPath(),
	}
	normal := normalParams(params, r.URL.Query(), form)
	key := oauthEscape(c.ConsumerSecret) + "&" + oauthEscape(c.AccessSecret)
	return slices.ContainsFunc(addresses, func(address string) bool {
		mac := hmac.New(sha1.New, []byte(key))
		mac.Write([]byte(r.Method + "&" + oauthEscape(address) + "&" + oauthEscape(normal)))
		want := base64.StdEncoding.EncodeToString(mac.Sum(nil))
		return subtle.ConstantTimeCompare([]byte(want), []byte(params["oauth_signature"])) == 1
	})
}

// normalParams is the sorted, encoded parameter string (RFC 5849, section
// 3.4.1.3.2).
func normalParams(oauth map[string]string, more ...url.Values) string {
	var pairs [][2]string
	for name, value := range oauth {
		if name != "oauth_signature" && name != "realm" {
			pairs = append(pairs, [2]string{oauthEscape(name), oauthEscape(value)})
		}
	}
	for _, values := range more {
		for name, list := range values {
			for _, value := range list {
				pairs = append(pairs, [2]string{oauthEscape(name), oauthEscape(value)})
			}
		}
	}
	slices.SortFunc(pairs, func(a, b [2]string) int {
		if c := strings.Compare(a[0], b[0]); c != 0 {
			return c
		}
		return strings.Compare(a[1], b[1])
	})
	var parts []string
	for _, p := range pairs {
		parts = append(parts, p[0]+"="+p[1])
	}
	return strings.Join(parts, "&")
}

// oauthEscape is percent-encoding as RFC 5849, section 3.6 wants it.
func oauthEscape(s string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; isASCIIWord(rune(c)) || c == '-' || c == '.' || c == '~' {
			b.WriteByte(c)
		} else {
			b.Write([]byte{'%', hex[c>>4], hex[c&15]})
		}
	}
	return b.String()
}
