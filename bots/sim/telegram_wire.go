package sim

// The objects of the Bot API that the simulator sends and reads, as on
// core.telegram.org/bots/api, "Available types".

type tgUser struct {
	ID           int64  `json:"id"`
	IsBot        bool   `json:"is_bot"`
	FirstName    string `json:"first_name"`
	Username     string `json:"username,omitempty"`
	LanguageCode string `json:"language_code,omitempty"`
}

type tgMe struct {
	tgUser
	CanJoinGroups bool `json:"can_join_groups"`
	CanReadAll    bool `json:"can_read_all_group_messages"`
	Inline        bool `json:"supports_inline_queries"`
	WebApp        bool `json:"has_main_web_app"`
}

type tgChatInfo struct {
	ID        int64  `json:"id"`
	Type      string `json:"type"`
	Title     string `json:"title,omitempty"`
	Username  string `json:"username,omitempty"`
	FirstName string `json:"first_name,omitempty"`
	IsForum   bool   `json:"is_forum,omitempty"`
}

type tgFullChat struct {
	tgChatInfo
	AccentColor   int        `json:"accent_color_id"`
	MaxReactions  int        `json:"max_reaction_count"`
	PinnedMessage *tgMessage `json:"pinned_message,omitempty"`
}

type tgEntity struct {
	Type     string  `json:"type"`
	Offset   int     `json:"offset"` // in UTF-16 code units, as Length
	Length   int     `json:"length"`
	URL      string  `json:"url,omitempty"`
	User     *tgUser `json:"user,omitempty"`
	Language string  `json:"language,omitempty"`
	EmojiID  string  `json:"custom_emoji_id,omitempty"`
}

// tgSticker is a picture instead of words.
type tgSticker struct {
	ID    string `json:"file_id"`
	Emoji string `json:"emoji"`
}

type tgMessage struct {
	ID              int64          `json:"message_id"`
	Thread          int64          `json:"message_thread_id,omitempty"`
	From            *tgUser        `json:"from,omitempty"`
	SenderChat      *tgChatInfo    `json:"sender_chat,omitempty"`
	Chat            tgChatInfo     `json:"chat"`
	Date            int64          `json:"date"`
	EditDate        int64          `json:"edit_date,omitempty"`
	ForwardOrigin   *tgOrigin      `json:"forward_origin,omitempty"`
	ForwardFrom     *tgUser        `json:"forward_from,omitempty"` // before Bot API 7.0; still sent
	ForwardFromChat *tgChatInfo    `json:"forward_from_chat,omitempty"`
	ForwardDate     int64          `json:"forward_date,omitempty"`
	IsTopic         bool           `json:"is_topic_message,omitempty"`
	ReplyTo         *tgMessage     `json:"reply_to_message,omitempty"`
	Text            string         `json:"text,omitempty"`
	Sticker         *tgSticker     `json:"sticker,omitempty"`
	Entities        []tgEntity     `json:"entities,omitempty"`
	LinkPreview     *tgLinkPreview `json:"link_preview_options,omitempty"`
	Markup          *tgMarkup      `json:"reply_markup,omitempty"`

	// Of these a service message has one.
	NewMembers   []tgUser   `json:"new_chat_members,omitempty"`
	Pinned       *tgMessage `json:"pinned_message,omitempty"`
	MigrateTo    int64      `json:"migrate_to_chat_id,omitempty"`
	MigrateFrom  int64      `json:"migrate_from_chat_id,omitempty"`
	TopicCreated *tgTopic   `json:"forum_topic_created,omitempty"`
	TopicEdited  *tgTopic   `json:"forum_topic_edited,omitempty"`
	TopicClosed  *struct{}  `json:"forum_topic_closed,omitempty"`
	TopicOpened  *struct{}  `json:"forum_topic_reopened,omitempty"`
}

type tgOrigin struct {
	Type       string      `json:"type"` // "user" or "channel"
	Date       int64       `json:"date"`
	SenderUser *tgUser     `json:"sender_user,omitempty"`
	Chat       *tgChatInfo `json:"chat,omitempty"`
	MessageID  int64       `json:"message_id,omitempty"`
}

type tgLinkPreview struct {
	Disabled bool   `json:"is_disabled,omitempty"`
	URL      string `json:"url,omitempty"`
}

type tgTopic struct {
	Thread int64  `json:"message_thread_id,omitempty"` // only in the answer of createForumTopic
	Name   string `json:"name"`
	Color  int64  `json:"icon_color"`
}

type tgMarkup struct {
	Rows [][]tgButton `json:"inline_keyboard"`
}

type tgButton struct {
	Text string `json:"text"`
	URL  string `json:"url,omitempty"`
	Data string `json:"callback_data,omitempty"`
}

type tgCallback struct {
	ID           string     `json:"id"`
	From         tgUser     `json:"from"`
	Message      *tgMessage `json:"message,omitempty"`
	ChatInstance string     `json:"chat_instance"`
	Data         string     `json:"data"`
}

type tgMemberChange struct {
	Chat tgChatInfo     `json:"chat"`
	From tgUser         `json:"from"`
	Date int64          `json:"date"`
	Old  map[string]any `json:"old_chat_member"`
	New  map[string]any `json:"new_chat_member"`
}

type tgUpdate struct {
	ID            int64           `json:"update_id"`
	Message       *tgMessage      `json:"message,omitempty"`
	EditedMessage *tgMessage      `json:"edited_message,omitempty"`
	ChannelPost   *tgMessage      `json:"channel_post,omitempty"`
	EditedPost    *tgMessage      `json:"edited_channel_post,omitempty"`
	Callback      *tgCallback     `json:"callback_query,omitempty"`
	MyChatMember  *tgMemberChange `json:"my_chat_member,omitempty"`
	ChatMember    *tgMemberChange `json:"chat_member,omitempty"`

	kind string // the name of the field that is set
	at   int64  // seconds since 1970; updates are kept for a day
}
