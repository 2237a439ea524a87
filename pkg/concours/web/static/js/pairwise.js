// A judge's pairs: two works side by side, decided by key or button. What was said is kept on this device first and then
// sent; all works are on the page already, so that a network that goes away stops nothing.

import { sending } from "./jury-sending.js";

const AHEAD = 12; // pairs whose pictures are fetched beforehand
const root = document.getElementById("pairs");

if (root?.dataset.open !== undefined) {
  const part = (name) => root.querySelector(`[data-kind="${name}"]`);
  const pairs = JSON.parse(root.dataset.pairs).map(([left, right, better]) => ({ left, right, better }));
  const works = new Map([...root.querySelectorAll(".pair-work")].map((work) => [work.dataset.token, work]));
  const form = root.querySelector("form");
  const steps = []; // what can be taken back: {n, before}
  let at = Number(root.dataset.at) - 1;

  const queue = sending(root, {
    prefix: "pairs",
    url: root.dataset.comparisons,
    body: ({ client_id, value }) => ({ client_id, ...value }),
  });
  for (const { value } of queue.pending()) {
    const pair = pairs.find(({ left, right }) => left === value.first && right === value.second);
    if (pair) pair.better = value.better;
  }

  function show() {
    const pair = pairs[at];
    for (const side of ["left", "right"]) {
      const slot = root.querySelector(`[data-side="${side}"]`);
      const work = works.get(pair[side]);
      if (work.parentElement === slot) continue;
      for (const media of slot.querySelectorAll("video, audio")) media.pause();
      part("pool").append(...slot.children);
      slot.append(work);
    }
    for (const { left, right } of pairs.slice(at, at + AHEAD)) {
      for (const img of [left, right].flatMap((token) => [...works.get(token).querySelectorAll("img")])) img.loading = "eager";
    }
    for (const button of form.querySelectorAll("[aria-pressed]")) button.setAttribute("aria-pressed", String(button.value === pair.better));
    form.elements.first.value = pair.left;
    form.elements.second.value = pair.right;
    form.elements.at.value = at + 1;
    part("back").hidden = !pair.better;
    const done = pairs.filter(({ better }) => better).length;
    part("done").textContent = `${done} / ${pairs.length}`;
    root.querySelector("progress").value = done;
    part("all").hidden = done < pairs.length;
    part("place").textContent = root.dataset.place.replace("{n}", at + 1).replace("{of}", pairs.length);
    root.querySelector("[data-act=undo]").disabled = !steps.length;
  }

  function say(n, better) {
    const { left, right } = pairs[n];
    pairs[n].better = better;
    queue.send(left, { first: left, second: right, better });
  }

  function decide(better) {
    steps.push({ n: at, before: pairs[at].better });
    say(at, better);
    if (better) {
      const next = pairs.findIndex((pair, n) => n > at && !pair.better);
      const any = next >= 0 ? next : pairs.findIndex((pair) => !pair.better);
      if (any >= 0) at = any;
    }
    show();
    part("place").focus({ preventScroll: true });
    root.querySelector(".pair").scrollIntoView({ block: "nearest" });
  }

  function undo() {
    const step = steps.pop();
    if (!step) return;
    say(step.n, step.before);
    at = step.n;
    show();
  }

  function go(by) {
    at = Math.max(0, Math.min(pairs.length - 1, at + by));
    show();
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const better = event.submitter?.value;
    if (better) decide(better === "back" ? null : better);
  });
  root.addEventListener("click", (event) => {
    if (event.target.closest("[data-act=undo]")) undo();
    const link = event.target.closest("[data-go]");
    if (!link) return;
    event.preventDefault();
    go(Number(link.dataset.go));
  });
  document.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey || event.repeat) return;
    if (event.target.closest("input, textarea, select, video, audio, [contenteditable], dialog")) return;
    const acts = {
      ArrowLeft: () => decide("first"), ArrowRight: () => decide("second"), ArrowDown: () => decide("equal"),
      u: undo, Backspace: undo, "[": () => go(-1), "]": () => go(1),
    };
    const act = acts[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });

  root.querySelector("[data-act=undo]").hidden = false;
  root.querySelector("[data-pairs-keys]").hidden = false;
  show();
}
