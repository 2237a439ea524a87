// The page of the light table: its parts, its words, and what the browser keeps for it.

const table = document.getElementById("light-table");

function storage(kind) {
  try {
    window[kind].setItem("lt-probe", "1");
    window[kind].removeItem("lt-probe");
    return window[kind];
  } catch {
    return null;
  }
}

export const page = {
  table,
  find: (name) => table.querySelector(`[data-lt="${name}"]`),
  device: storage("localStorage"),
  visit: storage("sessionStorage"),
};
export const words = JSON.parse(table.dataset.words);
export const say = (name, values = {}) => words[name].replace(/\{(\w+)\}/g, (_, key) => values[key] ?? "");

// A choice of this judge on this device.
export function kept(name, value) {
  try {
    page.device?.setItem(`lt-${name}`, value);
  } catch {
    // the choice lasts for this page only
  }
}
