// What a judge says besides the mark: flags, notes, a comment to the author. Kept on the device first and sent like marks.

export const FLAGS = ["copy", "rule", "discuss"];
const TEXTS = ["note", "own", "comment"];

export class Remarks {
  // form: the dialog's form; store: a MarkStore whose values are {kind, text} (text null: taken back).
  constructor({ form, store, changed }) {
    Object.assign(this, { form, store, changed });
    this.known = new Map(); // token -> {kind: text}, as this device knows it
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.save();
    });
  }

  // What the server said of a work; what still waits to be sent stands above it.
  take(token, said) {
    const now = { ...said };
    for (const { mark } of this.store.pending()) if (mark.token === token) apply(now, mark.value);
    this.known.set(token, now);
  }

  of(token) {
    return this.known.get(token) ?? {};
  }

  open(token, allowed) {
    this.token = token;
    const said = this.of(token);
    for (const kind of FLAGS) this.form.elements[kind].checked = kind in said;
    for (const kind of TEXTS) this.form.elements[kind].value = said[kind] ?? "";
    for (const field of this.form.querySelectorAll("input, textarea, [type=submit]")) field.disabled = !allowed;
  }

  save() {
    const wanted = {};
    for (const kind of FLAGS) wanted[kind] = this.form.elements[kind].checked ? "" : null;
    for (const kind of TEXTS) wanted[kind] = this.form.elements[kind].value.replaceAll("\0", "").trim() || null; // no server takes NUL
    this.say(this.token, wanted);
    this.form.closest("dialog").close();
  }

  // wanted: {kind: text, or null to take it back}; only what differs is sent.
  say(token, wanted) {
    const said = { ...this.of(token) };
    const before = JSON.stringify(said);
    for (const [kind, text] of Object.entries(wanted)) {
      if ((said[kind] ?? null) === text || (text === "" && kind in said)) continue;
      this.store.add(token, { kind, text });
      apply(said, { kind, text });
    }
    if (JSON.stringify(said) === before) return;
    this.known.set(token, said);
    this.changed(token);
  }
}

export function apply(said, { kind, text }) {
  if (text === null) delete said[kind];
  else said[kind] = text;
}
