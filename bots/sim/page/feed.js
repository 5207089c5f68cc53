// One column: its messages, in the order and shape of the platform.

import { el, gist, handles, link, linked, patch, spoken, stamp, tone } from "./text.js";

export class Feed {
  // column is the section; options are onPress(message, button), onReply(message)
  // and onFresh(count), each optional.
  constructor(column, options = {}) {
    this.column = column;
    this.id = column.dataset.feed;
    this.options = options;
    this.scroll = column.querySelector(".scroll");
    this.list = column.querySelector(".list");
    this.more = column.querySelector(".more");
    this.following = true; // the reader has not scrolled away from the newest
    this.newest = null;
    this.missed = 0;
    this.scroll.addEventListener("scroll", () => this.scrolled(), { passive: true });
    this.more.addEventListener("click", () => (this.follow(), this.scroll.focus({ preventScroll: true })));
    new ResizeObserver(() => this.following && this.show(this.newest)).observe(this.scroll);
  }

  // update shows a feed of the snapshot, without deleted messages unless asked
  // for. The first time and when quiet nothing counts as new.
  update(feed, withDeleted, quiet) {
    const first = !this.feed;
    this.feed = feed;
    for (const [name, prefix] of Object.entries(feed.handles ?? {})) handles.set(name, `${this.id}-${prefix}`);
    const messages = feed.messages.filter((m) => withDeleted || !m.deleted);
    this.byID = new Map(messages.map((m) => [m.id, m]));
    this.label(messages);
    const fresh = patch(this.list, this.items(messages));
    const last = fresh.at(-1)?.node;
    if (!last || quiet) return;
    this.newest = first ? this.list.lastElementChild : last;
    const said = fresh.filter((f) => !f.changed).length;
    if (!first) {
      for (const f of fresh) f.node.classList.add("fresh");
      this.options.onFresh?.(said);
    }
    this.following ? this.show(this.newest) : this.miss(said);
  }

  label(messages) {
    this.column.querySelector(".detail").textContent = this.feed.detail ?? "";
    const banner = this.column.querySelector(".banner");
    const pinned = messages.findLast((m) => m.pinned);
    banner.hidden = !pinned;
    banner.replaceChildren();
    if (!pinned) return;
    const a = el("a", "", el("b", "", "Pinned"), " ", spoken(el("span", "", gist(pinned.text))));
    a.href = `#${this.id}-${pinned.id}`;
    banner.append(a);
  }

  items(messages) {
    let items;
    if (this.id === "x") items = this.conversations(messages);
    else if (this.feed.platform === "discord") items = this.withThreads(messages);
    else items = messages.map((m) => this.item(m));
    if (this.feed.earlier) items.unshift(this.line(`${this.feed.earlier} earlier messages are not shown`));
    if (!messages.length) items.push(this.line("Nothing was said here yet."));
    return items;
  }

  line(words) {
    return { key: "line", sig: words, build: () => el("li", "line", words) };
  }

  // conversations puts posts under the first of their conversation. Our own
  // are a chain, joined by a line; strangers' hang beside it.
  conversations(messages) {
    const groups = Map.groupBy(messages, (m) => m.thread || m.id);
    return [...groups.values()].flatMap((posts) => {
      const end = posts.findLastIndex((m) => m.ours === posts[0].ours);
      return posts.map((m, i) => {
        const own = m.ours === posts[0].ours;
        const joints = [i === 0 && "starts", !own && "aside", own && i > 0 && "up", own && i < end && "down", !own && i < end && "pass"];
        return this.item(m, joints.filter(Boolean).join(" "));
      });
    });
  }

  // withThreads shows each thread open, below the message that it is from.
  withThreads(messages) {
    const inside = Map.groupBy(messages.filter((m) => m.thread), (m) => m.thread);
    const shown = new Set(messages.map((m) => m.id));
    const open = (id) => [this.thread(id, inside.get(id)), ...(inside.get(id) ?? []).map((m) => this.item(m, "inside"))];
    const orphans = [...inside.keys()].filter((id) => !shown.has(id));
    const channel = messages.filter((m) => !m.thread);
    return [...orphans.flatMap(open), ...channel.flatMap((m) => (m.id in (this.feed.threads ?? {}) ? [this.item(m), ...open(m.id)] : [this.item(m)]))];
  }

  thread(id, messages = []) {
    const name = this.feed.threads?.[id] ?? "Thread";
    const count = messages.length === 1 ? "1 message" : `${messages.length} messages`;
    const build = () => el("li", "thread-name", el("span", "", "Thread"), spoken(el("b", "", name)), el("span", "count", count));
    return { key: `thread ${id}`, sig: name + count, build };
  }

  item(m, joints = "") {
    const parent = m.reply_to ? this.byID.get(m.reply_to) : null;
    const quoted = parent ? [parent.author, gist(parent.text)] : [];
    const role = this.options.roleOf?.(m) ?? "";
    return {
      key: m.id,
      sig: JSON.stringify([m, joints, quoted, role]),
      build: () => this.message(m, joints, quoted, role),
    };
  }

  message(m, joints, quoted, role) {
    const name = m.author || "unknown";
    const avatar = el("span", `avatar ${m.ours ? "official" : tone(name)}`, [...name.replace(/^@/, ""), "?"][0].toUpperCase());
    avatar.ariaHidden = "true";
    const text = spoken(el("div", "text", ...linked(m.text)));
    const author = el("span", "author", this.id === "x" ? `@${name}` : name);
    text.dir = author.dir = "auto";
    const head = el("div", "head", author, ...this.tags(m, role), this.stamp(m));
    const body = el("div", "body", head, this.quote(m, quoted), text, this.buttons(m), this.reply(m));
    const kind = [m.ours ? "ours" : "theirs", m.deleted && "deleted", m.pinned && "is-pinned", m.buttons && "has-buttons"];
    const node = el("li", ["message", joints, ...kind].filter(Boolean).join(" "), avatar, body);
    node.id = `${this.id}-${m.id}`;
    return node;
  }

  tags(m, role) {
    const topic = this.feed.platform === "telegram" && m.thread ? this.feed.threads?.[m.thread] : "";
    const kind = m.ours ? (this.feed.platform === "discord" ? "app" : "") : this.id === "x" ? "not us" : "";
    return [role || kind, m.place, topic].filter(Boolean).map((t) => el("span", "tag", t));
  }

  // stamp is when, and what was done to the message since.
  stamp(m) {
    const marks = [m.published && "published", m.pinned && "pinned", m.edited_at && "edited", m.deleted && "deleted"];
    const line = el("span", "stamp", ...marks.filter(Boolean).map((w) => el("span", `did ${w}`, w)), stamp(m.at));
    if (m.edited_at) line.querySelector(".edited").title = `at ${m.edited_at.slice(11, 19)} UTC`;
    return line;
  }

  quote(m, [author, words]) {
    if (!m.reply_to || this.id === "x") return null;
    if (!author) return el("span", "quote", "in reply to an earlier message");
    const a = el("a", "quote", el("b", "", author), " ", spoken(el("span", "", words)));
    a.href = `#${this.id}-${m.reply_to}`;
    a.dir = "auto";
    return a;
  }

  buttons(m) {
    if (!m.buttons || m.deleted) return null;
    const rows = m.buttons.map((row) => el("div", "row", ...row.map((b) => this.button(m, b))));
    return el("div", "buttons", ...rows);
  }

  button(m, b) {
    if (b.url) return spoken(link(b.url, b.text));
    const button = spoken(el("button", "", b.text));
    button.type = "button";
    button.disabled = !this.options.onPress;
    button.addEventListener("click", () => this.options.onPress(m, b, button));
    return button;
  }

  reply(m) {
    if (!this.options.onReply || this.feed.platform !== "telegram" || m.deleted) return null;
    const button = el("button", "reply", "Reply");
    button.type = "button";
    button.addEventListener("click", () => this.options.onReply(m));
    return button;
  }

  // visit shows a message and goes on from there.
  visit(node) {
    this.show(node);
    node.tabIndex = -1;
    node.focus({ preventScroll: true });
  }

  // show scrolls a message to the lower edge, or to the upper if it is tall.
  show(node) {
    if (!node?.isConnected) return;
    const at = node.getBoundingClientRect().top - this.scroll.getBoundingClientRect().top + this.scroll.scrollTop;
    const height = this.scroll.clientHeight;
    this.scroll.scrollTop = node.offsetHeight > height ? at - 8 : at + node.offsetHeight + 16 - height;
  }

  // scrolled notices whether the reader went away from the newest message.
  scrolled() {
    if (!this.newest?.isConnected) return;
    const box = this.scroll.getBoundingClientRect();
    const top = this.newest.getBoundingClientRect().top;
    const end = this.scroll.scrollTop + this.scroll.clientHeight >= this.scroll.scrollHeight - 24;
    this.following = end || (top >= box.top && top < box.bottom);
    if (this.following) this.miss(-this.missed);
  }

  follow() {
    this.following = true;
    this.miss(-this.missed);
    this.show(this.newest);
  }

  miss(count) {
    this.missed += count;
    this.more.hidden = this.missed < 1;
    this.more.textContent = `↓ ${this.missed} new`;
  }
}
