// The form of an entry: saves itself while it is typed, keeps what was typed without a network on the device, shows how far
// the checks of files are, and lets files be put in order by buttons, keys and dragging. Without script the form works as it is.

const form = document.querySelector("[data-entry-form]");
const said = form.dataset;
const state = document.querySelector("[data-save-state]");
const version = form.elements.version;
const drawer = `entry-${said.entry}`;
const AFTER_TYPING_MS = 1500;
const AGAIN_MS = 4000;
const CHECK_EVERY_MS = 2000;
const JSON_ONLY = { Accept: "application/json" };

const tell = (text, wrong = false) => {
  state.textContent = text;
  state.classList.toggle("is-wrong", wrong);
};
const clock = () => new Intl.DateTimeFormat(document.documentElement.lang, { hour: "2-digit", minute: "2-digit" }).format(new Date());

// ---- what was typed without a network stays on this device ----
const typed = () => [...new FormData(form)].filter(([name]) => name !== "csrf_token");
const keep = () => {
  try {
    localStorage.setItem(drawer, JSON.stringify(typed()));
  } catch {
    // storage may be full or switched off; the page still holds it
  }
};
const forget = () => {
  try {
    localStorage.removeItem(drawer);
  } catch {
    // as above
  }
};
const bringBack = () => {
  let found = null;
  try {
    found = JSON.parse(localStorage.getItem(drawer));
  } catch {
    return false;
  }
  if (!Array.isArray(found)) return false;
  const kept = Object.fromEntries(found);
  if (kept.version !== version.value) {
    forget();
    return false;
  }
  for (const [name, value] of found) {
    const field = form.elements[name];
    if (!field || name === "version") continue;
    if (field.type === "checkbox") field.checked = true;
    else field.value = value;
  }
  return true;
};

// ---- saving while typing ----
let waiting = 0;
let running = null;
let stopped = said.autosave !== "yes";

const showMissing = (missing) => {
  const box = document.querySelector("[data-missing]");
  if (!box || !missing) return;
  box.replaceChildren();
  if (!missing.length) {
    const whole = document.createElement("p");
    whole.className = "missing-none";
    whole.textContent = said.saidWhole;
    box.append(whole);
    return;
  }
  const head = document.createElement("h2");
  head.className = "missing-head";
  head.textContent = said.saidMissing;
  const list = document.createElement("ul");
  for (const problem of missing) {
    const link = document.createElement("a");
    link.href = problem.where;
    const colon = document.documentElement.lang.startsWith("zh") ? "：" : ": ";
    link.textContent = problem.label ? `${problem.label}${colon}${problem.message}` : problem.message;
    const item = document.createElement("li");
    item.append(link);
    list.append(item);
  }
  box.append(head, list);
};

const labelOf = (name) => document.querySelector(`label[for="f-${CSS.escape(name)}"]`)?.firstChild.textContent.trim() || "";

const markWrong = (problems) => {
  for (const old of form.querySelectorAll(".field-errors[data-live]")) old.remove();
  for (const field of form.querySelectorAll("[aria-invalid][data-live]")) {
    field.removeAttribute("aria-invalid");
    field.removeAttribute("data-live");
    field.classList.remove("is-invalid");
  }
  for (const problem of problems || []) {
    const field = document.getElementById(`f-${problem.field}`);
    if (!field || !form.contains(field)) continue;
    field.setAttribute("aria-invalid", "true");
    field.dataset.live = "yes";
    field.classList.add("is-invalid");
    const list = document.createElement("ul");
    list.className = "field-errors";
    list.dataset.live = "yes";
    const item = document.createElement("li");
    item.textContent = problem.message;
    list.append(item);
    field.closest(".field").append(list);
  }
};

const save = async () => {
  clearTimeout(waiting);
  waiting = 0;
  if (running) {
    await running;
    if (!waiting && !stopped) return save();
    return undefined;
  }
  tell(said.saidSaving);
  const body = new URLSearchParams(new FormData(form));
  body.set("action", "save");
  running = fetch(form.getAttribute("action"), { method: "POST", headers: JSON_ONLY, body, credentials: "same-origin", redirect: "manual" })
    .then(async (answer) => {
      const json = answer.headers.get("Content-Type")?.includes("json") ? await answer.json() : {};
      if (answer.ok) {
        version.value = json.version;
        forget();
        markWrong([]);
        showMissing(json.missing);
        tell(`${said.saidSaved} ${clock()}`);
      } else if (answer.status === 422) {
        markWrong(json.problems);
        showMissing(json.problems?.map((problem) => ({ ...problem, label: labelOf(problem.field), where: `#f-${problem.field}` })));
        keep();
        tell(said.saidWrong, true);
      } else if (answer.status >= 500 || answer.status === 429) {
        keep();
        tell(said.saidBusy, true);
        waiting = setTimeout(save, AGAIN_MS);
      } else {
        stopped = true;
        keep();
        tell(json.code === "changed_elsewhere" ? said.saidElsewhere : json.detail || said.saidRefused, true);
      }
    })
    .catch(() => {
      keep();
      tell(said.saidOffline, true);
    })
    .finally(() => {
      running = null;
    });
  return running;
};

const later = () => {
  if (stopped) return;
  tell(said.saidTyping);
  clearTimeout(waiting);
  waiting = setTimeout(save, AFTER_TYPING_MS);
};
form.addEventListener("input", later);
form.addEventListener("change", later);
addEventListener("online", () => !stopped && save());
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "hidden" && waiting) save();
});
form.addEventListener("submit", (event) => {
  clearTimeout(waiting);
  waiting = 0;
  if (!running) return;
  // the running save raises the version: send the form when it is through
  event.preventDefault();
  const pressed = event.submitter;
  running.then(() => form.requestSubmit(pressed));
}, true);

if (!stopped && bringBack()) {
  tell(said.saidRestored);
  later();
}

// ---- small helps while typing ----
for (const field of form.querySelectorAll("[data-limit]")) {
  const limit = Number(field.dataset.limit);
  const note = document.createElement("p");
  note.className = "form-text field-count";
  field.closest(".field").append(note);
  const count = () => {
    const length = [...field.value.trim()].length;
    note.hidden = length < limit * 0.8;
    note.textContent = `${length} / ${limit}`;
    note.classList.toggle("over-limit", length > limit);
  };
  field.addEventListener("input", count);
  count();
}
for (const field of form.querySelectorAll("[data-required-when]")) {
  const other = document.getElementById(field.dataset.requiredWhen);
  const mark = field.closest(".field").querySelector(".optional");
  const values = field.dataset.requiredValues.split("|");
  const look = () => {
    const must = values.includes(other?.value);
    if (mark) mark.hidden = must;
    field.required = must;
  };
  other?.addEventListener("change", look);
  look();
}
for (const button of form.querySelectorAll("[data-take]")) {
  button.addEventListener("click", () => {
    const field = document.getElementById(button.dataset.take);
    field.value = button.parentElement.querySelector("[data-kept]").textContent.replace(/^–$/, "");
    field.dispatchEvent(new Event("input", { bubbles: true }));
    button.closest(".elsewhere").remove();
    field.focus();
  });
}

// ---- files ----
const part = () => document.querySelector("[data-files]");
let looking = 0;

let dragged = null; // the file under the finger; nothing is redrawn meanwhile

const draw = async (focus) => {
  const old = part();
  if (!old || dragged) return;
  const answer = await fetch(old.dataset.url, { headers: { Accept: "text/html" }, credentials: "same-origin", redirect: "manual" });
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-files]");
  const checkingBefore = Number(old.dataset.checking);
  if (!fresh || dragged || !old.isConnected) return;
  old.replaceWith(fresh);
  if (focus) fresh.querySelector(focus)?.focus();
  document.dispatchEvent(new CustomEvent("entry:files", { detail: { room: Number(fresh.dataset.room) } }));
  watch();
  if (checkingBefore && !Number(fresh.dataset.checking) && !stopped && !waiting) save();
};
// one after the other: what was asked for last is what stands, however the answers overtake each other
let drawing = Promise.resolve();
const refresh = (focus = null) => {
  const drawn = drawing.then(() => draw(focus));
  drawing = drawn.catch(() => {});
  return drawn;
};
const watch = () => {
  clearTimeout(looking);
  if (Number(part()?.dataset.checking)) looking = setTimeout(() => refresh().catch(watch), CHECK_EVERY_MS);
};

const send = async (url, fields, focus) => {
  const body = new URLSearchParams({ csrf_token: form.elements.csrf_token.value, ...fields });
  try {
    const answer = await fetch(url, { method: "POST", headers: JSON_ONLY, body, credentials: "same-origin", redirect: "manual" });
    if (!answer.ok) {
      const json = await answer.json().catch(() => ({}));
      tell(json.detail || said.saidRefused, true);
    }
  } catch {
    tell(said.saidOffline, true);
    return;
  }
  await refresh(focus);
  if (!stopped) save();
};

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-file-act]");
  if (!button || !part()?.contains(button)) return;
  event.preventDefault();
  const item = button.closest("[data-file]");
  const act = button.dataset.act;
  const focus = item && (act === "up" || act === "down") ? `[data-file="${item.dataset.file}"] [data-act="${act}"]:not(:disabled)` : null;
  send(button.formAction, button.name ? { [button.name]: button.value } : {}, focus);
});

document.addEventListener("pointerdown", (event) => {
  const handle = event.target.closest?.("[data-handle]");
  if (!handle) return;
  event.preventDefault();
  dragged = handle.closest("[data-file]");
  dragged.classList.add("file-moving");
  handle.setPointerCapture(event.pointerId);
});
document.addEventListener("pointermove", (event) => {
  if (!dragged) return;
  const over = document.elementFromPoint(event.clientX, event.clientY)?.closest("[data-file]");
  if (!over || over === dragged || over.parentElement !== dragged.parentElement) return;
  const box = over.getBoundingClientRect();
  const below = event.clientY > box.top + box.height / 2;
  over[below ? "after" : "before"](dragged);
});
const drop = () => {
  if (!dragged) return;
  dragged.classList.remove("file-moving");
  const list = dragged.closest("[data-file-list]");
  dragged = null;
  const order = [...list.querySelectorAll("[data-file]")].map((item) => item.dataset.file).join(",");
  send(part().dataset.orderUrl, { order });
};
document.addEventListener("pointerup", drop);
document.addEventListener("pointercancel", drop);

// ---- files that come in: the uploader of the media room sends them and tells by events ----
const place = document.querySelector("[data-entry-uploader]");
const uploader = place?.querySelector("[data-uploader]");
if (uploader) {
  const input = uploader.querySelector("input[type=file]");
  const several = input.multiple;
  const plain = () => {
    uploader.dataset.details = "{}";
    input.multiple = several;
  };
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-replace]");
    if (!button) return;
    uploader.dataset.details = JSON.stringify({ replaces: button.dataset.replace });
    input.multiple = false;
    input.click();
  });
  input.addEventListener("change", () => queueMicrotask(plain));
  input.addEventListener("cancel", plain);
  // two files travel at once and the smaller may arrive first: they stand as they were chosen
  let chosen = [];
  const note = (files) => {
    chosen.push(...[...files].map((file) => file.name));
  };
  uploader.addEventListener("change", (event) => note(event.target.files || []), true);
  uploader.addEventListener("drop", (event) => note(event.dataTransfer?.files || []), true);
  const arrange = async () => {
    const names = chosen;
    chosen = [];
    await refresh();
    const items = [...document.querySelectorAll("[data-file-list] [data-file]")];
    const rank = new Map(items.map((item) => [item, names.indexOf(item.querySelector(".file-name").textContent.trim())]));
    const places = items.filter((item) => rank.get(item) >= 0);
    if (names.length < 2 || places.length < 2) return;
    const sorted = [...places].sort((one, other) => rank.get(one) - rank.get(other));
    if (sorted.every((item, index) => item === places[index])) return;
    const wanted = items.map((item) => (places.includes(item) ? sorted[places.indexOf(item)] : item));
    await send(part().dataset.orderUrl, { order: wanted.map((item) => item.dataset.file).join(",") });
  };
  uploader.addEventListener("concours:uploads", (event) => {
    if (!event.detail.running && chosen.length) arrange().catch(() => {});
  });
  document.addEventListener("entry:files", (event) => place.classList.toggle("entry-uploader-full", !event.detail.room));
  uploader.addEventListener("concours:uploaded", () => refresh().catch(() => {}));
  uploader.addEventListener("concours:checked", (event) => {
    // from here on the file stands in the list above, with its picture or its reason
    for (const item of uploader.querySelectorAll(".upload-ready, .upload-refused")) {
      if (item.querySelector("[data-upload-name]").textContent === event.detail.filename) item.querySelector("button")?.click();
    }
    refresh().catch(() => {});
  });
}
watch();
