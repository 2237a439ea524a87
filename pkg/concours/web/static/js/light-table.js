// The light table: one work after the other, marked by key or touch, saved at once, also while the network is away.

import { Criteria } from "./light-table-criteria.js";
import { keyboard } from "./light-table-keys.js";
import { MarkStore, Sender } from "./light-table-queue.js";
import { element, Stage } from "./light-table-view.js";

const AHEAD = 3; // works whose pictures are fetched beforehand
const UNDO_KEPT = 500;

const table = document.getElementById("light-table");
const words = JSON.parse(table.dataset.words);
const find = (name) => table.querySelector(`[data-lt="${name}"]`);
const say = (name, values = {}) => words[name].replace(/\{(\w+)\}/g, (_, key) => values[key] ?? "");
const storage = (kind) => {
  try {
    window[kind].setItem("lt-probe", "1");
    window[kind].removeItem("lt-probe");
    return window[kind];
  } catch {
    return null;
  }
};
const device = storage("localStorage");
const visit = storage("sessionStorage");
const remember = (name, value) => {
  try {
    device?.setItem(`lt-${name}`, value);
  } catch {
    // the choice lasts for this page only
  }
};

const store = new MarkStore(`lt:${table.dataset.seat}`, device);
const stage = new Stage(find("stage"), find("strip"), words);
const undone = JSON.parse(visit?.getItem(`${store.prefix}:undo`) ?? "[]");
let works = [];
let marks = new Map(); // token -> the mark that stands, as this device knows it
let at = -1;
let round = null;
let open = true;
let complete = false; // whether all works are here
let criteria = null;

const current = () => works[at];
const isMarked = (work) => Boolean(marks.get(work.token));
const settings = { advance: device?.getItem("lt-advance") !== "no", keys: device?.getItem("lt-keys") !== "no" };

// ---- what is shown ----

function show(index, announce = true) {
  if (!works.length) return;
  at = Math.max(0, Math.min(index, works.length - 1));
  const work = current();
  find("done").hidden = true;
  stage.show(work);
  find("title").textContent = work.title || words.untitled;
  find("category").textContent = work.category;
  const short = work.fields.filter((field) => !field.long || work.media.length);
  find("fields").replaceChildren(
    ...short.map((field) => element("div", { className: field.long ? "is-long" : "" }, element("dt", {}, field.label), element("dd", {}, field.text))),
  );
  find("fields").hidden = !short.length;
  find("place").textContent = say("place", { n: at + 1, of: works.length });
  find("previous").disabled = at === 0;
  find("next").disabled = at === works.length - 1;
  paint();
  stage.preload(works.slice(at + 1, at + 1 + AHEAD).concat(works.slice(Math.max(0, at - 1), at)));
  if (announce) find("announce").textContent = [say("place", { n: at + 1, of: works.length }), work.title, work.category, spoken(work)].filter(Boolean).join(". ");
  visit?.setItem(`${store.prefix}:at`, work.token);
}

function spoken(work) {
  const mark = marks.get(work.token);
  if (!mark) return words.noMark;
  if ("yes" in mark) return mark.yes ? words.yes : words.no;
  return round.criteria.map((criterion) => `${criterion.title} ${mark[criterion.key]}`).join(", ");
}

function paint() {
  const work = current();
  const mark = work && marks.get(work.token);
  if (work && round.kind === "yes_no") {
    find("yes").setAttribute("aria-pressed", String(mark?.yes === true));
    find("no").setAttribute("aria-pressed", String(mark?.yes === false));
    find("yes").disabled = find("no").disabled = !open;
  } else if (work && criteria) {
    criteria.show(mark ?? store.draft(work.token), !open);
  }
  find("undo").disabled = !open || !(undone.length || mark);
  find("aside").disabled = !open;
  count();
}

function count() {
  const marked = works.filter(isMarked).length;
  const all = Math.max(works.length, complete ? 0 : Number(find("progress").max));
  find("progress").max = all || 1;
  find("progress").value = complete ? marked : Math.max(marked, find("progress").value);
  find("figures").textContent = `${find("progress").value} / ${all}`;
}

// ---- marking ----

function mark(value, { note = true } = {}) {
  const work = current();
  if (!work || !open) return;
  const before = marks.get(work.token) ?? null;
  if (JSON.stringify(before) === JSON.stringify(value)) {
    if (settings.advance && note) onward();
    return;
  }
  put(work.token, value);
  if (note) {
    undone.push({ token: work.token, before });
    keepUndo();
  }
  flash(value);
  if (note && settings.advance && !before) onward();
  else paint();
}

function put(token, value) {
  store.add(token, value);
  store.draft(token, null);
  if (value) marks.set(token, value);
  else marks.delete(token);
  sender.now();
}

function onward() {
  const after = works.findIndex((work, n) => n > at && !isMarked(work));
  const any = after >= 0 ? after : works.findIndex((work) => !isMarked(work));
  if (any >= 0) show(any);
  else {
    paint();
    if (complete) finished();
  }
}

function finished() {
  find("done").hidden = false;
  find("announce").textContent = words.allDone;
  find("done").focus();
}

function undo() {
  if (!open) return;
  const last = undone.pop();
  keepUndo();
  if (last) {
    const index = works.findIndex((work) => work.token === last.token);
    if (index < 0) {
      undo();
      return;
    }
    put(last.token, last.before);
    show(index, false);
  } else if (current() && isMarked(current())) {
    put(current().token, null);
    paint();
  } else {
    return;
  }
  find("announce").textContent = `${words.undone}. ${spoken(current())}`;
}

function keepUndo() {
  undone.splice(0, Math.max(0, undone.length - UNDO_KEPT));
  visit?.setItem(`${store.prefix}:undo`, JSON.stringify(undone));
}

function points(value, whole) {
  const work = current();
  if (!work || !open) return;
  if (whole) mark({ ...value });
  else if (!isMarked(work)) store.draft(work.token, value);
}

function flash(value) {
  const sign = find("flash");
  sign.textContent = "yes" in (value ?? {}) ? (value.yes ? words.yes : words.no) : words.marked;
  sign.classList.remove("is-on");
  void sign.offsetWidth; // begins the animation anew
  sign.classList.add("is-on");
}

// ---- stepping aside ----

async function stepAside(event) {
  event.preventDefault();
  const work = current();
  const form = event.target;
  const trouble = find("aside-trouble");
  trouble.hidden = true;
  try {
    const response = await fetch(table.dataset.recuse, {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "application/json", "X-CSRFToken": sender.csrf },
      body: JSON.stringify({ token: work.token, reason: form.elements.reason.value }),
    });
    const body = await response.json();
    if (!response.ok) throw new Error([body.problems?.[0]?.message ?? body.detail, body.hint].filter(Boolean).join(" "));
    works.splice(works.indexOf(work), 1);
    marks.delete(work.token);
    form.reset();
    find("aside-dialog").close();
    if (works.length) show(Math.min(at, works.length - 1));
    else nothing();
    count();
    find("announce").textContent = words.steppedAside;
  } catch (reason) {
    trouble.textContent = reason instanceof TypeError ? words.asideOffline : reason.message;
    trouble.hidden = false;
  }
}

// ---- saved, or not yet ----

const sender = new Sender({
  store,
  url: table.dataset.marks,
  csrf: table.dataset.csrf,
  renew: async () => {
    const page = await (await fetch(location.href, { redirect: "manual" })).text();
    return new DOMParser().parseFromString(page, "text/html").getElementById("light-table")?.dataset.csrf;
  },
  tell: tellState,
  answered: (body) => {
    if (complete && body.assigned !== works.length) reload();
  },
});

function tellState(state, detail = "") {
  const pending = store.pending().length;
  const refused = store.refused().length;
  const line = find("state");
  line.dataset.state = state === "saved" && refused ? "refused" : state;
  const text = { saved: words.saved, saving: words.saving, waiting: say("waiting", { n: pending }), "signed-out": say("signedOut", { n: pending }), blocked: `${detail || words.blocked} ${say("kept", { n: pending })}` }[state];
  if (find("state-text").textContent !== text) find("state-text").textContent = text;
  find("sign-in").hidden = state !== "signed-out";
  find("refused").hidden = !refused;
  find("refused").textContent = say("refused", { n: refused });
  find("fragile").hidden = store.durable || !pending;
}

function listRefused() {
  find("refused-list").replaceChildren(
    ...store.refused().map(({ key, mark: lost, message }) => {
      const work = works.find((one) => one.token === lost.token);
      const name = work ? `${say("place", { n: works.indexOf(work) + 1, of: works.length })} ${work.title}` : words.goneWork;
      const again = element("button", { type: "button", className: "btn btn-sm btn-outline-secondary", onclick: () => {
        store.again(key, lost);
        sender.now();
        find("refused-dialog").close();
      } }, words.sendAgain);
      const drop = element("button", { type: "button", className: "btn btn-sm btn-link", onclick: () => {
        store.done(key);
        tellState("saved");
        listRefused();
        if (!store.refused().length) find("refused-dialog").close();
      } }, words.dismiss);
      return element("li", {}, element("p", {}, element("strong", {}, name), element("br"), message), again, " ", drop);
    }),
  );
}

// ---- the list of works ----

async function load() {
  let next = 0;
  const found = [];
  while (next !== null) {
    const response = await fetch(`${table.dataset.works}?after=${next}`, { headers: { Accept: "application/json" } });
    if (!response.ok) throw new Error((await response.json().catch(() => ({}))).detail ?? "");
    const page = await response.json();
    round = page.round;
    open = page.open;
    found.push(...page.works);
    next = page.next;
    if (!works.length && found.length) begin(found, page);
  }
  merge(found);
  complete = true;
  if (!works.length) nothing();
  else paint();
  find("closed").hidden = open;
}

function begin(found, page) {
  find("loading")?.remove();
  find("progress").max = page.assigned || 1;
  find("progress").value = page.marked;
  if (round.kind !== "yes_no" && !criteria) criteria = new Criteria(find("criteria"), round.criteria, words, points);
  merge(found);
  const wanted = visit?.getItem(`${store.prefix}:at`);
  const before = works.findIndex((work) => work.token === wanted);
  const undecided = works.findIndex((work) => !isMarked(work));
  show(before >= 0 ? before : Math.max(undecided, 0), false);
}

function merge(found) {
  const token = current()?.token;
  works = found;
  marks = new Map(found.filter((work) => work.mark).map((work) => [work.token, work.mark]));
  for (const { mark: waiting } of store.pending()) {
    if (waiting.value) marks.set(waiting.token, waiting.value);
    else marks.delete(waiting.token);
  }
  if (token) {
    const index = works.findIndex((work) => work.token === token);
    if (index >= 0) {
      at = index;
      find("place").textContent = say("place", { n: at + 1, of: works.length });
      find("next").disabled = at === works.length - 1;
    } else show(Math.min(at, works.length - 1));
  }
}

let reloading = null;
function reload() {
  reloading ??= load().catch(() => {}).finally(() => {
    reloading = null;
  });
}

function nothing() {
  find("loading")?.remove();
  stage.root.replaceChildren(element("p", { className: "lt-trouble" }, words.noWorks));
  find("work").hidden = true;
}

async function start() {
  try {
    await load();
    sender.now();
  } catch (reason) {
    const again = element("button", { type: "button", className: "btn btn-outline-secondary", onclick: start }, words.again);
    stage.root.replaceChildren(element("div", { className: "lt-trouble" }, element("p", {}, reason.message || words.notLoaded), again));
    addEventListener("online", start, { once: true });
  }
}

// ---- buttons, keys, swipes ----

const acts = {
  yes: () => round?.kind === "yes_no" && mark({ yes: true }),
  no: () => round?.kind === "yes_no" && mark({ yes: false }),
  next: () => show(at + 1),
  previous: () => show(at - 1),
  undo,
  undecided: onward,
  aside: () => open && current() && find("aside-dialog").showModal(),
  help: () => find("help-dialog").showModal(),
  zoom: () => stage.zoom(),
  ground: () => {
    table.dataset.bsTheme = table.dataset.bsTheme === "dark" ? "light" : "dark";
    remember("ground", table.dataset.bsTheme);
  },
  refused: () => {
    listRefused();
    find("refused-dialog").showModal();
  },
};

for (const button of table.querySelectorAll("[data-act]")) button.addEventListener("click", () => acts[button.dataset.act]());
for (const name of ["advance", "keys"]) {
  const box = find(`setting-${name}`);
  box.checked = settings[name];
  box.addEventListener("change", () => {
    settings[name] = box.checked;
    remember(name, box.checked ? "yes" : "no");
  });
}
find("aside-form").addEventListener("submit", stepAside);
table.addEventListener("click", (event) => {
  if (event.target.matches("[data-close]")) event.target.closest("dialog").close();
});
if (device?.getItem("lt-ground") === "light") table.dataset.bsTheme = "light";

keyboard({ table, acts, settings, stage, criteria: () => criteria, kind: () => round?.kind });

let touch = null;
stage.root.addEventListener("touchstart", (event) => {
  touch = event.touches.length === 1 ? event.touches[0] : null;
}, { passive: true });
stage.root.addEventListener("touchend", (event) => {
  const zoomed = stage.root.classList.contains("is-zoomed") || (window.visualViewport?.scale ?? 1) > 1.05;
  if (!touch || zoomed || event.target.closest("video, audio, .lt-text")) return;
  const [end] = event.changedTouches;
  const across = end.clientX - touch.clientX;
  if (Math.abs(across) > 60 && Math.abs(across) > 2 * Math.abs(end.clientY - touch.clientY)) show(at + (across < 0 ? 1 : -1));
  touch = null;
});

addEventListener("beforeunload", (event) => {
  if (!store.durable && store.pending().length) event.preventDefault();
});

table.classList.add("is-alive");
start();
