package config

import (
	"reflect"

	"github.com/allclear-hq/allclear/internal/incident"
)

// A Platform is where a bot has its account.
type Platform string

// The platforms.
const (
	Telegram Platform = "telegram"
	Discord  Platform = "discord"
	Twitter  Platform = "twitter"
	WeChat   Platform = "wechat"
)

// A Role is what an operator may do. Each may do what those before it may.
type Role string

// The roles.
const (
	Author    Role = "author"    // drafts
	Reviewer  Role = "reviewer"  // approves, comments
	Publisher Role = "publisher" // publishes
	Admin     Role = "admin"     // unfreezes, breaks glass
)

// Unsure says what becomes of a post that may or may not have arrived.
type Unsure string

// The ways to settle what is unsure.
const (
	Ask    Unsure = "ask"    // a person decides
	Assume Unsure = "assume" // it counts as sent
	Resend Unsure = "resend" // it is sent again, perhaps twice
)

// MissingTranslation says what a channel shows when the text of its language
// is missing.
type MissingTranslation string

// The ways to deal with a missing translation.
const (
	ShowOriginal MissingTranslation = "original" // the text of Site.Language, with a note
	HoldBack     MissingTranslation = "hold"     // nothing until the translation is there
)

// Correction says how a wrong text is put right.
type Correction string

// The ways to correct.
const (
	Loud     Correction = "loud" // edited where possible, and a linked correction is posted
	EditOnly Correction = "edit" // edited where possible; posted only where not
)

// Retraction says how a text is taken back.
type Retraction string

// The ways to retract.
const (
	Tombstone Retraction = "tombstone" // the text is replaced by a note that it was retracted
	Delete    Retraction = "delete"    // the message is deleted
)

// Replies says who may answer a post on X.
type Replies string

// Who may answer.
const (
	AllReply       Replies = "all"
	MentionedReply Replies = "mentioned" // only accounts that the post mentions
)

// TwitterAPI is the version of X's API that an account speaks.
type TwitterAPI string

// The versions.
const (
	TwitterV2 TwitterAPI = "v2"
	TwitterV1 TwitterAPI = "v1.1"
)

// A HookKind is the program that sends alerts.
type HookKind string

// The kinds of hooks.
const (
	Alertmanager HookKind = "alertmanager"
	Grafana      HookKind = "grafana"
	PagerDuty    HookKind = "pagerduty"
)

// choices lists the words that a value of type t may be, or nil where any
// text will do.
func choices(t reflect.Type) []string {
	switch t {
	case reflect.TypeFor[Platform]():
		return words(Telegram, Discord, Twitter, WeChat)
	case reflect.TypeFor[Role]():
		return words(Author, Reviewer, Publisher, Admin)
	case reflect.TypeFor[Unsure]():
		return words(Ask, Assume, Resend)
	case reflect.TypeFor[MissingTranslation]():
		return words(ShowOriginal, HoldBack)
	case reflect.TypeFor[Correction]():
		return words(Loud, EditOnly)
	case reflect.TypeFor[Retraction]():
		return words(Tombstone, Delete)
	case reflect.TypeFor[Replies]():
		return words(AllReply, MentionedReply)
	case reflect.TypeFor[TwitterAPI]():
		return words(TwitterV2, TwitterV1)
	case reflect.TypeFor[HookKind]():
		return words(Alertmanager, Grafana, PagerDuty)
	case reflect.TypeFor[incident.Impact]():
		return words(incident.Impacts...)
	}
	return nil
}

func words[S ~string](values ...S) []string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = string(v)
	}
	return out
}
