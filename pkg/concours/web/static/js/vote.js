// Voting: one press, one vote. The nonce of a press is kept until its answer came, so that trying again (a slow network,
// a reloaded page, an answer that got lost) can never count twice.

import { solve, Unsolvable } from "./challenge.js";

export const root = document.querySelector("[data-vote-poll]");
const poll = root.dataset.votePoll;
export const words = JSON.parse(root.dataset.voteWords);
const api = `/api/v1/polls/${poll}`;
const TRIES = 6;
const PATIENCE_MS = 10_000;
const KEPT = 500;

export const say = (text, values = {}) => text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

// What this browser keeps. Where storage is refused (private windows), it is kept as long as the page is open.
const memory = new Map();
export const keep = {
  read(name, otherwise) {
    try {
      return JSON.parse(localStorage.getItem(`concours.${name}.${poll}`)) ?? memory.get(name) ?? otherwise;
    } catch {
      return memory.get(name) ?? otherwise;
    }
  },
  write(name, value) {
    memory.set(name, value);
    try {
      localStorage.setItem(`concours.${name}.${poll}`, JSON.stringify(value));
    } catch {
      // the page's own memory has it
    }
  },
};

export const newNonce = () => [...crypto.getRandomValues(new Uint8Array(16))].map((b) => b.toString(16).padStart(2, "0")).join("");

export class Refused extends Error {
  constructor(status, problem) {
    super(problem.detail ?? String(status));
    this.status = status;
    this.code = problem.code;
    this.hint = problem.hint;
  }
}

// Asks the API; repeats where nobody knows what came of it (no answer, 5xx), which is safe for all that is asked here.
async function ask(method, path, { body, voter } = {}) {
  let last = new Error(words.offline);
  for (let round = 0; round < TRIES; round += 1) {
    if (round > 0) {
      tell(words.again, "info");
      await sleep(last.wait ?? Math.min(8000, 500 * 2 ** round) * (0.75 + Math.random() / 2));
    }
    try {
      const headers = { Accept: "application/json" };
      if (body) headers["Content-Type"] = "application/json";
      if (voter) headers.Authorization = `Voter ${voter}`;
      const response = await fetch(api + path, {
        method,
        headers,
        body: body && JSON.stringify(body),
        signal: AbortSignal.timeout(PATIENCE_MS),
      });
      const answer = await response.json().catch(() => ({}));
      if (response.ok) return { status: response.status, answer };
      last = new Refused(response.status, answer);
      if (response.status < 500) throw last;
      last.wait = Number(response.headers.get("Retry-After")) * 1000 || undefined;
    } catch (fault) {
      if (fault instanceof Refused && fault.status < 500) throw fault;
      if (!(fault instanceof Refused)) last = new Error(words.offline);
    }
  }
  throw last;
}

// A device's token is kept by the browser, any other by the page alone: the next person here may be another one, and
// who came in by a code or a number is known by a cookie that no script can read.
const byDevice = (root.dataset.voteWay ?? "device") === "device";
const voterKnown = () => (byDevice ? keep.read("voter") : memory.get("voter"));

async function voterToken(renew = false) {
  const known = voterKnown();
  if (known && !renew) return known;
  const voter = await newVoter();
  if (byDevice) keep.write("voter", voter);
  else memory.set("voter", voter);
  return voter;
}

async function newVoter() {
  try {
    return (await ask("POST", "/voters")).answer.voter;
  } catch (refused) {
    if (refused.code !== "challenge_required") throw refused;
  }
  tell(words.puzzle, "info");
  let challenge;
  try {
    challenge = await solve(api, root.dataset.voteSolver);
  } catch (fault) {
    throw new Error(fault instanceof Unsolvable ? words.puzzle_cannot : words.puzzle_failed);
  }
  tell(words.sending, "info");
  return (await ask("POST", "/voters", { body: { challenge } })).answer.voter;
}

export async function asVoter(method, path, body) {
  try {
    return await ask(method, path, { body, voter: await voterToken() });
  } catch (refused) {
    if (refused.code !== "voter_required") throw refused;
    return ask(method, path, { body, voter: await voterToken(true) });
  }
}

const told = document.querySelector("[data-vote-told]");
export function tell(text, kind, { hint, link } = {}) {
  if (!told) return;
  const notice = document.createElement("p");
  notice.className = `notice notice-${kind}`;
  notice.append(text);
  if (link) {
    const anchor = document.createElement("a");
    anchor.href = link.url;
    anchor.textContent = link.text;
    notice.append(" ", anchor);
  }
  if (hint) {
    const more = document.createElement("span");
    more.className = "vote-hint";
    more.textContent = hint;
    notice.append(more);
  }
  told.replaceChildren(notice);
}

const least = Number(document.querySelector("[data-vote-ballot]")?.dataset.least ?? 1); // choices that a ballot must have
function showLeft(today, total) {
  const sentences = [];
  if (today === 0) sentences.push(words.left_none);
  else if (today < least && today !== null && today !== undefined) sentences.push(say(words.left_short, { count: today }));
  else if (today === 1) sentences.push(words.left_one);
  else if (today !== null && today !== undefined) sentences.push(say(words.left, { count: today }));
  if (total !== null && total !== undefined) sentences.push(say(words.left_total, { count: total }));
  for (const place of document.querySelectorAll("[data-vote-left]")) place.textContent = sentences.join(" ");
  const bar = document.querySelector("[data-vote-bar]");
  if (bar) bar.hidden = sentences.length === 0;
}

const buttons = () => [...document.querySelectorAll("button[data-vote-for]")];
function markVoted(candidate) {
  for (const button of buttons().filter((b) => b.dataset.voteFor === String(candidate))) {
    button.setAttribute("aria-disabled", "true"); // not `disabled`: the keyboard's place stays where it is
    button.textContent = words.voted;
    button.removeAttribute("aria-label");
    button.classList.replace("btn-primary", "btn-outline-success");
    button.classList.add("vote-done");
  }
}

export const receiptUrl = (id) => root.dataset.voteReceipt.replace("RECEIPT", encodeURIComponent(id));

export function keepReceipt(receipt, title) {
  const kept = keep.read("receipts", []).filter((other) => other.id !== receipt.id);
  kept.unshift({ ...receipt, title, at: new Date().toISOString() });
  keep.write("receipts", kept.slice(0, KEPT));
}

async function vote(button) {
  const { voteFor: candidate, voteTitle: title } = button.dataset;
  if (button.getAttribute("aria-busy") === "true") return;
  if (root.dataset.voteFirstStep) {
    location.assign(root.dataset.voteFirstStep);
    return;
  }
  const pending = keep.read("pending", {});
  const nonce = pending[candidate] ?? newNonce();
  keep.write("pending", { ...pending, [candidate]: nonce });
  const forget = () => {
    const { [candidate]: _done, ...others } = keep.read("pending", {});
    keep.write("pending", others);
  };
  button.setAttribute("aria-busy", "true");
  tell(words.sending, "info");
  try {
    const { status, answer } = await asVoter("POST", "/votes", { candidate: Number(candidate), nonce });
    forget();
    keepReceipt(answer.receipt, title);
    const link = { url: receiptUrl(answer.receipt.id), text: words.receipt };
    tell(say(status === 201 ? words.counted : words.taken, { title }), status === 201 ? "success" : "info", { link });
    if (status === 202) watch(answer.receipt.id, () => tell(say(words.counted, { title }), "success", { link }));
    await refreshVoter();
    refreshCounts();
  } catch (refused) {
    if (refused instanceof Refused && refused.status < 500) forget();
    if (refused.code === "sign_in_required") {
      tell(words.sign_in, "warning");
    } else {
      tell(refused.message, refused.code === "already_voted" ? "info" : "warning", { hint: refused.hint });
    }
    if (refused.code === "already_voted" || refused.code === "quota_used") await refreshVoter();
  } finally {
    button.removeAttribute("aria-busy");
  }
}

// What the voter has left; asked only of those who have a token already.
export async function refreshVoter() {
  try {
    const voter = byDevice || !root.dataset.voteWay ? voterKnown() : await voterToken();
    if (!voter) return;
    const response = await fetch(`${api}/voter`, { headers: { Authorization: `Voter ${voter}`, Accept: "application/json" } });
    if (!response.ok) return;
    const now = await response.json();
    showLeft(now.left_today, now.left_total);
    for (const candidate of now.full) markVoted(candidate);
    document.dispatchEvent(new CustomEvent("vote:voter", { detail: now }));
  } catch {
    // the next vote says what is left
  }
}

// The counts, as long as somebody looks; the ETag makes the usual answer an empty one.
const places = [...document.querySelectorAll("[data-vote-votes]")];
async function refreshCounts() {
  if (places.length === 0 || document.hidden) return;
  try {
    const response = await fetch(`${api}/standings`, { cache: "no-cache" });
    if (!response.ok) return;
    const counts = new Map((await response.json()).map((row) => [String(row.candidate), row.votes]));
    for (const place of places) {
      const count = counts.get(place.dataset.voteVotes) ?? 0;
      const shown = count.toLocaleString(document.documentElement.lang);
      place.textContent = "votePlain" in place.dataset ? shown : say(words.votes, { count: shown });
    }
  } catch {
    // tried again with the next round
  }
}

// A provisional receipt is looked up until it stands.
async function watch(id, whenRecorded) {
  for (let round = 0; round < 60; round += 1) {
    await sleep(Math.min(5000, 1000 + round * 250));
    const response = await fetch(`${api}/receipts/${encodeURIComponent(id)}`).catch(() => null);
    if (!response?.ok) continue;
    const receipt = await response.json();
    if (receipt.status === "recorded") {
      whenRecorded();
      return;
    }
    if (receipt.status === "unknown" || receipt.status === "refused") {
      tell(receipt.status === "unknown" ? words.lost : words.refused, "danger");
      return;
    }
  }
}

// The saved file is the receipt as it is recorded now, with the tag and the nonce that only this browser may have.
// Without them, and without this script, it is what everybody may read.
const save = document.querySelector("a[data-vote-save]");
const mine = save && keep.read("receipts", []).find(({ id }) => id === save.dataset.voteSave);
if (mine) {
  save.addEventListener("click", async (event) => {
    event.preventDefault();
    const answer = await fetch(save.href, { headers: { Accept: "application/json" } }).catch(() => null);
    const { title, at, ...whole } = { ...mine, ...(answer?.ok ? await answer.json() : {}) };
    const file = document.createElement("a");
    file.href = URL.createObjectURL(new Blob([JSON.stringify(whole, null, 1)], { type: "application/json" }));
    file.download = save.download;
    file.click();
    setTimeout(() => URL.revokeObjectURL(file.href), 60_000);
  });
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-vote-for]");
  if (button) {
    event.preventDefault();
    if (button.getAttribute("aria-disabled") !== "true") vote(button);
  }
  const copy = event.target.closest("[data-vote-copy]");
  if (copy) {
    const field = document.getElementById(copy.dataset.voteCopy);
    field.select();
    const copied = () => tell(words.copied, "success");
    if (navigator.clipboard) navigator.clipboard.writeText(field.value).then(copied, () => {});
    else if (document.execCommand("copy")) copied();
  }
});

// The receipts that this browser keeps.
const kept = document.querySelector("[data-vote-kept]");
if (kept) {
  const receipts = keep.read("receipts", []);
  for (const receipt of receipts) {
    const line = document.createElement("li");
    const link = document.createElement("a");
    link.href = receiptUrl(receipt.id);
    link.textContent = receipt.title;
    const when = document.createElement("span");
    when.className = "vote-by";
    when.textContent = new Date(receipt.at).toLocaleString(document.documentElement.lang);
    line.append(link, when);
    kept.append(line);
  }
  if (receipts.length === 0) {
    const line = document.createElement("li");
    line.textContent = words.none_kept;
    kept.append(line);
  }
}

if (root.dataset.voteCheck) watch(root.dataset.voteCheck, () => location.reload());
refreshVoter();
refreshCounts();
if (places.length > 0) setInterval(refreshCounts, 15_000);
document.addEventListener("visibilitychange", refreshCounts);
