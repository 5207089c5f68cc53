package sim

import (
	"fmt"
	"hash/fnv"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// quotas counts requests in fixed windows of time, one for each key.
type quotas struct {
	open map[string]*quota
}

type quota struct {
	used  int
	until time.Time
}

// use counts a request against key and reports what is left (below zero: it
// is one too many) and when the window ends.
func (ws *quotas) use(key string, limit int, per time.Duration) (left int, until time.Time) {
	now := time.Now()
	if ws.open == nil {
		ws.open = map[string]*quota{}
	}
	w := ws.open[key]
	if w == nil || !now.Before(w.until) {
		w = &quota{until: now.Add(per)}
		ws.open[key] = w
	}
	w.used++
	return limit - w.used, w.until
}

// limited applies the strict limits, and otherwise does nothing. What is left
// goes into the headers (Topics, "Rate Limits").
func (d *Discord) limited(h http.Header, c *discordCall, pattern string) (discordAnswer, bool) {
	if d.limits == nil {
		return discordAnswer{}, false
	}
	if left, until := d.limits.use("global "+c.me.ID, 50, time.Second); left < 0 {
		return discordTooMany(h, "global", 0, time.Until(until)), true
	}
	if !strings.Contains(pattern, "/messages") {
		return discordAnswer{}, false
	}
	const limit, per = 5, 5 * time.Second
	left, until := d.limits.use(pattern+" "+c.PathValue("channel"), limit, per)
	h.Set("X-RateLimit-Limit", strconv.Itoa(limit))
	h.Set("X-RateLimit-Remaining", strconv.Itoa(max(left, 0)))
	h.Set("X-RateLimit-Reset", fmt.Sprintf("%.3f", float64(until.UnixMilli())/1000))
	h.Set("X-RateLimit-Reset-After", fmt.Sprintf("%.3f", time.Until(until).Seconds()))
	h.Set("X-RateLimit-Bucket", bucketName(pattern))
	if left < 0 {
		return discordTooMany(h, "user", 0, time.Until(until)), true
	}
	return discordAnswer{}, false
}

// bucketName is opaque to clients and the same for all channels of a route.
func bucketName(pattern string) string {
	h := fnv.New64a()
	h.Write([]byte(pattern))
	return strconv.FormatUint(h.Sum64(), 16)
}

// discordTooMany refuses with 429. The header rounds up to whole seconds, the
// body has the fraction.
func discordTooMany(h http.Header, scope string, code int, wait time.Duration) discordAnswer {
	if scope != "global" && scope != "shared" {
		scope = "user"
	}
	h.Set("X-RateLimit-Scope", scope)
	h.Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
	if scope == "global" {
		h.Set("X-RateLimit-Global", "true")
	}
	body := map[string]any{"message": "You are being rate limited.", "retry_after": math.Round(wait.Seconds()*1000) / 1000, "global": scope == "global"}
	if code != 0 {
		body["code"] = code
	}
	return discordAnswer{http.StatusTooManyRequests, body}
}
