// How one's own marks lie: how often each answer, or each number of points, was given. Nobody else's marks are in it.

import { element } from "./light-table-view.js";

export function distribution(round, marks, assigned, words) {
  if (round.kind === "yes_no") {
    const given = [...marks.values()].map((mark) => mark.yes);
    const rows = [[words.yes, true], ...(round.maybe ? [[words.maybe, "maybe"]] : []), [words.no, false]].map(([name, said]) => [name, given.filter((one) => one === said).length]);
    return [table("", [...rows, [words.noMark, assigned - given.length]], assigned, words)];
  }
  return round.criteria.map((criterion) => {
    const given = [...marks.values()].map((mark) => mark[criterion.key]).filter((points) => Number.isFinite(points));
    const counts = new Map(steps(criterion).map(([low, high]) => [low === high ? String(low) : `${low}–${high}`, given.filter((points) => points >= low && points <= high).length]));
    const mean = given.length ? given.reduce((sum, points) => sum + points, 0) / given.length : null;
    const title = mean === null ? criterion.title : `${criterion.title} · ${words.mean.replace("{mean}", mean.toFixed(1))}`;
    return table(title, [...counts], Math.max(1, ...counts.values()), words);
  });
}

// The scale in at most eleven ranges of whole points.
function steps({ lowest, highest, step = 1 }) {
  const count = Math.floor((highest - lowest) / step) + 1;
  const wide = Math.ceil(count / 11) * step;
  const found = [];
  for (let low = lowest; low <= highest; low += wide) found.push([low, Math.min(highest, wide === step ? low : low + wide - 1)]);
  return found;
}

function table(title, rows, most, words) {
  return element(
    "table",
    { className: "lt-figure" },
    element("caption", { className: title ? "" : "visually-hidden" }, title || words.distribution),
    element("tbody", {}, ...rows.map(([name, count]) => element("tr", {}, element("th", { scope: "row" }, name), element("td", {}, element("progress", { max: most || 1, value: count, "aria-hidden": "true" })), element("td", { className: "lt-figure-count" }, String(count))))),
  );
}
