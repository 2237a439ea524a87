// Points by criteria: buttons for short scales, a number for long ones; digits go to the criterion that is active.

import { element } from "./light-table-view.js";

const BUTTONS = 11; // points of a scale that still fits one row of buttons

export class Criteria {
  // changed(value, complete): after each change, with all points so far.
  constructor(root, criteria, words, changed) {
    Object.assign(this, { criteria, words, changed });
    this.value = {};
    this.active = 0;
    this.rows = criteria.map((criterion, n) => this.row(criterion, n));
    root.replaceChildren(...this.rows.map((row) => row.root));
  }

  row(criterion, n) {
    const id = `lt-${criterion.key}`;
    const title = element("span", { className: "lt-criterion-title", id }, criterion.title);
    const range = `${criterion.lowest}–${criterion.highest}`;
    const weight = element("span", { className: "lt-criterion-weight" }, this.words.weight.replace("{weight}", criterion.weight));
    const root = element("div", { className: "lt-criterion", role: "group" }, element("p", {}, title, " ", weight));
    root.setAttribute("aria-labelledby", id);
    root.addEventListener("focusin", () => this.activate(n, false));
    const by = criterion.step ?? 1;
    const count = Math.floor((criterion.highest - criterion.lowest) / by) + 1;
    const meant = Object.entries(criterion.anchors ?? {}).sort(([one], [other]) => one - other);
    if (meant.length) root.append(element("p", { className: "lt-anchors" }, meant.map(([points, sentence]) => `${points}: ${sentence}`).join("; ")));
    if (count > BUTTONS) {
      const input = element("input", { type: "number", className: "form-control", min: criterion.lowest, max: criterion.highest, step: by, inputMode: "numeric", placeholder: range });
      input.setAttribute("aria-label", `${criterion.title} ${range}`);
      input.addEventListener("change", () => this.typed(n, input));
      root.append(input);
      return { root, input, buttons: [] };
    }
    const buttons = Array.from({ length: count }, (_, step) => {
      const points = criterion.lowest + step * by;
      return element("button", { type: "button", className: "lt-point", "aria-pressed": "false", tabIndex: step ? -1 : 0, onclick: () => this.give(n, points) }, String(points));
    });
    root.append(element("div", { className: "lt-points" }, ...buttons));
    return { root, input: null, buttons };
  }

  typed(n, input) {
    const points = Number(input.value);
    const { lowest, highest, step = 1 } = this.criteria[n];
    const good = input.value !== "" && Number.isInteger(points) && points >= lowest && points <= highest && (points - lowest) % step === 0;
    input.classList.toggle("is-invalid", input.value !== "" && !good);
    if (good) {
      if (this.value[this.criteria[n].key] !== points) this.give(n, points);
    } else {
      this.value = { ...this.value, [this.criteria[n].key]: undefined };
      this.changed(this.value, false);
    }
  }

  give(n, points) {
    this.value = { ...this.value, [this.criteria[n].key]: points };
    this.paint();
    const missing = this.criteria.findIndex((criterion, at) => at > n && this.value[criterion.key] === undefined);
    const any = this.criteria.findIndex((criterion) => this.value[criterion.key] === undefined);
    this.activate(missing >= 0 ? missing : any >= 0 ? any : Math.min(n + 1, this.criteria.length - 1), true);
    this.changed(this.value, any < 0);
  }

  // A digit from the keyboard, for the active criterion; true where it was taken.
  digit(digit) {
    const { lowest, highest, step = 1 } = this.criteria[this.active];
    const row = this.rows[this.active];
    if (row.input) {
      row.input.focus();
      row.input.select();
      return false; // the browser types it into the field
    }
    const points = digit === 0 && lowest > 0 ? 10 : digit;
    if (points < lowest || points > highest || (points - lowest) % step) return true;
    this.give(this.active, points);
    return true;
  }

  // Enter in a number: on to the next one.
  enter() {
    const { input } = this.rows[this.active];
    if (!input) return;
    const before = this.value;
    this.typed(this.active, input);
    if (this.value !== before || input.classList.contains("is-invalid")) return;
    const whole = this.criteria.every((criterion) => this.value[criterion.key] !== undefined);
    if (whole && this.active === this.criteria.length - 1) this.changed(this.value, true);
    else this.step(1);
  }

  step(by) {
    this.activate((this.active + by + this.rows.length) % this.rows.length, true);
  }

  activate(n, focus) {
    this.active = n;
    this.rows.forEach((row, at) => row.root.classList.toggle("is-active", at === n));
    const inside = this.rows.some((row) => row.root.contains(document.activeElement));
    if (focus && inside) (this.rows[n].input ?? this.rows[n].buttons.find((button) => button.tabIndex === 0))?.focus();
  }

  show(value, disabled) {
    this.value = { ...value };
    this.paint();
    for (const row of this.rows) {
      if (row.input) row.input.disabled = disabled;
      for (const button of row.buttons) button.disabled = disabled;
    }
    const empty = this.criteria.findIndex((criterion) => this.value[criterion.key] === undefined);
    this.activate(empty >= 0 ? empty : 0, true);
  }

  paint() {
    this.criteria.forEach((criterion, n) => {
      const points = this.value[criterion.key];
      const { input, buttons } = this.rows[n];
      if (input) {
        input.value = points ?? "";
        input.classList.remove("is-invalid");
      }
      buttons.forEach((button, step) => {
        const pressed = criterion.lowest + step * (criterion.step ?? 1) === points;
        button.setAttribute("aria-pressed", String(pressed));
        button.tabIndex = pressed || (points === undefined && step === 0) ? 0 : -1;
      });
    });
  }
}
