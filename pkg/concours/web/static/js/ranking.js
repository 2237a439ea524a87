// A judge's line: works are moved by drag, by the arrow keys on their handle, by buttons, or to a place by its number.
// Each move is one mark, {at: number} between its neighbours; it is kept on this device first and then sent.

import { sending } from "./jury-sending.js";

const root = document.getElementById("ranking");
const NARROW = 1e-6; // as on the server (kinds/ranking.py)

if (root?.dataset.open !== undefined) {
  const list = (name) => root.querySelector(`[data-list="${name}"]`);
  const items = () => [...root.querySelectorAll(".rank")];
  const of = (token) => items().find((one) => one.dataset.token === token);
  const valueOf = (one) => {
    if (one.dataset.at !== undefined) return { at: Number(one.dataset.at) };
    return one.parentElement === list("out") ? { at: null } : null;
  };
  const steps = []; // each move, to be taken back: [{token, value}]

  // Shows a work where this mark puts it.
  function show(one, value) {
    const where = value === null ? "rest" : value.at === null ? "out" : "line";
    if (where === "line") one.dataset.at = value.at;
    else delete one.dataset.at;
    const focused = one.contains(document.activeElement) ? document.activeElement : null;
    const before = where === "line" ? [...list("line").children].find((other) => other !== one && Number(other.dataset.at) > value.at) : null;
    if (one.parentElement !== list(where) || one.nextElementSibling !== (before ?? null)) list(where).insertBefore(one, before ?? null);
    if (focused && document.activeElement !== focused) focused.focus();
    for (const button of one.querySelectorAll("[data-for]")) button.hidden = !button.dataset.for.split(" ").includes(where);
  }

  function paint() {
    const line = [...list("line").children];
    line.forEach((one, n) => {
      one.querySelector("[data-rank=place]").textContent = n + 1;
      one.querySelector("[name=place]").value = n + 1;
      one.classList.toggle("is-behind", Boolean(root.dataset.top) && n >= Number(root.dataset.top));
    });
    for (const one of items()) {
      if (one.parentElement === list("line")) continue;
      one.querySelector("[data-rank=place]").textContent = "–";
      one.querySelector("[name=place]").value = line.length + 1;
    }
    root.querySelector("[data-act=undo]").disabled = !steps.length;
  }

  const queue = sending(root, { prefix: "rank", url: root.dataset.marks });
  // What this device still has to send is already where the judge put it.
  for (const { token, value } of queue.pending()) {
    const one = of(token);
    if (one) show(one, value);
  }

  function give(moves, remember = true) {
    if (remember) steps.push(moves.map(([one]) => ({ token: one.dataset.token, value: valueOf(one) })));
    for (const [one, value] of moves) {
      show(one, value);
      queue.send(one.dataset.token, value);
    }
    paint();
    const [one] = moves.at(-1);
    const place = [...list("line").children].indexOf(one) + 1;
    const said = (place ? root.dataset.moved : root.dataset.away).replace("{title}", one.dataset.title).replace("{n}", place).replace("{of}", list("line").children.length);
    root.querySelector("[data-kind=said]").textContent = said;
  }

  // Puts a work at a place of the line (from 1): between its neighbours, or the whole line anew where there is no room.
  function put(one, place) {
    const others = [...list("line").children].filter((other) => other !== one);
    const to = Math.max(0, Math.min(place - 1, others.length));
    const before = to ? Number(others[to - 1].dataset.at) : null;
    const behind = to < others.length ? Number(others[to].dataset.at) : null;
    if (before !== null && behind !== null && behind - before <= 2 * NARROW) {
      others.splice(to, 0, one);
      give(others.map((other, n) => [other, { at: n + 1 }]));
      return;
    }
    const at = before === null ? (behind === null ? 1 : behind - 1) : behind === null ? before + 1 : (before + behind) / 2;
    give([[one, { at }]]);
  }

  function step(one, by) {
    const line = [...list("line").children];
    const place = line.indexOf(one) + 1;
    if (!place) put(one, line.length + 1);
    else if (place + by >= 1 && place + by <= line.length) put(one, place + by);
  }

  root.addEventListener("submit", (event) => {
    const one = event.target.closest(".rank");
    if (!one) return;
    event.preventDefault();
    const act = event.submitter?.value ?? "put";
    if (act === "up") step(one, -1);
    else if (act === "down") step(one, 1);
    else if (act === "out") give([[one, { at: null }]]);
    else if (act === "back") give([[one, null]]);
    else put(one, Number(one.querySelector("[name=place]").value));
  });

  root.addEventListener("click", (event) => {
    const act = event.target.closest("[data-act]")?.dataset.act;
    if (act === "undo" && steps.length) {
      give(steps.pop().map(({ token, value }) => [of(token), value]), false);
    }
    if (act === "rest-out" && list("rest").children.length) give([...list("rest").children].map((one) => [one, { at: null }]));
  });

  root.addEventListener("keydown", (event) => {
    const handle = event.target.closest("[data-act=drag]");
    if (!handle || event.altKey || event.ctrlKey || event.metaKey) return;
    const one = handle.closest(".rank");
    const last = list("line").children.length + (one.parentElement === list("line") ? 0 : 1);
    const moves = { ArrowUp: () => step(one, -1), ArrowDown: () => step(one, 1), Home: () => put(one, 1), End: () => put(one, last) };
    if (!moves[event.key]) return;
    event.preventDefault();
    moves[event.key]();
    one.scrollIntoView({ block: "nearest" });
  });

  // Drag by mouse, pen or finger: the work goes along; where it is let go is its place.
  let dragged = null;
  root.addEventListener("pointerdown", (event) => {
    const handle = event.target.closest("[data-act=drag]");
    if (!handle || event.button) return;
    dragged = { one: handle.closest(".rank"), handle, moved: false };
    dragged.home = { parent: dragged.one.parentElement, next: dragged.one.nextElementSibling };
    handle.setPointerCapture(event.pointerId);
  });
  root.addEventListener("pointermove", (event) => {
    if (!dragged) return;
    const under = document.elementFromPoint(event.clientX, event.clientY);
    const other = under?.closest(".rank");
    const into = under?.closest("[data-list=line]") ?? other?.closest("[data-list=line]");
    if (into && (!other || other !== dragged.one)) {
      const box = other?.getBoundingClientRect();
      into.insertBefore(dragged.one, other ? (event.clientY > box.top + box.height / 2 ? other.nextElementSibling : other) : null);
      dragged.moved = true;
    }
    dragged.one.classList.add("is-dragged");
    if (event.clientY < 60) scrollBy(0, -12);
    if (event.clientY > innerHeight - 60) scrollBy(0, 12);
  });
  const drop = (kept) => {
    if (!dragged) return;
    const { one, moved, home } = dragged;
    dragged = null;
    one.classList.remove("is-dragged");
    if (!moved) return;
    const place = [...list("line").children].indexOf(one) + 1;
    home.parent.insertBefore(one, home.next);
    if (kept) put(one, place);
  };
  root.addEventListener("pointerup", () => drop(true));
  root.addEventListener("pointercancel", () => drop(false));

  for (const hidden of root.querySelectorAll("[data-act][hidden]")) hidden.hidden = false;
  paint();
}
