// The light table: one work after the other, marked by key or touch, saved at once, also while the network is away.

import { Comparison, FEWEST, MOST } from "./light-table-compare.js";
import { Criteria } from "./light-table-criteria.js";
import { distribution } from "./light-table-figures.js";
import { keyboard } from "./light-table-keys.js";
import { FILTERS, Works } from "./light-table-list.js";
import { MarkStore, Sender } from "./light-table-queue.js";
import { apply, FLAGS, Remarks } from "./light-table-remarks.js";
import { kept, page, say, words } from "./light-table-page.js";
import { Saving } from "./light-table-saving.js";
import { swipes } from "./light-table-touch.js";
import { Undo } from "./light-table-undo.js";
import { element, Stage } from "./light-table-view.js";

const DETAILS_AHEAD = 60; // works whose page is fetched beforehand
const PICTURES_AHEAD = 40; // works whose pictures are; some minutes of judging
const FILTERED_AHEAD = 8; // of a narrowed table, whose works lie on many pages

const { table, find, device, visit } = page;
const announce = (...parts) => {
  find("announce").textContent = parts.filter(Boolean).join(". ");
};

const store = new MarkStore(`lt:${table.dataset.seat}`, device);
const notes = new MarkStore(`lt:${table.dataset.seat}:remarks`, device);
const stage = new Stage(find("stage"), find("strip"), words);
const undone = new Undo(store.prefix, visit);
const works = new Works({ outline: table.dataset.outline, pages: table.dataset.works }, { arrived, stale: () => reload() });
let marks = new Map(); // token -> the mark that stands, as this device knows it
let at = -1;
let round = null;
let open = true;
let filter = "all";
let shown = null; // the token on the stage, once its page is here
let criteria = null;

const current = () => works.all[at];
const isMarked = (work) => marks.has(work.token);
const passes = (work) => FILTERS[filter](work, marks.get(work.token));
const settings = { advance: device?.getItem("lt-advance") !== "no", keys: device?.getItem("lt-keys") !== "no" };

// ---- what is shown ----

function show(index, aloud = true) {
  if (!works.all.length) return;
  at = Math.max(0, Math.min(index, works.all.length - 1));
  find("done").hidden = true;
  lay(aloud);
  ahead();
  visit?.setItem(`${store.prefix}:at`, current().token);
}

// Lays the current work on the table, or says that it is still on its way.
function lay(aloud) {
  const work = current();
  const detail = works.detail(work);
  shown = detail ? work.token : null;
  find("title").textContent = detail ? detail.title || words.untitled : "…";
  find("category").textContent = detail?.category ?? "";
  find("place").textContent = say("place", { n: at + 1, of: works.all.length });
  const fields = (detail?.fields ?? []).filter((field) => !field.long || detail.media.length);
  find("fields").replaceChildren(
    ...fields.map((field) => element("div", { className: field.long ? "is-long" : "" }, element("dt", {}, field.label), element("dd", {}, field.text))),
  );
  find("fields").hidden = !fields.length;
  find("reading").hidden = !fields.some((field) => field.long);
  if (detail) stage.show(detail);
  else stage.waiting(works.trouble || (navigator.onLine ? words.comes : words.notHere));
  find("previous").disabled = next(-1) < 0;
  find("next").disabled = next(1) < 0;
  paint();
  if (aloud) announce(say("place", { n: at + 1, of: works.all.length }), detail ? detail.title : words.comes, detail?.category, spoken(work.token));
}

// The pages and pictures of what comes next, on the table as it is narrowed now.
function ahead() {
  const row = [current()];
  for (let n = next(1); n >= 0 && row.length <= (filter === "all" ? DETAILS_AHEAD : FILTERED_AHEAD); n = next(1, n)) row.push(works.all[n]);
  works.want([...row, works.all[next(-1)], ...comparison.tokens.map((token) => works.all[works.where(token)])]);
  const details = row.slice(1, 1 + PICTURES_AHEAD).map((work) => works.detail(work)).filter(Boolean);
  const before = works.detail(works.all[next(-1)]);
  stage.preload(before ? [...details.slice(0, 3), before, ...details.slice(3)] : details);
}

function arrived(body) {
  if (body) tellOpen(body.open);
  for (const work of body?.works ?? []) {
    remarks.take(work.token, work.remarks);
    flags(work.token);
  }
  if (!current()) return;
  if (shown !== current().token) lay(true);
  if (body) ahead();
  paint();
}

function spoken(token) {
  const mark = marks.get(token);
  if (!mark) return words.noMark;
  if ("yes" in mark) return mark.yes === "maybe" ? words.maybe : mark.yes ? words.yes : words.no;
  return round.criteria.map((criterion) => `${criterion.title} ${mark[criterion.key]}`).join(", ");
}

function paint() {
  const work = current();
  const mark = work && marks.get(work.token);
  const allowed = open && shown !== null;
  if (work && round.kind === "yes_no") {
    for (const [name, said] of [["yes", true], ["maybe", "maybe"], ["no", false]]) {
      find(name)?.setAttribute("aria-pressed", String(mark?.yes === said));
      if (find(name)) find(name).disabled = !allowed;
    }
  } else if (work && criteria) {
    criteria.show(mark ?? store.draft(work.token), !allowed);
  }
  find("undo").disabled = !open || !(undone.length || mark);
  find("aside").disabled = !allowed;
  find("remark").disabled = !shown;
  const said = work ? Object.keys(remarks.of(work.token)) : [];
  find("remark").setAttribute("aria-pressed", String(said.length > 0));
  find("said").textContent = said.map((kind) => words[`remark-${kind}`]).join(" · ");
  find("pick").setAttribute("aria-pressed", String(Boolean(work && comparison.has(work.token))));
  find("compare").disabled = comparison.tokens.length < FEWEST;
  find("compare-count").textContent = comparison.tokens.length || "";
  comparison.paint(work?.token);
  count();
}

function count() {
  const marked = works.all.filter(isMarked).length;
  find("progress").max = works.all.length || 1;
  find("progress").value = marked;
  find("figures").textContent = `${marked} / ${works.all.length}`;
  for (const option of find("filter").options) {
    const number = works.all.filter((work) => FILTERS[option.value](work, marks.get(work.token))).length;
    option.textContent = `${option.dataset.name} (${number})`;
  }
}

// The next work that the filter lets through, in that direction; -1 where there is none.
function next(by, from = at) {
  for (let n = from + by; n >= 0 && n < works.all.length; n += by) if (passes(works.all[n])) return n;
  return -1;
}

function go(by) {
  if (comparison.open) comparison.step(by, current().token);
  else if (next(by) >= 0) show(next(by));
}

function narrow(name) {
  filter = name;
  find("filter").value = name;
  const here = current() && passes(current()) ? at : next(1) >= 0 ? next(1) : next(-1);
  if (here >= 0) show(here, false);
  else paint();
  announce(find("filter").selectedOptions[0].textContent, here < 0 ? words.noneSuch : say("place", { n: here + 1, of: works.all.length }));
}

// ---- marking ----

function mark(value) {
  const work = current();
  if (!work || !open || shown !== work.token) return;
  const before = marks.get(work.token) ?? null;
  const same = JSON.stringify(before) === JSON.stringify(value);
  if (!same) {
    put(work.token, value);
    undone.push(work.token, before);
    flash(value);
  }
  const said = `${say("place", { n: at + 1, of: works.all.length })}: ${spoken(work.token)}`;
  if (settings.advance && !comparison.open && (same || !before)) onward(said);
  else {
    paint();
    announce(said);
  }
}

function put(token, value) {
  store.add(token, value);
  store.draft(token, null);
  if (value) marks.set(token, value);
  else marks.delete(token);
  sender.now();
}

// On to the next work without a mark; of a table narrowed to maybe or flagged, to the next of these.
function onward(said = "") {
  const wanted = filter === "maybe" || filter === "flagged" ? passes : (work) => !isMarked(work);
  const after = works.all.findIndex((work, n) => n > at && wanted(work));
  const any = after >= 0 || wanted === passes ? after : works.all.findIndex(wanted);
  if (any >= 0) show(any, false);
  else paint();
  if (any >= 0) announce(said, say("place", { n: at + 1, of: works.all.length }), works.detail(current())?.title, spoken(current().token));
  else if (wanted !== passes) finished();
  else announce(said, words.noneSuch);
}

function finished() {
  find("done").hidden = false;
  announce(words.allDone);
  find("done").focus();
}

function undo() {
  if (!open) return;
  const last = undone.pop();
  if (last) {
    const index = works.where(last.token);
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
  announce(words.undone, say("place", { n: at + 1, of: works.all.length }), spoken(current().token));
}

function points(value, whole) {
  const work = current();
  if (!work || !open || shown !== work.token) return;
  if (whole) mark({ ...value });
  else if (!isMarked(work)) store.draft(work.token, value);
}

function flash(value) {
  const sign = find("flash");
  sign.textContent = "yes" in (value ?? {}) ? (value.yes === "maybe" ? words.maybe : value.yes ? words.yes : words.no) : words.marked;
  sign.classList.remove("is-on");
  void sign.offsetWidth; // begins the animation anew
  sign.classList.add("is-on");
}

// ---- besides the mark ----

const remarks = new Remarks({
  form: find("remark-form"),
  store: notes,
  changed: (token) => {
    flags(token);
    noteSender.now();
    paint();
    announce(words.remarked, Object.keys(remarks.of(token)).map((kind) => words[`remark-${kind}`]).join(", "));
  },
});

function flags(token) {
  const work = works.all[works.where(token)];
  if (work) work.flags = FLAGS.filter((kind) => kind in remarks.of(token));
}

const comparison = new Comparison(
  find("comparison"),
  words,
  {
    work: (token) => works.details.get(token),
    still: (work) => (work?.media.length ? stage.fitting(work.media[0]) : ""),
    text: (token) => works.details.get(token)?.fields.find((field) => field.long)?.text ?? words.comes,
    name: (token) => [say("place", { n: works.where(token) + 1, of: works.all.length }), works.details.get(token)?.title].filter(Boolean).join(" "),
    title: (token) => works.details.get(token)?.title || words.untitled,
    spoken,
    go: (token) => show(works.where(token)),
  },
  { key: `${store.prefix}:compare`, kept: visit },
);

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
    works.remove(work.token);
    marks.delete(work.token);
    comparison.forget((token) => token !== work.token);
    form.reset();
    find("aside-dialog").close();
    if (works.all.length) show(at, false);
    else nothing();
    count();
    announce(words.steppedAside);
  } catch (reason) {
    trouble.textContent = reason instanceof TypeError ? words.asideOffline : reason.message;
    trouble.hidden = false;
  }
}

// ---- saved, or not yet ----

const saving = new Saving([store, notes], (token) => {
  const n = works.where(token);
  return n < 0 ? words.goneWork : [say("place", { n: n + 1, of: works.all.length }), works.details.get(token)?.title].filter(Boolean).join(" ");
});
const post = {
  csrf: table.dataset.csrf,
  renew: async () => {
    const again = await (await fetch(location.href, { redirect: "manual" })).text();
    return new DOMParser().parseFromString(again, "text/html").getElementById("light-table")?.dataset.csrf;
  },
};
const sender = new Sender({
  ...post,
  store,
  url: table.dataset.marks,
  tell: (state, detail) => saving.tell(store, state, detail),
  answered: (body) => {
    if (body.assigned !== works.all.length) reload();
  },
});
const noteSender = new Sender({
  ...post,
  store: notes,
  url: table.dataset.remarks,
  tell: (state, detail) => saving.tell(notes, state, detail),
  answered: () => {},
  body: ({ token, client_id, value }) => ({ token, client_id, ...value }),
});
saving.send = () => {
  sender.now();
  noteSender.now();
};

// ---- the list of works ----

async function load() {
  const token = current()?.token ?? visit?.getItem(`${store.prefix}:at`);
  const body = await works.outline();
  round = body.round;
  tellOpen(body.open);
  find("loading")?.remove();
  if (round.kind !== "yes_no" && !criteria) criteria = new Criteria(find("criteria"), round.criteria, words, points);
  marks = new Map(works.all.filter((work) => work.mark).map((work) => [work.token, work.mark]));
  for (const { mark: waiting } of store.pending()) {
    if (waiting.value) marks.set(waiting.token, waiting.value);
    else marks.delete(waiting.token);
  }
  for (const { mark: waiting } of notes.pending()) {
    const work = works.all[works.where(waiting.token)];
    const said = Object.fromEntries((work?.flags ?? []).map((kind) => [kind, ""]));
    apply(said, waiting.value);
    if (work) work.flags = FLAGS.filter((kind) => kind in said);
  }
  comparison.forget((one) => works.where(one) >= 0);
  if (!works.all.length) return nothing();
  const before = works.where(token);
  const undecided = works.all.findIndex((work) => !isMarked(work));
  if (before >= 0 && shown === token) {
    at = before;
    find("place").textContent = say("place", { n: at + 1, of: works.all.length });
    paint();
  } else show(before >= 0 ? before : Math.max(undecided, 0), false);
}

function tellOpen(now) {
  open = now;
  find("closed").hidden = open;
}

let reloading = null;
function reload() {
  reloading ??= load().catch(() => {}).finally(() => {
    reloading = null;
  });
}

function nothing() {
  stage.root.replaceChildren(element("p", { className: "lt-trouble" }, words.noWorks));
  find("work").hidden = true;
}

async function start() {
  try {
    await load();
    saving.send();
  } catch (reason) {
    const again = element("button", { type: "button", className: "btn btn-outline-secondary", onclick: start }, words.again);
    stage.root.replaceChildren(element("div", { className: "lt-trouble" }, element("p", {}, reason.message || words.notLoaded), again));
    addEventListener("online", start, { once: true });
  }
}

// ---- buttons, keys, swipes ----

const acts = {
  yes: () => round?.kind === "yes_no" && mark({ yes: true }),
  maybe: () => round?.kind === "yes_no" && round.maybe && mark({ yes: "maybe" }),
  no: () => round?.kind === "yes_no" && mark({ yes: false }),
  next: () => go(1),
  previous: () => go(-1),
  undo,
  undecided: () => onward(),
  aside: () => open && shown && find("aside-dialog").showModal(),
  help: () => find("help-dialog").showModal(),
  zoom: () => stage.zoom(),
  closer: () => stage.closer(1),
  farther: () => stage.closer(-1),
  ground: () => {
    table.dataset.bsTheme = table.dataset.bsTheme === "dark" ? "light" : "dark";
    kept("ground", table.dataset.bsTheme);
  },
  reading: () => announce(table.classList.toggle("is-reading") ? words.readingLarge : words.readingSmall),
  filter: () => {
    const { options, selectedIndex } = find("filter");
    narrow(options[(selectedIndex + 1) % options.length].value);
  },
  figures: () => {
    find("figures-tables").replaceChildren(...distribution(round, marks, works.all.length, words));
    find("figures-dialog").showModal();
  },
  remark: () => {
    if (!shown) return;
    remarks.open(shown, open);
    find("remark-dialog").showModal();
  },
  pick: () => {
    if (!shown) return;
    const room = comparison.toggle(shown);
    announce(!room ? say("compareFull", { most: MOST }) : comparison.has(shown) ? say("comparePicked", { n: comparison.tokens.length }) : words.compareUnpicked);
    paint();
  },
  compare: () => {
    if (comparison.open) {
      comparison.close();
      show(at);
    } else if (!comparison.show(current()?.token)) announce(words.compareFew);
  },
  slower: () => rate(-1),
  faster: () => rate(1),
  refused: () => saving.list(),
};

function rate(by) {
  const now = stage.faster(by);
  if (now) announce(`${words.speed} ${now}×`);
}

for (const button of table.querySelectorAll("[data-act]")) button.addEventListener("click", () => acts[button.dataset.act]());
for (const name of ["advance", "keys"]) {
  const box = find(`setting-${name}`);
  box.checked = settings[name];
  box.addEventListener("change", () => {
    settings[name] = box.checked;
    kept(name, box.checked ? "yes" : "no");
  });
}
find("aside-form").addEventListener("submit", stepAside);
find("filter").addEventListener("change", (event) => narrow(event.target.value));
table.addEventListener("click", (event) => {
  if (event.target.matches("[data-close]")) event.target.closest("dialog").close();
});
if (device?.getItem("lt-ground") === "light") table.dataset.bsTheme = "light";

keyboard({ table, acts, settings, stage, comparison, criteria: () => criteria, kind: () => round?.kind });
swipes(stage.root, go);

addEventListener("beforeunload", (event) => {
  if (saving.fragile) event.preventDefault();
});

table.classList.add("is-alive");
start();
