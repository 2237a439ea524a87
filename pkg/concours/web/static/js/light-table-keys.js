// The keyboard of the light table. Letters and digits rest while something is typed, a dialog is open or they are turned off.

const LETTERS = {
  y: "yes", m: "maybe", n: "no", u: "undo", g: "undecided", r: "aside", z: "zoom", b: "ground", f: "filter", d: "figures", e: "remark",
  c: "pick", v: "compare", t: "reading", "+": "closer", "=": "closer", "-": "farther", ",": "slower", ".": "faster", "?": "help", "？": "help",
};
const PANS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export function keyboard({ table, acts, settings, stage, comparison, criteria, kind }) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const dialog = table.querySelector("dialog[open]");
    if (dialog) {
      if (event.key !== "Escape") return;
      dialog.close(); // at once: left to the browser, the next key could come before the dialog is gone
      event.preventDefault();
      return;
    }
    const field = event.target.closest?.("input:not([type=checkbox]), textarea");
    const typing = field?.closest("dialog") ? null : field; // no dialog is open: the focus is only on its way back
    const number = typing?.type === "number";
    if (typing && !number) return;
    if (take(event, number)) event.preventDefault();
  });

  function take(event, number) {
    const { key } = event;
    if (event.shiftKey && PANS[key]) return stage.zoomed.pan(...PANS[key]);
    if (key === "Escape") {
      if (comparison.open) acts.compare();
      else stage.zoomed.out();
      return true;
    }
    if (key === "Enter" && number) {
      criteria()?.enter();
      return true;
    }
    if (key === "ArrowLeft" || key === "ArrowRight") {
      if (number || event.target.closest?.("video, audio, select, .lt-text")) return false;
      acts[key === "ArrowLeft" ? "previous" : "next"]();
      return true;
    }
    if ((key === "ArrowUp" || key === "ArrowDown") && kind() === "points" && !event.target.closest?.("select, .lt-text, .lt-side dl")) {
      criteria()?.step(key === "ArrowUp" ? -1 : 1);
      return true;
    }
    if (event.target.closest?.("select")) return false; // a list takes letters and arrows itself
    if (!settings.keys) return false;
    if (/^[0-9]$/.test(key)) return kind() === "points" && !number ? Boolean(criteria()?.digit(Number(key))) : false;
    if (key === "[" || key === "]") {
      stage.step(key === "[" ? -1 : 1);
      return true;
    }
    if (key === " " && !event.target.closest?.("button, a, video, audio, .lt-text")) return stage.play();
    const act = LETTERS[key.toLowerCase()];
    if (!act) return false;
    acts[act]();
    return true;
  }
}
