package people

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/allclear-hq/allclear/internal/incident"
)

func aList() *List {
	return &List{Languages: []string{"en", "zh-Hans"}, Language: "en", Components: []string{"login", "withdrawals"}}
}

func readAll(text string) (all []Subscriber, err error) {
	err = aList().Read(strings.NewReader(text), func(_ int, s Subscriber) error {
		all = append(all, s)
		return nil
	}, func(wrong *LineError) error { return wrong })
	return all, err
}

// A line that is wrong keeps nobody else out, unless it may hide where the next
// one begins.
func TestListsGoOnAfterALineThatIsWrong(t *testing.T) {
	for text, want := range map[string]string{
		"chat_id,language\n1001,en\n@ana,en\n\n1002,de\n1003,en,,x\n1004,en\n": "1001 -3 -5 -6 1004",
		"chat_id,language\n@ana,en\n1002,\"en\n1003,en\n":                      "-2 line 3: it is no line of a CSV: quote a field that has a comma or a quotation mark",
		`{"chat_id":1001}` + "\n{\"chat_id\":1002\n" + `{"chat_id":1003}`:      "1001 -2 1003",
		"chat_id\nx\n1001\n" + strings.Repeat("1", maxLine+1) + "\n1002":       "-2 1001 line 4: it has more than 65536 bytes: this is no list of subscribers",
		"chat_id,name\nx\n1001\n":                                              `line 1: "name" is no column, or stands twice: begin a CSV with chat_id,language,components,impact,topic`,
	} {
		var got []string
		err := aList().Read(strings.NewReader(text), func(_ int, s Subscriber) error {
			got = append(got, fmt.Sprint(s.Chat))
			return nil
		}, func(wrong *LineError) error {
			got = append(got, fmt.Sprint(-wrong.Line))
			return nil
		})
		if err != nil {
			got = append(got, err.Error())
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%.60q: %q, want %q", text, got, want)
		}
	}
}

func TestRefusedLinesAreCountedAndTheFirstListed(t *testing.T) {
	var all Refused
	for line := range 50 {
		all.Add(Refused{2, []BadLine{{2 * line, "a"}, {2*line + 1, "b"}}})
	}
	if last := all.First[len(all.First)-1]; all.Count != 100 || len(all.First) != mostListed || last.Line != mostListed-1 {
		t.Errorf("%d lines, %d listed up to %+v", all.Count, len(all.First), last)
	}
}

func TestReadList(t *testing.T) {
	everything := Subscriber{Chat: 1001, Language: "en", Impact: incident.ImpactNone, All: true, Unsaid: Unsaid{true, true, true, true}}
	some := Subscriber{Chat: -1001234567890, Language: "zh-Hans", Impact: incident.Critical, Components: []string{"login", "withdrawals"}, Unsaid: Unsaid{Topic: true}}
	for name, text := range map[string]string{
		"CSV":                            "chat_id,language,components,impact\n1001,,,\n-1001234567890,zh-Hans,login withdrawals,critical\n",
		"as written by hand":             "chat_id,language,components,impact\r\n1001\r\n-1001234567890,zh-Hans,\"login;withdrawals\",critical",
		"other order":                    "\uFEFFimpact,Chat_ID,components,language\n\n,1001,,\ncritical,-1001234567890,\"login, withdrawals\",zh-Hans\n\n",
		"JSON Lines":                     `{"chat_id":1001}` + "\n\n" + `{"chat_id":"-1001234567890","language":"zh-Hans","components":["login","withdrawals","login"],"impact":"critical"}` + "\n",
		"with topics that are not known": "chat_id,topic,language,components,impact\n1001\n-1001234567890,,zh-Hans,login withdrawals,critical",
	} {
		got, err := readAll(text)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if d := cmp.Diff([]Subscriber{everything, some}, got); d != "" {
			t.Errorf("%s (-want +got)\n%s", name, d)
		}
	}
}

// What is usual can be said, which is something else than to say nothing.
func TestAListSaysWhatIsUsual(t *testing.T) {
	for name, text := range map[string]string{
		"CSV":        "chat_id,language,components,impact,topic\n1001,en,all,none,0\n",
		"JSON Lines": `{"chat_id":1001,"language":"en","components":["all"],"impact":"none","topic":0}`,
	} {
		got, err := readAll(text)
		if d := cmp.Diff([]Subscriber{{Chat: 1001, Language: "en", Impact: incident.ImpactNone, All: true}}, got); d != "" || err != nil {
			t.Errorf("%s: %v (-want +got)\n%s", name, err, d)
		}
	}
}

// A group is told in the topic that a list names; of a line that names none
// nothing is known about it.
func TestTopicsOfAList(t *testing.T) {
	for name, text := range map[string]string{
		"CSV":        "chat_id,topic\n-1001,77\n-1002,0\n-1003,\n",
		"JSON Lines": `{"chat_id":-1001,"topic":77}` + "\n" + `{"chat_id":-1002,"topic":"0"}` + "\n" + `{"chat_id":-1003,"topic":null}`,
	} {
		got, err := readAll(text)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for k, want := range []struct {
			topic  int64
			unsaid bool
		}{{77, false}, {0, false}, {0, true}} {
			if s := got[k]; s.Topic != want.topic || s.Unsaid.Topic != want.unsaid {
				t.Errorf("%s, line %d: %+v, want %+v", name, k+1, s, want)
			}
		}
	}
}

func TestFaultyLists(t *testing.T) {
	const head = "chat_id,language,components,impact\n"
	for text, want := range map[string]string{
		"1001,en,,\n":                                 `line 1: "1001" is no column, or stands twice: begin a CSV with chat_id,language,components,impact`,
		"language,impact\n":                           "line 1: there is no column chat_id",
		"chat_id,chat_id\n":                           "stands twice",
		head + "1001,en,,\n\n@ana,en,,\n":             `line 4: chat_id "@ana" is not the number of a chat`,
		head + "0,en,,\n":                             `line 2: chat_id "0"`,
		head + "9999999999999999999,en,,\n":           `line 2: chat_id`,
		head + "1001,de,,\n":                          `line 2: language "de" is not one of en, zh-Hans`,
		head + "1001,en,logins,\n":                    `line 2: there is no component "logins": the components are login, withdrawals`,
		head + "1001,en,,awful\n":                     `line 2: impact "awful" is not one of none, minor, major, critical`,
		head + "1001,en,,,x\n":                        "line 2: it has 5 fields, the heading 4",
		"\xff\xfec\x00h\x00a\x00t\x00\n\x001\x00":     "line 1: it is no text in UTF-8: save the list as CSV in UTF-8",
		"c\x00h\x00a\x00t\x00\n\x001\x00":             "line 1: it is no text in UTF-8",
		"[{\"chat_id\":1}]":                           "line 1: JSON Lines have one object a line, without [ and ]",
		head + "1001,\"en\n":                          "line 2: it is no line of a CSV",
		"chat_id,topic\n-1001,7\n-1002,General\n":     `line 3: topic "General" is not the number of a topic: use 0 for the general one, or none`,
		"chat_id,topic\n-1001,-7\n":                   `line 2: topic "-7" is not`,
		"chat_id,topic\n-1001,4294967296\n":           `line 2: topic "4294967296" is not`,
		`{"chat_id":-1001,"topic":7.5}`:               `line 1: topic "7.5" is not`,
		`{"chat_id":1,"name":"Ana"}`:                  "line 1: it is no JSON object with chat_id",
		`{"chat_id":1}` + "\n" + `{"chat_id":1} x`:    "line 2: it is no JSON object",
		`{"chat_id":1.5}`:                             `line 1: chat_id "1.5"`,
		`{}`:                                          `line 1: chat_id ""`,
		head + strings.Repeat("x", maxLine+1) + "\n1": "line 2: it has more than 65536 bytes",
	} {
		_, err := readAll(text)
		if _, ok := errors.AsType[*LineError](err); !ok || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60q: %v, want %q", text, err, want)
		}
	}
}

// FuzzList checks that whatever a list says, what is read of it can be written
// and read again as the same.
func FuzzList(f *testing.F) {
	f.Add("chat_id,language,components,impact\n1001,en,login,minor\n", false)
	f.Add(`{"chat_id":1001,"components":["login"]}`, true)
	f.Add("chat_id\n1\n", true)
	f.Add("chat_id,topic\n-1001,77\n", true)
	f.Add(`{"chat_id":-1001,"topic":"0"}`, false)
	f.Add("\xff\n\"", false)
	f.Fuzz(func(t *testing.T, text string, jsonLines bool) {
		all, err := readAll(text)
		if _, wrong := errors.AsType[*LineError](err); err != nil && !wrong {
			t.Fatalf("%v is no fault of a line", err)
		}
		var out bytes.Buffer
		w := NewWriter(&out, jsonLines)
		for k, s := range all {
			all[k].Unsaid = Unsaid{} // what is written says all
			if err := w.Add(s); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		again, err := readAll(out.String())
		if err != nil || !slices.EqualFunc(all, again, func(a, b Subscriber) bool { return cmp.Equal(a, b) }) {
			t.Errorf("read %+v, wrote %q, read %+v, %v", all, out.String(), again, err)
		}
	})
}
