// Building blocks of the page. Foreign words become text nodes, never markup.

// el makes an element of a class with children, which are nodes or texts.
export function el(tag, className, ...children) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  node.append(...children.filter((c) => c !== null && c !== undefined && c !== ""));
  return node;
}

// spoken says in which language a node is to be read out: messages come in
// English, like the page, and Chinese.
export function spoken(node) {
  const text = node.textContent;
  const chinese = text.match(/\p{Script=Han}/gu)?.length ?? 0;
  if (chinese > 2 * (text.match(/[a-z]+/gi)?.length ?? 0)) node.lang = "zh-Hans";
  return node;
}

// reword changes what a node says. What stays is left alone, so that a screen
// reader does not say it again.
export function reword(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

const address = /https?:\/\/[^\s<>"'“”‘’（）【】，。；]+/g;

// linked is a text with its addresses made links. A link to a message that
// one of the feeds shows leads there.
export function linked(text) {
  const parts = [];
  let from = 0;
  for (const found of text.matchAll(address)) {
    const url = trimmed(found[0]);
    parts.push(text.slice(from, found.index), link(url, brief(url)));
    from = found.index + url.length;
  }
  parts.push(text.slice(from));
  return parts;
}

// trimmed drops punctuation that ends the sentence, not the address.
function trimmed(url) {
  const cut = url.replace(/[.,;:!?…]+$/, "");
  return cut.endsWith(")") && !cut.includes("(") ? trimmed(cut.slice(0, -1)) : cut;
}

// brief is an address without what nobody reads.
function brief(url) {
  const words = url.replace(/^https?:\/\//, "").replace(/\/$/, "");
  return words.length > 40 ? words.slice(0, 39) + "…" : words;
}

// link leads to an http address, and only there.
export function link(url, words) {
  const a = el("a", "link", words);
  const inside = shown(url);
  a.title = url;
  a.href = inside ?? (/^https?:\/\//.test(url) ? url : "#");
  if (!inside) {
    a.target = "_blank";
    a.rel = "noopener noreferrer";
  }
  return a;
}

const hosts = { "x.com": "x-", "twitter.com": "x-", "discord.com": "discord-" };

// handles says where on this page the messages of a Telegram chat are.
export const handles = new Map();

// shown is the place on this page of a chat or message with a public address:
// its simulated account exists nowhere else.
function shown(url) {
  let parsed;
  try {
    parsed = new URL(url);
  } catch {
    return null;
  }
  const path = parsed.pathname.split("/");
  const [chat, message] = path.length > 2 ? path.slice(-2) : [path[1], ""];
  const at = parsed.hostname === "t.me" ? handles.get(chat) : message && hosts[parsed.hostname];
  return at ? `#${at}${message}` : null;
}

// stamp is a time of day in UTC, with everything in its title.
export function stamp(at) {
  const time = el("time", "", at.slice(11, 16));
  time.dateTime = at;
  time.title = `${at.slice(0, 10)} ${at.slice(11, 19)} UTC`;
  return time;
}

// gist is the first line of a text, for quotes and banners.
export function gist(text, limit = 90) {
  const line = text.split("\n").find((l) => l.trim()) ?? "";
  const letters = [...line];
  return letters.length > limit ? letters.slice(0, limit - 1).join("") + "…" : line;
}

// tone picks one of six colours for a name, always the same.
export function tone(name) {
  let sum = 0;
  for (const c of name) sum = (sum * 31 + c.codePointAt(0)) % 997;
  return `tone-${sum % 6}`;
}

// patch makes list show items ({key, sig, build}) in this order. It keeps the
// nodes whose sig is the same, and returns those that are new or changed.
export function patch(list, items) {
  const old = new Map([...list.children].map((node) => [node.dataset.key, node]));
  const fresh = [];
  const nodes = items.map((item) => {
    let node = old.get(item.key);
    if (node?.sig === item.sig) return node;
    const next = item.build();
    next.dataset.key = item.key;
    next.sig = item.sig;
    if (node?.contains(document.activeElement)) {
      next.tabIndex = -1;
      queueMicrotask(() => next.focus({ preventScroll: true }));
    }
    fresh.push({ node: next, changed: Boolean(node) });
    return next;
  });
  const keep = new Set(nodes);
  for (const node of old.values()) if (!keep.has(node)) node.remove();
  nodes.forEach((node, i) => {
    if (list.children[i] !== node) list.insertBefore(node, list.children[i] ?? null);
  });
  return fresh;
}
