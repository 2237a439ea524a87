// Coming in to vote: the code of a card's link goes into the form, and out of the address; the puzzle before a message.

import { solve, Unsolvable } from "./challenge.js";

const byCode = document.querySelector("[data-ladder-code]");
if (byCode && location.hash.length > 1) {
  const field = byCode.querySelector("[name=code]");
  field.value = decodeURIComponent(location.hash.slice(1)).slice(0, 40);
  history.replaceState(null, "", location.pathname); // it stays in no history and goes out with no link
  byCode.querySelector("[data-ladder-filled]").hidden = false;
  byCode.querySelector("[type=submit]").focus();
}

const withPuzzle = document.querySelector("[data-ladder-puzzle]");
if (withPuzzle) {
  const words = JSON.parse(withPuzzle.dataset.voteWords);
  const told = withPuzzle.querySelector("[data-vote-told]");
  const solution = withPuzzle.querySelector("[name=challenge]");
  const tell = (text, kind) => {
    const notice = document.createElement("p");
    notice.className = `notice notice-${kind}`;
    notice.textContent = text;
    told.replaceChildren(notice);
  };
  withPuzzle.addEventListener("submit", async (event) => {
    if (!event.submitter?.hasAttribute("data-ladder-send") || solution.value) return;
    event.preventDefault();
    tell(words.puzzle, "info");
    try {
      solution.value = await solve(`/api/v1/polls/${withPuzzle.dataset.ladderPuzzle}`, withPuzzle.dataset.ladderSolver);
      withPuzzle.requestSubmit(event.submitter);
    } catch (fault) {
      tell(fault instanceof Unsolvable ? words.puzzle_cannot : words.puzzle_failed, "warning");
    }
  });
}

document.querySelector("[data-print]")?.addEventListener("click", () => print());
