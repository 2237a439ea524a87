// The organiser's desk: keys for deciding and for going on, reasons given before, ticking a whole page.

// ---- keys: A accept, R return, X reject, J next, K previous; not while typing ----
const decide = document.querySelector("[data-decide]");
const reason = decide?.querySelector("textarea");

const typing = (element) => element.closest("input:not([type=checkbox]), textarea, select, [contenteditable]");

for (const button of decide?.querySelectorAll("[data-needs-reason]") || []) {
  button.addEventListener("click", (event) => {
    if (reason.value.trim()) return;
    event.preventDefault();
    reason.dataset.then = button.value;
    reason.focus();
    reason.classList.add("is-invalid");
  });
}
reason?.addEventListener("input", () => reason.classList.remove("is-invalid"));
reason?.addEventListener("keydown", (event) => {
  // Ctrl or ⌘ + Enter sends what the key before began (R or X)
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    decide.querySelector(`[value="${reason.dataset.then || "returned"}"]`).click();
  } else if (event.key === "Escape") {
    reason.blur();
  }
});

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || typing(event.target)) return;
  const target = document.querySelector(`[data-key="${CSS.escape(event.key.toLowerCase())}"]`);
  if (!target) return;
  event.preventDefault();
  target.click();
});

for (const button of document.querySelectorAll("[data-reason]")) {
  button.addEventListener("click", () => {
    reason.value = button.dataset.reason;
    reason.classList.remove("is-invalid");
    reason.focus();
  });
}

// ---- a whole page at once ----
const bulk = document.querySelector("[data-bulk]");
if (bulk) {
  const all = bulk.querySelector("[data-bulk-all]");
  const ticks = [...bulk.querySelectorAll("[name=entry]")];
  const count = bulk.querySelector("[data-bulk-count]");
  const tell = () => {
    const ticked = ticks.filter((tick) => tick.checked).length;
    count.textContent = ticked ? ` (${ticked})` : "";
    all.checked = ticked === ticks.length;
    all.indeterminate = ticked > 0 && ticked < ticks.length;
  };
  all?.addEventListener("change", () => {
    for (const tick of ticks) tick.checked = all.checked;
    tell();
  });
  bulk.addEventListener("change", tell);
  tell();
}
