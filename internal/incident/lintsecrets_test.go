package incident

import (
	"strings"
	"testing"
)

// The secrets are put together here, so that no scanner of repositories takes
// them for real ones.
func TestLintSecrets(t *testing.T) {
	long := strings.Repeat("aB3d", 30)
	secrets := []linted{
		{"123456789:" + long[:35], "a Telegram bot's token"},
		{"token=123456789:" + long[:34] + "-.", "a Telegram bot's token"},
		{"M" + long[:25] + "." + long[:6] + "." + long[:38], "a Discord bot's token"},
		{"https://discord.com/api/webhooks/123/" + long[:68], "a Discord webhook"},
		{"/cgi-bin/webhook/send?key=01234567-89ab-cdef-0123-456789abcdef", "a WeCom robot's key"},
		{"ghp" + "_" + long[:36], "a GitHub token"},
		{"github" + "_pat_" + long[:82], "a GitHub token"},
		{"glpat" + "-" + long[:20], "a GitLab token"},
		{"AKIA" + "ABCDEFGHIJ234567", "an AWS access key"},
		{"xoxb" + "-123-" + long[:24], "a Slack token"},
		{"https://hooks.slack.com/" + "services/T0/B0/" + long[:24], "a Slack webhook"},
		{"AIza" + long[:35], "a Google API key"},
		{"sk" + "_live_" + long[:24], "a Stripe key"},
		{"eyJ" + long[:20] + ".eyJ" + long[:40] + "." + long[:43], "a JSON web token"},
		{"-----BEGIN RSA " + "PRIVATE KEY-----", "a private key"},
		{"-----BEGIN " + "PRIVATE KEY-----", "a private key"},
		{"-----BEGIN PGP " + "PRIVATE KEY BLOCK-----", "a private key"},
	}
	checkRefused(t, LintContext{}, secrets)
	for _, s := range secrets {
		got, _ := Lint(Text{"en": s.text}, "", LintContext{})
		if strings.Contains(strings.Join(got, ""), s.text[:12]) {
			t.Errorf("%q shows the secret", got)
		}
	}
	checkRefused(t, LintContext{}, []linted{
		{"-----BEGIN CERTIFICATE-----", ""},
		{"12:30: the queue is at 123456789:1", ""},
		{"commit 52908400098527886e0f7030069857d2e4169ee7", ""},
		{"ghp_short, AKIA, xoxb-, eyJ.eyJ., sk_live_", ""},
		{"org.apache.zookeeper and status.example.com", ""},
		{"INC-12/3 · 12:18 UTC, request 01234567-89ab-cdef-0123-456789abcdef", ""},
	})
}
