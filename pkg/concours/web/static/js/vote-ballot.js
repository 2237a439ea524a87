// Ballots of several choices: what is marked is kept over the pages of the gallery, and sent together. Without this
// script the same marks travel with the form to the page of the ballot.

import { Refused, asVoter, keep, keepReceipt, newNonce, refreshVoter, root, say, tell, words } from "./vote.js";

const form = document.querySelector("[data-vote-ballot]");
const marks = () => [...document.querySelectorAll("input[data-vote-choice]")];

// What is chosen: [number, title] in the order of choosing.
const chosen = new Map(keep.read("chosen", []));
const keepChosen = () => keep.write("chosen", [...chosen]);

function show() {
  const [least, most, count] = [Number(form.dataset.least), Number(form.dataset.most), chosen.size];
  const fits = least <= count && count <= most;
  const sentence = count < least && count > 0 ? words.chosen_more : count > most ? words.chosen_fewer : words.chosen;
  const range = least === most ? most : `${least}–${most}`;
  const more = count < least ? least - count : count - most;
  form.querySelector("[data-vote-chosen]").textContent = say(sentence, { count, most: range, more });
  const send = form.querySelector("[data-vote-send]");
  send.textContent = words.send;
  send.setAttribute("aria-disabled", String(!fits));
  send.classList.toggle("vote-not-yet", !fits);
  const review = form.querySelector("[data-vote-review]");
  if (review) {
    review.hidden = count === 0;
    review.search = new URLSearchParams([...chosen.keys()].map((number) => ["candidate", number])).toString();
  }
  for (const mark of marks()) {
    mark.checked = chosen.has(mark.value);
    mark.closest("label").classList.toggle("vote-chosen", mark.checked);
    const told = mark.disabled ? words.voted : mark.checked ? words.is_chosen : words.choose;
    mark.closest("label").querySelector("span").textContent = told;
  }
}

async function send() {
  if (root.dataset.voteFirstStep) {
    location.assign(root.dataset.voteFirstStep);
    return;
  }
  const candidates = [...chosen.keys()].map(Number).sort((a, b) => a - b);
  const pending = keep.read("ballot", null);
  const nonce = pending?.of === candidates.join() ? pending.nonce : newNonce();
  keep.write("ballot", { of: candidates.join(), nonce }); // sending again after an answer got lost cannot count twice
  const button = form.querySelector("[data-vote-send]");
  button.setAttribute("aria-busy", "true");
  tell(words.sending, "info");
  try {
    const { answer } = await asVoter("POST", "/votes", { candidates, nonce });
    for (const receipt of answer.receipts) keepReceipt(receipt, chosen.get(String(receipt.candidate)) ?? "");
    keep.write("ballot", null);
    chosen.clear();
    keepChosen();
    location.assign(`${form.dataset.receipts}?${new URLSearchParams(answer.receipts.map(({ id }) => ["id", id]))}`);
  } catch (refused) {
    if (refused instanceof Refused && refused.status < 500) keep.write("ballot", null);
    tell(refused.code === "sign_in_required" ? words.sign_in : refused.message, "warning", { hint: refused.hint });
    if (refused.code === "already_voted" || refused.code === "quota_used") await refreshVoter();
  } finally {
    button.removeAttribute("aria-busy");
  }
}

if (form) {
  if ("voteWhole" in form.dataset) {
    // This page shows all that is chosen, as the server was told; one that was told nothing is told what is kept.
    const told = marks().filter((mark) => mark.checked);
    if (told.length === 0 && chosen.size > 0 && !location.search && performance.getEntriesByType("navigation")[0]?.type !== "reload") {
      location.replace(`?${new URLSearchParams([...chosen.keys()].map((number) => ["candidate", number]))}`);
    }
    chosen.clear();
    for (const mark of told) chosen.set(mark.value, mark.dataset.voteTitle);
    keepChosen();
  }
  document.addEventListener("change", ({ target }) => {
    if (!("voteChoice" in (target.dataset ?? {}))) return;
    if (target.checked) chosen.set(target.value, target.dataset.voteTitle);
    else chosen.delete(target.value);
    keepChosen();
    show();
  });
  form.addEventListener("submit", (event) => {
    if (event.submitter?.name === "go") return; // looking for more: the server shows it, with what is chosen
    event.preventDefault();
    const button = form.querySelector("[data-vote-send]");
    if (button.getAttribute("aria-busy") === "true") return;
    if (button.getAttribute("aria-disabled") === "true") tell(form.querySelector("[data-vote-chosen]").textContent, "info");
    else send();
  });
  document.addEventListener("vote:voter", ({ detail }) => {
    for (const number of detail.full.map(String)) {
      chosen.delete(number);
      for (const mark of marks().filter((each) => each.value === number)) mark.disabled = true;
    }
    keepChosen();
    show();
  });
  show();
}
