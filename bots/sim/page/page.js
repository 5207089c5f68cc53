// The page of the simulated world: what everybody sees, side by side, live.

import { Feed } from "./feed.js";
import { Room } from "./room.js";
import { el, reword } from "./text.js";

const find = (id) => document.getElementById(id);
const columns = find("columns");
const rooms = { room: new Room(find("composer")), talk: new Room(find("talking")) };
const feeds = new Map();
const unread = new Map();
let snapshot = null;

for (const column of columns.querySelectorAll(".column")) {
  const id = column.dataset.feed;
  const options = { onFresh: (count) => news(id, count) };
  const room = rooms[id];
  if (room) options.onPress = (m, b, button) => room.press(m, b, button);
  if (id === "room") {
    options.onReply = (m) => room.reply(m);
    options.roleOf = (m) => room.roleOf(m);
  }
  feeds.set(id, new Feed(column, options));
  find("tabs").append(tab(id, column));
}

// On a narrow screen one column is shown at a time.
function tab(id, column) {
  const words = { room: "Room", talk: "You" }[id] ?? column.querySelector(".name").textContent;
  const button = el("button", "", words, el("span", "badge"));
  button.type = "button";
  button.dataset.shows = id;
  button.addEventListener("click", () => choose(id));
  button.hidden = column.hidden;
  if (id === columns.dataset.tab) button.ariaCurrent = "true";
  return button;
}

function choose(id) {
  columns.dataset.tab = id;
  for (const button of find("tabs").children) button.ariaCurrent = String(button.dataset.shows === id);
  unread.set(id, 0);
  badges();
  feeds.get(id).follow();
}

function place(id) {
  choose(id);
  columns.querySelector(`[data-feed=${id}] .scroll`).focus({ preventScroll: true });
}

function badges() {
  for (const button of find("tabs").children) {
    const badge = button.querySelector(".badge");
    badge.textContent = unread.get(button.dataset.shows) || "";
    button.ariaLabel = badge.textContent ? `${button.firstChild.data}, ${badge.textContent} new` : null;
  }
}

// news counts what a hidden column got, and tells screen readers once for all
// channels instead of reading the same words four times.
const told = new Set();
let telling;
function news(id, count) {
  if (columns.dataset.tab !== id) unread.set(id, (unread.get(id) ?? 0) + count);
  badges();
  if (rooms[id]) return; // its log is read by itself
  told.add(columns.querySelector(`#name-${id}`).textContent);
  clearTimeout(telling);
  telling = setTimeout(() => {
    find("news").textContent = `New on ${[...told].join(", ")}`;
    told.clear();
  }, 700);
}

function show(quiet = false) {
  document.title = `${snapshot.title} · allclear`;
  reword(find("title"), snapshot.title);
  reword(find("note"), snapshot.note ?? "");
  const status = find("status-page");
  status.hidden = !/^https?:/.test(snapshot.status_page ?? "");
  if (!status.hidden) status.href = snapshot.status_page;
  const withDeleted = find("deleted").checked;
  rooms.room.update(snapshot.room);
  feeds.get("room").update(snapshot.room, withDeleted, quiet);
  talk(snapshot.talk, withDeleted, quiet);
  for (const feed of snapshot.feeds) feeds.get(feed.platform).update(feed, withDeleted, quiet);
}

// talk shows the visitor's own conversation, if the world has one for him.
function talk(seen, withDeleted, quiet) {
  columns.querySelector("[data-feed=talk]").hidden = !seen;
  find("tabs").querySelector("[data-shows=talk]").hidden = !seen;
  if (!seen) return;
  rooms.talk.update(seen);
  feeds.get("talk").update(seen, withDeleted, quiet);
}

find("deleted").addEventListener("change", () => snapshot && show(true));

// A link to a message shows it, also in a column that is hidden now.
document.addEventListener("click", (e) => {
  const target = e.target.closest?.('a[href^="#"]')?.getAttribute("href").slice(1);
  if (!target) return;
  e.preventDefault();
  const node = find(target);
  const id = target.split("-")[0];
  if (/[-.]$/.test(target)) return place(id); // and no message in it
  if (!node) return rooms.room.say("That message is not on this page.");
  choose(id);
  feeds.get(id).visit(node);
  node.classList.remove("found");
  requestAnimationFrame(() => node.classList.add("found"));
});
document.addEventListener("animationend", (e) => e.target.closest(".message")?.classList.remove("fresh", "found"));

// refresh fetches the snapshot; a burst of changes makes one or two fetches.
let fetching = false;
let again = false;
let version = "";
async function refresh() {
  again = true;
  if (fetching) return;
  fetching = true;
  while (again) {
    again = false;
    try {
      const answer = await fetch("/control/stage", { cache: "no-cache" });
      const tag = answer.headers.get("ETag");
      if (answer.ok && tag !== version) {
        snapshot = await answer.json();
        version = tag;
        show();
      }
      live(answer.ok);
    } catch {
      live(false);
    }
    await new Promise((done) => setTimeout(done, 100));
  }
  fetching = false;
}

function live(on) {
  reword(find("live"), on ? "live" : "reconnecting");
  find("live").className = on ? "live on" : "live off";
}

// listen waits for changes. The browser reconnects by itself, unless the
// server answered with a refusal.
function listen() {
  const source = new EventSource("/control/events");
  source.addEventListener("change", refresh);
  source.addEventListener("error", () => {
    live(false);
    if (source.readyState === EventSource.CLOSED) setTimeout(listen, 2000);
  });
}

await refresh();
listen();
