package main

import (
	"fmt"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/bots/discord"
	"github.com/allclear-hq/allclear/bots/telegram"
	"github.com/allclear-hq/allclear/bots/twitter"
	"github.com/allclear-hq/allclear/bots/wechat"
	"github.com/allclear-hq/allclear/internal/config"
)

// constructors is the table of platforms: kind → constructor.
var constructors = map[config.Platform]func(config.Bot) (bots.Bot, error){
	config.Telegram: func(b config.Bot) (bots.Bot, error) {
		return telegram.New(telegram.Config{Name: b.Name, Token: b.Token.Reveal(), APIURL: b.APIURL, Paid: b.Paid > 0, Rate: b.FreeRate()})
	},
	config.Discord: func(b config.Bot) (bots.Bot, error) {
		return discord.New(discord.Config{Name: b.Name, Token: b.Token.Reveal(), Application: b.Application, Guild: b.Guild, APIURL: b.APIURL, Rate: b.Rate})
	},
	config.Twitter: func(b config.Bot) (bots.Bot, error) {
		return twitter.New(twitter.Config{Name: b.Name, ConsumerKey: b.ConsumerKey.Reveal(), ConsumerSecret: b.ConsumerSecret.Reveal(),
			AccessToken: b.AccessToken.Reveal(), AccessSecret: b.AccessSecret.Reveal(), API: string(b.API), APIURL: b.APIURL, Rate: b.Rate})
	},
	config.WeChat: func(b config.Bot) (bots.Bot, error) {
		return wechat.New(wechat.Config{Name: b.Name, Key: b.Key.Reveal(), APIURL: b.APIURL, Rate: b.Rate})
	},
}

// connect makes the bots of a configuration. It contacts nobody.
func connect(c *config.Config) (map[string]bots.Bot, error) {
	out := map[string]bots.Bot{}
	for name, b := range c.Bots {
		bot, err := constructors[b.Kind](b)
		if err != nil {
			return nil, fmt.Errorf("bot %s: %w", name, err)
		}
		out[name] = bot
	}
	return out, nil
}
