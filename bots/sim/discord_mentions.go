package sim

import (
	"regexp"
	"slices"
	"strconv"
)

// discordAllowed is what a message may notify (Resources, Message, "Allowed
// Mentions Object"). Without it, everything that it mentions is notified.
type discordAllowed struct {
	Parse       []string `json:"parse"`
	Users       []string `json:"users"`
	Roles       []string `json:"roles"`
	RepliedUser bool     `json:"replied_user"`
}

func (a *discordAllowed) check() (discordAnswer, bool) {
	if a == nil {
		return discordAnswer{}, true
	}
	for i, kind := range a.Parse {
		if !slices.Contains([]string{"roles", "users", "everyone"}, kind) {
			return discordInvalid("BASE_TYPE_CHOICES", "Value must be one of {'users', 'roles', 'everyone'}.", "allowed_mentions", "parse", strconv.Itoa(i)), false
		}
	}
	if slices.Contains(a.Parse, "users") && len(a.Users) > 0 || slices.Contains(a.Parse, "roles") && len(a.Roles) > 0 {
		return discordInvalid("MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE", "parse and an explicit list are mutually exclusive.", "allowed_mentions"), false
	}
	return discordAnswer{}, true
}

// pings is whom a text notifies. Unlike clients it looks into code too, so
// that a test for "nobody" is never too kind.
func (a *discordAllowed) pings(text string, replied *discordUser) []string {
	var who []string
	may := func(kind string, listed []string, id string) bool {
		return a == nil || slices.Contains(a.Parse, kind) || slices.Contains(listed, id)
	}
	for _, m := range regexp.MustCompile(`@(everyone|here)\b|<@(&?)!?(\d+)>`).FindAllStringSubmatch(text, -1) {
		switch {
		case m[1] != "" && may("everyone", nil, ""):
			who = append(who, m[1])
		case m[2] == "&" && may("roles", a.roles(), m[3]):
			who = append(who, "&"+m[3])
		case m[1] == "" && m[2] == "" && may("users", a.users(), m[3]):
			who = append(who, m[3])
		}
	}
	if replied != nil && (a == nil || a.RepliedUser) {
		who = append(who, replied.ID)
	}
	return slices.Compact(who)
}

func (a *discordAllowed) roles() []string {
	if a == nil {
		return nil
	}
	return a.Roles
}

func (a *discordAllowed) users() []string {
	if a == nil {
		return nil
	}
	return a.Users
}
