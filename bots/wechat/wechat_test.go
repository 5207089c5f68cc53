package wechat_test

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/bots/bottest"
	"github.com/allclear-hq/allclear/bots/wechat"
)

const key = "693a91f6-7aec-4bc4-97a0-0ec2a5f&aaa"

func TestConformance(t *testing.T) { bottest.Run(t, platform()) }

func platform() bottest.Platform {
	return bottest.Platform{
		New: func(url string) (bots.Bot, error) {
			return wechat.New(wechat.Config{Name: "wecom", Key: key, APIURL: url})
		},
		Secrets: []string{key},
		Calls: []bottest.Call{{
			Name: "post",
			Op:   bots.Operation{Action: bots.Post, Text: "Withdrawals are back.", Nonce: "inc12-3-1"},
			Asks: bots.Operation{Action: bots.Post, Text: "Withdrawals are back."},
			OK:   bottest.Reply{Body: `{"errcode":0,"errmsg":"ok"}`},
		}},
		Answers: answers(),
		Refuse:  func(words string) bottest.Reply { return refusal(40008, words) },
		Decode:  decode,
		Length:  func(r bottest.Request) int { return len(content(r)) },
	}
}

func refusal(code int, words string) bottest.Reply {
	return bottest.Reply{Body: fmt.Sprintf(`{"errcode":%d,"errmsg":%s}`, code, bottest.Quote(words))}
}

// answers are from the tables of the documentation and answers seen in public.
func answers() []bottest.Answer {
	invalid := "invalid webhook url, hint: [1708397705432012366598976], from ip: 218.72.126.124, more info at https://open.work.weixin.qq.com/devtool/query?e=93000"
	limited := bots.Fault{Kind: bots.RateLimited, Subject: bots.Account, Code: "45009", Detail: "api freq out of limit"}
	perMinute := bots.Fault{Kind: bots.RateLimited, Subject: bots.Account, Code: "45011"}
	list := []bottest.Answer{
		{Name: "too fast", Reply: refusal(45009, "api freq out of limit"), Want: limited, After: time.Minute},
		{Name: "minute quota", Reply: refusal(45011, "api minute-quota reach limit"), Want: perMinute, After: time.Minute},
		{Name: "HTTP 429", Reply: bottest.Reply{Status: 429, Header: map[string]string{"Retry-After": "30"}, Body: `{"errcode":45009,"errmsg":"slow"}`},
			Want: bots.Fault{Kind: bots.RateLimited, Subject: bots.Account, Code: "429", Detail: "slow"}, After: 30 * time.Second},
		{Name: "wrong key", Reply: refusal(93000, invalid), Want: bots.Fault{Kind: bots.Unauthorized, Subject: bots.Account, Code: "93000", Detail: "hint: [1708397705432012366598976]"}},
		{Name: "robot left", Reply: refusal(93008, "not in group"), Want: bots.Fault{Kind: bots.Gone, Subject: bots.Target, Code: "93008"}},
	}
	for code, kind := range map[int]bots.FaultKind{
		-1: bots.Temporary, 45033: bots.Temporary,
		45002: bots.Rejected, 47001: bots.Rejected, 44004: bots.Rejected, 40058: bots.Rejected, 99999: bots.Rejected,
	} {
		list = append(list, bottest.Answer{Name: strconv.Itoa(code), Reply: refusal(code, "words"), Want: bots.Fault{Kind: kind, Code: strconv.Itoa(code), Detail: "words"}})
	}
	for _, code := range []int{93004, 40001, 40014, 42001, 40164, 60020, 48001, 48004, 50002} {
		list = append(list, bottest.Answer{Name: strconv.Itoa(code), Reply: refusal(code, "words"),
			Want: bots.Fault{Kind: bots.Unauthorized, Subject: bots.Account, Code: strconv.Itoa(code)}})
	}
	return list
}

func content(r bottest.Request) string {
	var body struct {
		Text struct{ Content string }
	}
	if r.JSON(&body) != nil {
		return ""
	}
	return body.Text.Content
}

func decode(r bottest.Request) (bots.Operation, error) {
	if r.Method != "POST" || r.URL.Path != "/cgi-bin/webhook/send" || r.URL.Query().Get("key") != key {
		return bots.Operation{}, fmt.Errorf("%s %s is not the webhook", r.Method, r.URL.Path)
	}
	var body map[string]any
	if err := r.JSON(&body); err != nil {
		return bots.Operation{}, err
	}
	if len(body) != 2 || body["msgtype"] != "text" || len(body["text"].(map[string]any)) != 1 {
		return bots.Operation{}, fmt.Errorf("%v is not a text without mentions", body)
	}
	raw := content(r)
	if strings.Contains(raw, "<@") {
		return bots.Operation{}, errors.New("a member would be mentioned")
	}
	return bots.Operation{Action: bots.Post, Text: strings.ReplaceAll(raw, "\u200b", "")}, nil
}

func TestNew(t *testing.T) {
	for name, c := range map[string]wechat.Config{
		"no key":      {Name: "wecom"},
		"no address":  {Name: "wecom", Key: key, APIURL: "qyapi.weixin.qq.com"},
		"not http":    {Name: "wecom", Key: key, APIURL: "ftp://qyapi.weixin.qq.com"},
		"no URL":      {Name: "wecom", Key: key, APIURL: "https://" + key + ":x:y/\x00"},
		"only a path": {Name: "wecom", Key: key, APIURL: "/wechat"},
	} {
		_, err := wechat.New(c)
		if err == nil || strings.Contains(err.Error(), key) {
			t.Errorf("%s: %v, want an error that does not show the key", name, err)
		}
	}
}

func TestPace(t *testing.T) {
	for rate, want := range map[float64]bots.Pace{
		0: {N: 20, Per: time.Minute}, 0.25: {N: 1, Per: 4 * time.Second}, 2: {N: 2, Per: time.Second},
	} {
		b, err := wechat.New(wechat.Config{Key: key, Rate: rate})
		if err != nil {
			t.Fatal(err)
		}
		if got := b.Limits().Account; got != want {
			t.Errorf("rate %v: %v, want %v", rate, got, want)
		}
	}
}

func TestEmptyAndBrokenTextsAreNotSent(t *testing.T) {
	b, err := wechat.New(wechat.Config{Key: key, APIURL: "http://127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"", " \n\t", "a\xffb"} {
		_, err := b.Do(t.Context(), bots.Operation{Action: bots.Post, Text: text})
		if f := bots.AsFault(err); err == nil || f.Kind != bots.Rejected {
			t.Errorf("%q: %v, want it rejected", text, err)
		}
	}
}
