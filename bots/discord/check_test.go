package discord

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/bots/sim"
)

// serveFixed serves answers by path, and an unknown channel for the rest.
func serveFixed(t *testing.T, answers map[string]string) *Bot {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, ok := answers[r.URL.Path]
		if !ok {
			w.WriteHeader(http.StatusNotFound)
			body = `{"message": "Unknown Channel", "code": 10003}`
		}
		w.Write([]byte(body))
	}))
	t.Cleanup(srv.Close)
	return newBot(t, srv.URL)
}

func TestCheck(t *testing.T) {
	b := serveFixed(t, map[string]string{
		"/users/@me":             `{"id": "7", "username": "allclear"}`,
		"/guilds/2000":           `{"id": "2000", "owner_id": "1", "roles": [{"id": "2000", "permissions": "66560"}, {"id": "30", "permissions": "2252109051330560"}, {"id": "31", "permissions": "8"}]}`,
		"/guilds/2000/members/7": `{"roles": ["30"]}`,
		"/channels/50":           `{"id": "50", "type": 0, "guild_id": "2000", "permission_overwrites": [{"id": "2000", "deny": "2048", "allow": "0"}, {"id": "30", "deny": "0", "allow": "2048"}]}`,
		"/channels/51":           `{"id": "51", "type": 5, "guild_id": "2000", "permission_overwrites": [{"id": "30", "deny": "2251799813685248", "allow": "0"}, {"id": "7", "allow": "0", "deny": "2048"}]}`,
		"/channels/52":           `{"id": "52", "type": 11, "guild_id": "2000", "parent_id": "51"}`,
		"/channels/53":           `{"id": "53", "type": 0, "guild_id": "2001"}`,
	})
	account, problems, err := b.Check(context.Background(), []string{"50", "51", "52", "53", "54", "general"})
	if err != nil {
		t.Fatal(err)
	}
	const missing = "missing permissions: Send Messages (for posts), Pin Messages (for pins)"
	want := map[string]string{
		"50": "", "51": missing, "52": missing,
		"53":      "is in server 2001, not in the configured 2000",
		"54":      "gone (target) 10003: Unknown Channel",
		"general": "is not the id of a channel",
	}
	if d := cmp.Diff(want, problems); d != "" || account != "allclear (bot 7)" {
		t.Errorf("account %q, problems (-want +got)\n%s", account, d)
	}
	if self := b.self.Load(); self != "7" {
		t.Errorf("we are %v", self)
	}
}

// An empty channel is an answer where the bot may read what was said there. Where it
// may not, Discord shows nothing either.
func TestFindInEmptyChannel(t *testing.T) {
	for name, c := range map[string]struct {
		guild, overwrites string
		answer            bool
	}{
		"may read":       {`{"id": "2000", "roles": [{"id": "2000", "permissions": "66560"}]}`, `[]`, true},
		"may not":        {`{"id": "2000", "roles": [{"id": "2000", "permissions": "1024"}]}`, `[]`, false},
		"denied there":   {`{"id": "2000", "roles": [{"id": "2000", "permissions": "66560"}]}`, `[{"id": "7", "allow": "0", "deny": "65536"}]`, false},
		"nobody tells":   {`{"id": "2000"}`, `[]`, false},
		"no such server": {`{"message": "Unknown Guild", "code": 10004}`, `[]`, false},
	} {
		b := serveFixed(t, map[string]string{
			"/users/@me":             `{"id": "7", "username": "allclear"}`,
			"/guilds/2000":           c.guild,
			"/guilds/2000/members/7": `{"roles": []}`,
			"/channels/50":           `{"id": "50", "type": 0, "guild_id": "2000", "permission_overwrites": ` + c.overwrites + `}`,
			"/channels/50/messages":  `[]`,
		})
		_, found, err := b.Find(t.Context(), bots.Operation{Action: bots.Post, Target: "50", Text: "one"}, time.Now())
		if found || (err == nil) != c.answer {
			t.Errorf("%s: %v, %v", name, found, err)
		}
	}
}

func TestCheckWrongToken(t *testing.T) {
	d := sim.NewDiscord()
	d.AddBot("another", "somebody")
	srv := httptest.NewServer(d)
	defer srv.Close()
	_, _, err := newBot(t, srv.URL+"/api/v9").Check(context.Background(), []string{"1"})
	if f := bots.AsFault(err); f.Kind != bots.Unauthorized || f.Subject != bots.Account {
		t.Errorf("%v, want the account unauthorized", err)
	}
}

func TestCheckSimulator(t *testing.T) {
	_, b := newWorld(t)
	account, problems, err := b.Check(context.Background(), []string{textChannel, "9"})
	if err != nil || account == "" || problems[textChannel] != "" || problems["9"] == "" {
		t.Errorf("%q, %v, %v", account, problems, err)
	}
}

// TestPermissions follows the order of Topics, "Permission Overwrites".
func TestPermissions(t *testing.T) {
	roles := []role{{ID: "1", Permissions: 1}, {ID: "2", Permissions: 2}, {ID: "3", Permissions: 8}}
	over := func(id string, allow, deny bits) overwrite { return overwrite{ID: id, Allow: allow, Deny: deny} }
	for name, c := range map[string]struct {
		server     server
		member     member
		overwrites []overwrite
		want       int64
	}{
		"everyone":                  {server{ID: "1", Roles: roles}, member{}, nil, 1},
		"owner":                     {server{ID: "1", Owner: "me", Roles: roles}, member{}, []overwrite{over("me", 0, 1)}, -1},
		"administrator":             {server{ID: "1", Roles: roles}, member{Roles: []string{"3"}}, []overwrite{over("me", 0, 1)}, -1},
		"role":                      {server{ID: "1", Roles: roles}, member{Roles: []string{"2"}}, nil, 3},
		"denied to all":             {server{ID: "1", Roles: roles}, member{Roles: []string{"2"}}, []overwrite{over("1", 0, 3)}, 0},
		"role before everyone":      {server{ID: "1", Roles: roles}, member{Roles: []string{"2"}}, []overwrite{over("2", 2, 0), over("1", 0, 3)}, 2},
		"member before role":        {server{ID: "1", Roles: roles}, member{Roles: []string{"2"}}, []overwrite{over("me", 0, 2), over("2", 2, 0)}, 1},
		"somebody else's is not us": {server{ID: "1", Roles: roles}, member{}, []overwrite{over("you", 0, 1), over("2", 0, 1)}, 1},
	} {
		if got := permissions("me", c.server, c.member, channel{Overwrites: c.overwrites}); got != c.want {
			t.Errorf("%s: %b, want %b", name, got, c.want)
		}
	}
}
