// The line that says whether all is saved, and the list of what the server refused.

import { page, say, words } from "./light-table-page.js";
import { element } from "./light-table-view.js";

const WORST_FIRST = ["signed-out", "blocked", "waiting", "saving", "saved"];

export class Saving {
  // stores: what is sent, each by a sender of its own; name(token): how a work is called.
  constructor(stores, name) {
    Object.assign(this, { stores, name });
    this.states = new Map(stores.map((store) => [store, { state: "saved", detail: "" }]));
    this.send = () => {};
  }

  get pending() {
    return this.stores.reduce((sum, store) => sum + store.pending().length, 0);
  }

  get fragile() {
    return this.pending > 0 && this.stores.some((store) => !store.durable);
  }

  tell(store, state, detail = "") {
    this.states.set(store, { state, detail });
    const worst = [...this.states.values()].sort((one, other) => WORST_FIRST.indexOf(one.state) - WORST_FIRST.indexOf(other.state))[0];
    const n = this.pending;
    const refused = this.stores.reduce((sum, one) => sum + one.refused().length, 0);
    const line = page.find("state");
    line.dataset.state = worst.state === "saved" && refused ? "refused" : worst.state;
    const text = { saved: words.saved, saving: words.saving, waiting: say("waiting", { n }), "signed-out": say("signedOut", { n }), blocked: `${worst.detail || words.blocked} ${say("kept", { n })}` }[worst.state];
    if (page.find("state-text").textContent !== text) page.find("state-text").textContent = text;
    page.find("sign-in").hidden = worst.state !== "signed-out";
    page.find("refused").hidden = !refused;
    page.find("refused").textContent = say("refused", { n: refused });
    page.find("fragile").hidden = !this.fragile;
  }

  list() {
    this.lines();
    page.find("refused-dialog").showModal();
  }

  lines() {
    const all = this.stores.flatMap((store) => store.refused().map((item) => ({ store, ...item })));
    page.find("refused-list").replaceChildren(...all.map((item) => this.line(item)));
    if (!all.length) page.find("refused-dialog").close();
  }

  line({ store, key, mark, message }) {
    const again = () => {
      store.again(key, mark);
      this.send();
      page.find("refused-dialog").close();
    };
    const drop = () => {
      store.done(key);
      this.tell(store, "saved");
      this.lines();
    };
    return element(
      "li",
      {},
      element("p", {}, element("strong", {}, this.name(mark.token)), element("br"), message),
      element("button", { type: "button", className: "btn btn-sm btn-outline-secondary", onclick: again }, words.sendAgain),
      " ",
      element("button", { type: "button", className: "btn btn-sm btn-link", onclick: drop }, words.dismiss),
    );
  }
}
