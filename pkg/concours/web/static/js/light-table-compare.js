// Two to six works side by side. The one that is active is the work of the table: keys and buttons mark it as always.

import { element } from "./light-table-view.js";

export const FEWEST = 2;
export const MOST = 6;

export class Comparison {
  // table: {work(token), name(token), title(token), spoken(token), go(token), still(work)}; kept: sessionStorage or null.
  constructor(root, words, table, { key, kept }) {
    Object.assign(this, { root, words, table, key, kept });
    try {
      this.tokens = JSON.parse(kept?.getItem(key) ?? "[]");
    } catch {
      this.tokens = [];
    }
  }

  get open() {
    return !this.root.hidden;
  }

  has(token) {
    return this.tokens.includes(token);
  }

  // Puts a work beside the others or takes it away; false where there is no room.
  toggle(token) {
    if (!this.has(token) && this.tokens.length >= MOST) return false;
    this.tokens = this.has(token) ? this.tokens.filter((one) => one !== token) : [...this.tokens, token];
    this.keep();
    if (this.open) this.tokens.length < FEWEST ? this.close() : this.paint();
    return true;
  }

  forget(known) {
    this.tokens = this.tokens.filter(known);
    this.keep();
  }

  keep() {
    try {
      this.kept?.setItem(this.key, JSON.stringify(this.tokens));
    } catch {
      // it lasts for this page only
    }
  }

  show(active) {
    if (this.tokens.length < FEWEST) return false;
    this.root.hidden = false;
    this.table.go(this.has(active) ? active : this.tokens[0]);
    return true;
  }

  close() {
    this.root.hidden = true;
    this.root.replaceChildren();
  }

  step(by, active) {
    const n = this.tokens.indexOf(active);
    this.table.go(this.tokens[(n + by + this.tokens.length) % this.tokens.length]);
  }

  paint(active = this.active) {
    if (!this.open) return;
    this.active = active;
    this.root.dataset.count = this.tokens.length;
    const focused = this.root.contains(document.activeElement);
    this.root.replaceChildren(...this.tokens.map((token, n) => this.cell(token, n)));
    if (focused) this.root.querySelector("[aria-pressed=true]")?.focus();
  }

  cell(token, n) {
    const url = this.table.still(this.table.work(token));
    const name = this.table.name(token);
    const picture = url ? element("img", { src: url, alt: "" }) : element("span", { className: "lt-cell-text" }, this.table.text(token));
    const choose = element("button", { type: "button", className: "lt-cell-work", "aria-pressed": String(token === this.active), "aria-label": `${name}. ${this.table.spoken(token)}`, onclick: () => this.table.go(token) }, picture);
    const away = element("button", { type: "button", className: "lt-cell-away", "aria-label": this.words.compareAway.replace("{name}", name), onclick: () => this.toggle(token) }, "×");
    return element("div", { className: "lt-cell" }, choose, element("p", { className: "lt-cell-name" }, element("span", { title: name }, `${n + 1} · ${this.table.title(token)}`), element("b", {}, this.table.spoken(token)), away));
  }
}
