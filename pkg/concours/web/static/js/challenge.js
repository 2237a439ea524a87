// Solves a challenge of the ALTCHA protocol (version 2) with the solver of the altcha package, one worker per core, and
// says so in words. The page stays usable meanwhile; what is said goes into a live region, so it is heard as well.

const MOST_WORKERS = 8;
const PATIENCE_MS = 120_000;

export class Unsolvable extends Error {}

// `api`: the poll's address in the API; `solver`: the worker's. Resolves to what the server wants as `challenge`.
export async function solve(api, solver) {
  if (!globalThis.isSecureContext || !globalThis.Worker) throw new Unsolvable();
  const response = await fetch(`${api}/challenge`, { headers: { Accept: "application/json" }, cache: "no-store" });
  if (!response.ok) throw new Error(String(response.status));
  const challenge = await response.json();
  const count = Math.min(MOST_WORKERS, Math.max(1, navigator.hardwareConcurrency || 1));
  const workers = [];
  try {
    const solution = await new Promise((found, failed) => {
      let working = count;
      for (let start = 0; start < count; start += 1) {
        const worker = new Worker(solver);
        workers.push(worker);
        worker.addEventListener("error", () => failed(new Unsolvable()));
        worker.addEventListener("message", ({ data }) => {
          if (data?.derivedKey) found(data);
          else if (data?.error || (working -= 1) === 0) failed(new Unsolvable());
        });
        worker.postMessage({ type: "work", challenge, counterStart: start, counterStep: count, timeout: PATIENCE_MS });
      }
    });
    return btoa(JSON.stringify({ challenge, solution }));
  } finally {
    for (const worker of workers) worker.terminate();
  }
}
