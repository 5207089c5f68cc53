// Package importtest keeps imports running one way, so that each package can
// be read, tested and replaced without those above it, and an adapter's
// misreading of a protocol is never shared by its simulator.
//
// It holds nothing but tests. They read the import clauses of all files,
// whatever operating system those are for.
package importtest

import (
	"os"
	"testing"
)

const module = "github.com/allclear-hq/allclear"

// A layer is what a package may import: packages of ours by their path in the
// module, others by the path of their module. The standard library is free,
// except where pure is set.
type layer struct {
	may   []string
	tests []string // what its tests may import besides
	pure  bool     // imports nothing that reaches outside the process
}

// The libraries, by what they are for here.
const (
	gocmp     = "github.com/google/go-cmp"
	commands  = "github.com/alecthomas/kong"
	discordgo = "github.com/bwmarrin/discordgo"
	gotwitter = "github.com/dghubble/go-twitter"
	postgres  = "github.com/jackc/pgx/v5"
	oauth1    = "github.com/dghubble/oauth1"
	metrics   = "github.com/prometheus/client_golang"
	sys       = "golang.org/x/sys" // how much room a disk has
	sqlite    = "modernc.org/sqlite"
	telegram  = "github.com/go-telegram-bot-api/telegram-bot-api/v5"
	text      = "golang.org/x/text"
	pace      = "golang.org/x/time" // allowances of clients
	toml      = "github.com/BurntSushi/toml"
	websocket = "github.com/gorilla/websocket"
	yaml      = "gopkg.in/yaml.v3"
)

// layers names every package of the module, from the bottom to the top. A
// package that is not here fails the test: who adds one says what it stands on.
func layers() map[string]layer {
	return map[string]layer{
		"internal/incident": {pure: true, may: []string{text}, tests: []string{gocmp}},
		"internal/audit":    {may: []string{"internal/incident"}, tests: []string{gocmp}},
		"templates":         {may: []string{"internal/incident", text}, tests: []string{gocmp}},

		"bots":          {tests: []string{gocmp}},
		"bots/bottest":  {may: []string{"bots", gocmp}},
		"bots/sim":      {may: []string{text, websocket}, tests: []string{"internal/browser", gocmp, discordgo, gotwitter, oauth1, telegram}},
		"bots/discord":  adapter(discordgo, websocket),
		"bots/telegram": adapter(telegram),
		"bots/twitter":  adapter(gotwitter, oauth1, text),
		"bots/wechat":   adapter(),

		"internal/seat": {}, // locks and the machine's boot: below people, whose journals lie there, and store, which takes over by it

		"internal/config": {may: []string{"internal/incident", text, toml}, tests: []string{gocmp}},

		"broadcast":        {may: []string{"bots", "internal/incident", "templates"}, tests: []string{"internal/desk", "internal/store", "internal/store/storetest", gocmp}},
		"internal/desk":    {may: []string{"bots", "broadcast", "internal/audit", "internal/incident"}, tests: []string{"internal/people", "internal/store", "internal/store/storetest", "templates", gocmp}},
		"internal/people":  {may: []string{"bots", "broadcast", "internal/incident", "internal/seat", "templates", text}, tests: []string{"bots/sim", "bots/telegram", "internal/crowd", "internal/desk", "internal/store", "internal/store/storetest", gocmp}}, // the people are told by desk and web, and know neither
		"internal/store":   {may: []string{"bots", "broadcast", "internal/audit", "internal/desk", "internal/incident", "internal/people", "internal/seat", postgres, sqlite}, tests: []string{"internal/store/storetest", gocmp}},
		"internal/metrics": {may: []string{"broadcast", "internal/incident", metrics}, tests: []string{"bots", gocmp}},
		"internal/web":     {may: []string{"broadcast", "internal/audit", "internal/desk", "internal/incident", "internal/people", pace, text}, tests: []string{"bots", "internal/browser", "internal/store", "internal/store/storetest", "templates", gocmp}},

		"internal/browser": {may: []string{websocket}}, // tests alone use it
		"internal/crowd":   {},                         // tests and benchmarks alone use it

		"internal/store/storetest": {may: []string{postgres}}, // tests alone use it; it stands below the store, whose own tests use it too

		"cmd/allclear": {
			may: []string{
				"bots", "bots/discord", "bots/sim", "bots/telegram", "bots/twitter", "bots/wechat", "broadcast", "internal/audit", "internal/config",
				"internal/desk", "internal/incident", "internal/metrics", "internal/people", "internal/seat", "internal/store", "internal/web", "templates", commands, sys,
			},
			tests: []string{"internal/crowd", "internal/store/storetest", gocmp},
		},

		// The model check plays with everything but the program around it.
		"internal/model": {tests: []string{
			"bots", "bots/discord", "bots/sim", "bots/telegram", "bots/twitter", "bots/wechat", "broadcast", "internal/desk", "internal/incident",
			"internal/people", "internal/store", "internal/store/storetest", "templates",
		}},

		"internal/importtest": {tests: []string{gocmp}},
	}
}

// adapter is the layer of a platform: it stands on the contract and its client
// library alone. Its tests run the suite that all adapters pass, and talk to
// the simulators.
func adapter(libraries ...string) layer {
	return layer{may: append(libraries, "bots"), tests: []string{"bots/bottest", "bots/sim", gocmp, yaml}}
}

// reachesOutside reports whether a package of the standard library does what
// a pure package leaves to its callers.
func reachesOutside(path string) bool {
	switch path {
	case "database/sql", "log", "log/slog", "net", "net/http", "os", "os/exec", "syscall":
		return true
	}
	return false
}

func TestLayers(t *testing.T) {
	imports, err := scan(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	if len(imports) == 0 {
		t.Fatal("no Go files found in the module's folder")
	}
	for _, complaint := range check(layers(), imports) {
		t.Error(complaint)
	}
}
