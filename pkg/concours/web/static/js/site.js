// What every page does: theme switch, menus that close, one submission per press, the summary of errors in focus.

for (const button of document.querySelectorAll("[data-theme-switch]")) {
  const tell = () => button.setAttribute("aria-pressed", String(document.documentElement.dataset.bsTheme === "dark"));
  tell();
  button.addEventListener("click", () => {
    window.concoursTheme.toggle();
    tell();
  });
}

// Menus are <details class="menu">: they open without script; here they close on a press elsewhere and on Escape.
const closeMenus = (except) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (menu !== except) menu.open = false;
  }
};
document.addEventListener("click", (event) => closeMenus(event.target.closest("details.menu")));
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const menu = document.querySelector("details.menu[open]");
  if (menu) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

// A form is sent once: its buttons rest until the answer comes (and wake again when the page is shown from the cache).
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.dataset.again !== undefined || form.method !== "post") return;
  if (form.dataset.sending) {
    event.preventDefault();
    return;
  }
  form.dataset.sending = "yes";
  const pressed = event.submitter;
  if (pressed) {
    pressed.setAttribute("aria-busy", "true");
  }
});
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sending]")) {
    delete form.dataset.sending;
    form.querySelectorAll("[aria-busy]").forEach((button) => button.removeAttribute("aria-busy"));
  }
});

// The list of what needs correcting is read out first.
document.querySelector("[data-error-summary]")?.focus();

// The current place of the event's navigation is brought into view on narrow screens.
const current = document.querySelector(".places [aria-current]");
if (current) {
  const strip = current.closest("ul");
  strip.scrollLeft = current.offsetLeft - strip.clientWidth / 2 + current.clientWidth / 2;
}

// Characters left: <textarea maxlength=… data-count> gets its count below.
for (const field of document.querySelectorAll("[data-count]")) {
  const output = document.getElementById(field.dataset.count);
  if (!output) continue;
  const tell = () => {
    output.textContent = `${[...field.value].length} / ${field.maxLength}`;
  };
  field.addEventListener("input", tell);
  tell();
}
