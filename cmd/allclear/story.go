package main

import (
	"context"
	"fmt"
	"time"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/bots/sim"
)

// A scene is one step of the story: what the terminal says, and what happens.
type scene struct {
	title string
	who   string // operator who types; empty for a stranger on X
	text  string
}

// story is an exchange outage at midday.
var story = []scene{
	{"Nobody can log in. First words, within a minute.", "1001", `/incident critical login withdrawals
Login and withdrawals are unavailable
We are investigating why login and withdrawals are unavailable. Trading of open positions continues. Your balances are not affected.
zh:
我们正在调查登录与提现不可用的原因。持仓交易照常进行，您的资产余额不受影响。
next 20m`},
	{"A rumour starts.", "", "BREAKING: they were HACKED, all funds gone!! Claim your refund now → examp1e-refund.example"},
	{"The rumour is answered, in its own thread.", "1001", `/notice
We were not hacked
The outage has a technical cause. There was no intrusion and no funds have moved. We never ask for keys, codes or deposits; accounts that do are impostors.
zh:
本次故障为技术原因，没有遭到入侵，资金没有任何变动。我们绝不会索要私钥、验证码或充值，凡索要者均为冒充。`},
	{"The cause is known, with an estimate.", "1002", `/identified INC-1 A failed storage upgrade took the login service down. We are moving it to the standby site and expect logins back by 14:00 UTC. Withdrawals follow an hour later.
zh:
一次存储升级失败导致登录服务中断。我们正在切换到备用机房，预计登录将先恢复，提现一小时后恢复。
next 30m`},
	{"The estimate slips, and says so.", "1001", `/update INC-1 Moving to the standby site takes longer than we said: we now expect logins back about 40 minutes later. We are checking every balance before withdrawals open.
zh:
切换到备用机房的时间比预期更长，登录预计将推迟约 40 分钟恢复。开放提现之前，我们会逐一核对余额。
next 45m`},
	{"A wrong word is put right, everywhere.", "1002", `/correct INC-1/3 Moving to the standby site takes longer than we said: we now expect logins back about 60 minutes later. We are checking every balance before withdrawals open.
zh:
切换到备用机房的时间比预期更长，登录预计将推迟约 60 分钟恢复。开放提现之前，我们会逐一核对余额。`},
	{"The CEO apologises.", "1001", `/update INC-1 I am sorry. You trusted us to be there at midday and we were not. The upgrade should have been tested on the standby site first; from today it will be. — Mei Tan, CEO
zh:
非常抱歉。您信任我们，我们却在正午时分辜负了您。此次升级本应先在备用机房测试；从今天起，一律如此执行。——首席执行官 陈美
next 45m`},
	{"Recovery, in steps.", "1001", `/monitoring INC-1 Logins work again. Withdrawals resume in steps over the next half hour; nothing needs to be sent twice.
zh:
登录已恢复。提现将在接下来半小时内逐步开放，无需重复提交。
next 30m`},
	{"The all clear.", "1001", `/resolve INC-1 Everything works again. All balances were checked and match. A full report follows within three days. Thank you for your patience.
zh:
所有服务已恢复正常。全部余额核对无误。完整报告将在三日内发布。感谢您的耐心。`},
	{"The notice is closed too.", "1002", `/close NTC-1 The outage is over. There was no intrusion and no funds have moved.
zh:
故障已结束。没有遭到入侵，资金没有任何变动。`},
}

// tell plays the story in the room, as people would type it.
func (d *demo) tell(ctx context.Context) error {
	for i, s := range story {
		note := fmt.Sprintf("%d/%d  %s", i+1, len(story), s.title)
		fmt.Fprintln(d.out, "  "+note)
		d.world.Note(note)
		if err := d.act(ctx, s); err != nil {
			return err
		}
		if bots.Sleep(ctx, d.cmd.Pace); ctx.Err() != nil {
			break
		}
	}
	d.world.Note("The story is over. The room takes your commands: try /help.")
	return nil //nolint:nilerr // to be stopped is no failure
}

// act plays a scene: somebody types, looks at the preview, and presses Publish.
func (d *demo) act(ctx context.Context, s scene) error {
	if s.who == "" { // replying to us is closed to him
		d.world.X.Post("CryptoLeaks", s.text)
		return nil
	}
	typed, err := d.world.Telegram.Say(demoRoom, s.who, s.text, sim.Saying{})
	if err != nil {
		return err
	}
	for waited := time.Duration(0); waited < previewTime; waited += glance {
		bots.Sleep(ctx, glance)
		for _, m := range d.world.Telegram.Seen(demoRoom) {
			if m.ReplyTo == typed && len(m.Buttons) > 0 {
				bots.Sleep(ctx, d.cmd.Pace/4) // reads it
				_, err := d.world.Telegram.Press(demoRoom, m.ID, s.who, m.Buttons[0][0].Data)
				return err
			}
		}
		if ctx.Err() != nil {
			return nil //nolint:nilerr // to be stopped is no failure
		}
	}
	return fmt.Errorf("the bot did not show a preview within %v", previewTime)
}

// Times of the people in the story.
const (
	previewTime = 30 * time.Second       // that they wait for a preview
	glance      = 100 * time.Millisecond // between two looks at the room
)

// stage says what the page shows.
func stage(site string) sim.Stage {
	people := make([]sim.Person, len(demoPeople))
	for i, p := range demoPeople {
		people[i] = sim.Person{ID: p.ID, Name: p.Name, Role: p.Role}
	}
	return sim.Stage{
		Title: "Example Exchange", StatusPage: site,
		Telegram: demoChannel, Discord: demoNews, X: demoXAccount, WeChat: demoRobot,
		Talk: sim.Room{Chat: demoTalk, People: []sim.Person{{ID: demoVisitor, Name: "You"}}, Suggest: []string{"/settings", "/status", "/verify ", "/help", "/unsubscribe"}},
		Room: sim.Room{Platform: "telegram", Chat: demoRoom, People: people, Suggest: []string{
			"/help", "/show", "/update INC-1 ", "/incident major deposits\nDeposits are delayed\nDeposits arrive up to 30 minutes late.\nnext 30m",
		}},
	}
}
