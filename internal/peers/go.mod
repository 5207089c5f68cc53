module github.com/allclear-hq/allclear/internal/peers

go 1.26.0

require (
	github.com/allclear-hq/allclear v0.0.0
	github.com/nicholas-fedor/shoutrrr v0.13.2
	github.com/nikoksr/notify v1.3.0
)

require (
	github.com/go-telegram-bot-api/telegram-bot-api v4.6.4+incompatible // indirect
	github.com/go-telegram-bot-api/telegram-bot-api/v5 v5.5.1 // indirect
	github.com/mattn/go-colorable v0.1.14 // indirect
	github.com/mattn/go-isatty v0.0.24 // indirect
	github.com/technoweenie/multipartstreamer v1.0.1 // indirect
	golang.org/x/sync v0.24.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
	golang.org/x/term v0.39.0 // indirect
)

replace github.com/allclear-hq/allclear => ../..
