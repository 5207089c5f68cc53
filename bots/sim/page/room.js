// A place where the visitor types, for one of its people, and presses buttons:
// the operators' room, and his own conversation with a bot.

import { el, gist } from "./text.js";

export class Room {
  constructor(form) {
    this.form = form;
    this.text = form.elements.text;
    this.speaker = form.elements.speaker; // undefined where there is only one
    this.toast = form.querySelector(".toast");
    this.answering = form.querySelector(".answering"); // null where nobody replies
    this.replyTo = "";
    this.asked = new Set(); // presses whose answer was not seen yet
    form.addEventListener("submit", (e) => (e.preventDefault(), this.send()));
    this.text.addEventListener("keydown", (e) => this.key(e));
    this.text.addEventListener("input", () => this.grow());
    this.answering?.querySelector("button").addEventListener("click", () => (this.reply(null), this.text.focus()));
    form.querySelector(".start")?.addEventListener("click", () => this.send("/start"));
  }

  // update takes the room of a snapshot.
  update(room) {
    const before = JSON.stringify([this.room?.people, this.room?.suggest]);
    this.room = room;
    this.form.hidden = !room.chat;
    this.form.classList.toggle("begun", room.messages.length > 0);
    if (before !== JSON.stringify([room.people, room.suggest])) this.offer();
    for (const id of this.asked) {
      const words = room.answers?.[id];
      if (words && this.asked.delete(id)) this.say(words);
    }
  }

  // person is for whom the visitor types and presses.
  person() {
    return this.room.people.find((p) => p.id === this.speaker?.value) ?? this.room.people[0];
  }

  offer() {
    const chosen = this.speaker?.value;
    this.speaker?.replaceChildren(...this.room.people.map((p) => {
      const option = el("option", "", p.role ? `${p.name} · ${p.role}` : p.name);
      option.value = p.id;
      option.selected = p.id === chosen;
      return option;
    }));
    this.form.querySelector(".chips").replaceChildren(...this.room.suggest.map((text) => {
      const chip = el("button", "chip", gist(text, 24));
      chip.type = "button";
      chip.title = text;
      chip.addEventListener("click", () => this.fill(text));
      return chip;
    }));
  }

  fill(text) {
    this.text.value = text;
    this.grow();
    this.text.focus();
  }

  grow() {
    this.text.style.height = "auto";
    const tall = this.text.scrollHeight; // 0 where it is hidden
    if (tall) this.text.style.height = `${Math.min(tall + 2, 160)}px`;
  }

  // key sends on Enter, unless it ends the composition of a character.
  key(e) {
    if (e.key === "Escape") this.reply(null);
    if (e.key !== "Enter" || e.shiftKey || e.isComposing) return;
    e.preventDefault();
    this.send();
  }

  roleOf(m) {
    return m.ours ? "" : (this.room?.people.find((p) => p.name === m.author)?.role ?? "");
  }

  reply(m) {
    this.replyTo = m?.id ?? "";
    if (!this.answering) return;
    this.answering.hidden = !m;
    this.answering.firstElementChild.textContent = m ? `Reply to ${m.author}: ${gist(m.text, 60)}` : "";
    if (m) this.text.focus();
  }

  async send(text = this.text.value.trim()) {
    if (!text || this.sending) return;
    const person = this.person();
    this.sending = true;
    const said = await this.post("/control/say", { person: person.id, name: person.name, text, reply_to: this.replyTo });
    this.sending = false;
    if (!said) return;
    this.text.value = "";
    this.reply(null);
    this.grow();
  }

  // press leaves the button where it can have the focus.
  async press(m, b, button) {
    if (button.ariaDisabled) return;
    button.ariaDisabled = "true";
    const pressed = await this.post("/control/press", { message: m.id, person: this.person().id, data: b.data });
    button.ariaDisabled = null;
    if (pressed) this.asked.add(pressed.id);
  }

  // post answers what the world did, or null after saying why it did not.
  async post(path, body) {
    try {
      const answer = await fetch(path, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ platform: this.room.platform, chat: this.room.chat, ...body }),
      });
      const result = await answer.json();
      if (answer.ok) return result;
      this.say(result.error.replace(/^sim: /, ""));
    } catch {
      this.say("The world does not answer. Is it still running?");
    }
    return null;
  }

  // say shows words above the input for a while. Their place is always there:
  // only what changes in it is read out.
  say(words) {
    this.toast.textContent = words;
    clearTimeout(this.fading);
    this.fading = setTimeout(() => (this.toast.textContent = ""), 8000);
  }
}
