package web

import (
	"strings"

	"github.com/allclear-hq/allclear/internal/incident"
)

// A tongue is how the pages speak one language. A text with %s has exactly
// one, where a time or a reference stands.
type tongue struct {
	Tag string

	Status, Notices, Open, Planned, Components, Past, Updates string // headings
	NoPast                                                    string
	Skip, BackToStatus, ReadAll, OtherLanguages               string
	Missing, MissingText                                      string
	Subscribe, SubscribeOne, Follow                           string // in Telegram
	Affected, Impact, Reference                               string
	Overall                                                   map[incident.ComponentState]string
	OverallProblem                                            string

	Kinds    map[incident.Kind]string
	Statuses map[incident.Status]string
	Impacts  map[incident.Impact]string
	States   map[incident.ComponentState]string

	NextUpdate, NextDue, Began, Ended, Withdrawn, Window, Corrected string
	WasWithdrawn                                                    string // "INC-12/3 was withdrawn"
	Earlier, EarlierTitle, WithdrawnText, Reason, Removed, Original string
	Lasted                                                          string

	Date   string // Go layout
	Within string // a time in UTC, and the same in the site's zone
	Zones  map[string]string
	Units  [3]string // day, hour, minute; with %d
	Colon  string
	Comma  string
}

// speak returns the words of a language. A site whose language has none here
// gets English words around its own texts.
func speak(tag string) *tongue {
	if tag == "zh-Hans" || strings.HasPrefix(tag, "zh-Hans-") || tag == "zh" || tag == "zh-CN" || tag == "zh-SG" {
		return chinese()
	}
	return english()
}

func english() *tongue {
	return &tongue{
		Tag:    "en",
		Status: "Status", Notices: "Notices", Open: "Now", Planned: "Planned maintenance", Components: "Services",
		Past: "Past 15 days", Updates: "Updates", NoPast: "Nothing happened in the past 15 days.",
		Skip: "Skip to content", BackToStatus: "All services", ReadAll: "Read everything about this", OtherLanguages: "Languages",
		Missing: "There is no such page", MissingText: "The address may be mistyped. Everything that is known is on the status page.",
		Subscribe: "Subscribe in Telegram", SubscribeOne: "Subscribe to one service in Telegram", Follow: "Follow this in Telegram",
		Affected: "Affected", Impact: "Impact", Reference: "Reference",
		Overall: map[incident.ComponentState]string{
			incident.Operational:         "Everything works.",
			incident.UnderMaintenance:    "Planned maintenance is under way.",
			incident.DegradedPerformance: "Some services are slower or less reliable than usual.",
			incident.PartialOutage:       "Some services do not work for everyone.",
			incident.MajorOutage:         "Some services are unavailable.",
		},
		OverallProblem: "We are looking into a problem.",
		Kinds:          map[incident.Kind]string{incident.Outage: "Incident", incident.Maintenance: "Maintenance", incident.Notice: "Notice"},
		Statuses: map[incident.Status]string{
			incident.Investigating: "Investigating", incident.Identified: "Identified", incident.Monitoring: "Monitoring",
			incident.Resolved: "Resolved", incident.Postmortem: "Review",
			incident.Scheduled: "Scheduled", incident.InProgress: "In progress", incident.Verifying: "Verifying", incident.Completed: "Completed",
			incident.Published: "Published", incident.Closed: "Closed",
		},
		Impacts: map[incident.Impact]string{incident.ImpactNone: "None", incident.Minor: "Minor", incident.Major: "Major", incident.Critical: "Critical"},
		States: map[incident.ComponentState]string{
			incident.Operational: "Works", incident.DegradedPerformance: "Degraded", incident.PartialOutage: "Partial outage",
			incident.MajorOutage: "Unavailable", incident.UnderMaintenance: "Maintenance",
		},
		NextUpdate: "Next update by %s", NextDue: "The next update was due by %s", Began: "Began %s", Ended: "Ended %s",
		Withdrawn: "Withdrawn %s", Window: "Planned for %s", Corrected: "Corrected %s", WasWithdrawn: "%s was withdrawn.",
		Earlier: "Earlier wording", EarlierTitle: "Earlier title", WithdrawnText: "What it said", Reason: "Reason",
		Removed: "The text was removed.", Original: "There is no translation yet; this is the original in %s.", Lasted: ", lasted %s",
		Date: "2 Jan 2006", Within: "%s UTC (%s %s)", Units: [3]string{"%d d", "%d h", "%d min"}, Colon: ": ", Comma: ", ",
	}
}

func chinese() *tongue {
	return &tongue{
		Tag:    "zh-Hans",
		Status: "服务状态", Notices: "公告", Open: "当前事件", Planned: "计划维护", Components: "各项服务",
		Past: "过去 15 天", Updates: "更新记录", NoPast: "过去 15 天没有发生事件。",
		Skip: "跳到正文", BackToStatus: "全部服务", ReadAll: "查看全部内容", OtherLanguages: "语言",
		Missing: "没有这个页面", MissingText: "网址可能有误。目前已知的全部情况请见状态页。",
		Subscribe: "在 Telegram 中订阅", SubscribeOne: "在 Telegram 中订阅单项服务", Follow: "在 Telegram 中关注此事件",
		Affected: "受影响的服务", Impact: "影响程度", Reference: "编号",
		Overall: map[incident.ComponentState]string{
			incident.Operational:         "一切正常。",
			incident.UnderMaintenance:    "正在进行计划维护。",
			incident.DegradedPerformance: "部分服务比平时缓慢或不稳定。",
			incident.PartialOutage:       "部分用户无法使用某些服务。",
			incident.MajorOutage:         "部分服务无法使用。",
		},
		OverallProblem: "我们正在调查一个问题。",
		Kinds:          map[incident.Kind]string{incident.Outage: "事件", incident.Maintenance: "维护", incident.Notice: "公告"},
		Statuses: map[incident.Status]string{
			incident.Investigating: "调查中", incident.Identified: "已确定原因", incident.Monitoring: "观察中",
			incident.Resolved: "已解决", incident.Postmortem: "事后分析",
			incident.Scheduled: "已计划", incident.InProgress: "进行中", incident.Verifying: "验证中", incident.Completed: "已完成",
			incident.Published: "已发布", incident.Closed: "已结束",
		},
		Impacts: map[incident.Impact]string{incident.ImpactNone: "无", incident.Minor: "轻微", incident.Major: "较大", incident.Critical: "严重"},
		States: map[incident.ComponentState]string{
			incident.Operational: "正常", incident.DegradedPerformance: "性能下降", incident.PartialOutage: "部分中断",
			incident.MajorOutage: "无法使用", incident.UnderMaintenance: "维护中",
		},
		NextUpdate: "下次更新不晚于 %s", NextDue: "下次更新原定不晚于 %s", Began: "开始于 %s", Ended: "结束于 %s",
		Withdrawn: "撤回于 %s", Window: "计划时间：%s", Corrected: "更正于 %s", WasWithdrawn: "%s 已撤回。",
		Earlier: "此前的内容", EarlierTitle: "此前的标题", WithdrawnText: "原内容", Reason: "原因",
		Removed: "内容已删除。", Original: "暂无译文，原文为%s。", Lasted: "，历时 %s",
		Date: "2006年1月2日", Within: "%s UTC（%s %s）",
		Zones: map[string]string{
			"Asia/Shanghai": "北京时间", "Asia/Hong_Kong": "香港时间", "Asia/Taipei": "台北时间", "Asia/Singapore": "新加坡时间",
			"Asia/Tokyo": "东京时间", "Asia/Seoul": "首尔时间", "Asia/Dubai": "迪拜时间", "Asia/Kolkata": "印度时间",
			"Europe/London": "伦敦时间", "Europe/Paris": "巴黎时间", "Europe/Berlin": "柏林时间", "Europe/Zurich": "苏黎世时间",
			"America/New_York": "纽约时间", "America/Chicago": "芝加哥时间", "America/Los_Angeles": "洛杉矶时间", "Australia/Sydney": "悉尼时间",
		},
		Units: [3]string{"%d 天", "%d 小时", "%d 分钟"}, Colon: "：", Comma: "、",
	}
}
