package main

import (
	"time"

	"github.com/allclear-hq/allclear/bots/sim"
)

// The simulated accounts and places of a demonstration. Nothing here is a
// secret: the platforms are simulated, on loopback.
const (
	demoToken    = "demo-operator-token"
	demoBot      = "1000001:demo-telegram-token"
	demoDiscord  = "demo-discord-token"
	demoRobot    = "demo-robot-key"
	demoRoom     = "-1009000000001"
	demoChannel  = "@example_status"
	demoServer   = "700000000000000001"
	demoNews     = "700000000000000101"
	demoXAccount = "ExampleStatus"
	demoVisitor  = "2001"
	demoTalk     = "1000001/" + demoVisitor // with the bot
)

var demoKeys = sim.XCredentials{ConsumerKey: "demo-consumer", ConsumerSecret: "demo-consumer-secret", AccessToken: "1-demo-access", AccessSecret: "demo-access-secret"}

// demoPeople are the operators, by Telegram user id.
var demoPeople = []struct{ ID, Name, Role string }{
	{"1001", "Ana", "publisher"}, {"1002", "Bo", "admin"}, {"1003", "Chen", "author"},
}

// demoConfig is a configuration like a user's, but for the addresses.
const demoConfig = `
[site]
name = "Example Exchange"
url = "{site}"
language = "en"
languages = ["en", "zh-Hans"]
time_zone = "Asia/Singapore"

[store]
url = "sqlite:demo.db"

[policy]
next = { critical = "20m" }

[bots.tg]
kind = "telegram"
token = "1000001:demo-telegram-token"
api_url = "{page}/telegram"
rate = 100 # above what Telegram takes no group has a limit: who tries it out types fast

[bots.dc]
kind = "discord"
token = "demo-discord-token"
guild = "700000000000000001"
api_url = "{page}/discord/api/v9"

[bots.x]
kind = "twitter"
consumer_key = "demo-consumer"
consumer_secret = "demo-consumer-secret"
access_token = "1-demo-access"
access_secret = "demo-access-secret"
api_url = "{page}/x"
rate = 10

[bots.wecom]
kind = "wechat"
key = "demo-robot-key"
api_url = "{page}/wechat"
rate = 10

[[channels]]
name = "telegram"
bot = "tg"
target = "@example_status"
pin = true

[[channels]]
name = "discord"
bot = "dc"
target = "700000000000000101"
thread = true
crosspost = true

[[channels]]
name = "x"
bot = "x"
replies = "mentioned"

[[channels]]
name = "wechat"
bot = "wecom"
language = "zh-Hans"

[[rooms]]
bot = "tg"
target = "-1009000000001"

[[operators]]
name = "Ana"
role = "publisher"
telegram = "1001"
token = "{token}"

[[operators]]
name = "Bo"
role = "admin"
telegram = "1002"

[[operators]]
name = "Chen"
role = "author"
telegram = "1003"

[[components]]
id = "login"
name = "Login"

[[components]]
id = "trading"
name = "Trading"

[[components]]
id = "withdrawals"
name = "Withdrawals"
group = "Funds"

[[components]]
id = "deposits"
name = "Deposits"
group = "Funds"
`

// demoAudience are those who press Start.
const demoAudience = `
[[channels]]
name = "people"
bot = "tg"
audience = true
`

// newWorld sets up the simulated platforms as demoConfig expects them.
func newWorld() *sim.World {
	w := sim.New()
	w.Telegram.AddBot(demoBot, "example_status_bot")
	member := sim.Membership{Status: "administrator"}
	must(w.Telegram.AddChat(sim.TelegramChat{ID: "-1008000000001", Username: "example_status", Type: "channel", Title: "Example Exchange Status", Bot: member}))
	must(w.Telegram.AddChat(sim.TelegramChat{ID: demoRoom, Type: "supergroup", Title: "Comms", Bot: member}))
	for _, p := range demoPeople {
		must("", w.Telegram.AddPerson(sim.TelegramPerson{ID: p.ID, Name: p.Name}))
	}
	must("", w.Telegram.AddPerson(sim.TelegramPerson{ID: demoVisitor, Name: "You", Language: "en"}))
	w.Telegram.ReadAll(demoBot)
	w.Discord.Guild = demoServer
	w.Discord.AddBot(demoDiscord, "example-status")
	w.Discord.AddChannel(demoNews, "status", sim.DiscordAnnouncement)
	w.X.AddAccount(demoXAccount, demoKeys)
	w.WeChat.AddRobot(demoRobot)
	return w
}

// must stops on a mistake in the set-up above, which no input can cause.
func must(_ string, err error) {
	if err != nil {
		panic(err)
	}
}

// addChaos makes every platform misbehave now and then, each in its own ways.
func addChaos(w *sim.World) {
	const second = sim.Duration(time.Second)
	for i := range 100 { // each request counts for all faults that are still to come
		odd, even := 2+i*8, 6+i*8
		w.Telegram.Faults.Add(
			sim.Fault{Match: "sendMessage", Skip: odd, Kind: "status", Status: 429, RetryAfter: 2 * second},
			sim.Fault{Match: "sendMessage", Skip: even, Kind: "cut-after"})
		w.Discord.Faults.Add(
			sim.Fault{Match: "/messages", Skip: odd, Kind: "accept"},
			sim.Fault{Match: "/messages", Skip: even, Delay: 3 * second})
		w.X.Faults.Add(
			sim.Fault{Match: "POST /2/tweets", Skip: i * 3, Kind: "accept", Status: 503},
			sim.Fault{Match: "POST /2/tweets", Skip: 1 + i*3, Delay: 2 * second})
		w.WeChat.Faults.Add(sim.Fault{Match: "/webhook/send", Skip: odd, Kind: "status", Code: "-1"})
	}
}
