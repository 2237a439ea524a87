// Marks on their way to the server. Each is written to this device before anything is sent, under a key of its own (so
// that two windows never overwrite each other), and is removed only when the server has answered for it. Sent in order,
// one request at a time, again and again until the network is back; the client_id makes a repeated sending harmless.

const BATCH = 50;
const RETRY_MS = [1000, 2000, 4000, 8000, 15000];
const ANSWER_WITHIN_MS = 20000;

export class MarkStore {
  // prefix: what is this judge's in this round; storage: localStorage, or null where the browser has none.
  constructor(prefix, storage) {
    this.prefix = prefix;
    this.storage = storage;
    this.memory = new Map(); // what the device would not take
    this.last = 0;
  }

  get durable() {
    return this.storage !== null && this.memory.size === 0;
  }

  add(token, value) {
    const name = crypto.randomUUID ? crypto.randomUUID() : Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("");
    const newest = this.keys("p").at(-1);
    const known = newest ? Number(newest.split(":").at(-2)) : 0;
    this.last = Math.max(Date.now(), this.last + 1, known + 1);
    const mark = { token, client_id: name, value };
    this.write(`${this.prefix}:p:${String(this.last).padStart(16, "0")}:${name}`, mark);
    return mark;
  }

  pending() {
    return this.keys("p").map((key) => ({ key, mark: this.read(key) })).filter((item) => item.mark);
  }

  refused() {
    return this.keys("r").map((key) => ({ key, ...this.read(key) })).filter((item) => item.mark);
  }

  done(key) {
    this.memory.delete(key);
    try {
      this.storage?.removeItem(key);
    } catch {
      // a device that takes nothing has nothing to remove
    }
  }

  refuse(key, mark, message) {
    this.write(key.replace(`${this.prefix}:p:`, `${this.prefix}:r:`), { mark, message });
    this.done(key);
  }

  again(key, mark) {
    this.done(key);
    return this.add(mark.token, mark.value);
  }

  draft(token, value) {
    const key = `${this.prefix}:d:${token}`;
    if (value === undefined) return this.read(key) ?? {};
    if (value === null) this.done(key);
    else this.write(key, value);
    return value;
  }

  keys(kind) {
    const start = `${this.prefix}:${kind}:`;
    const found = [...this.memory.keys()];
    for (let n = 0; n < (this.storage?.length ?? 0); n += 1) found.push(this.storage.key(n));
    return found.filter((key) => key.startsWith(start)).sort();
  }

  read(key) {
    try {
      return this.memory.get(key) ?? JSON.parse(this.storage?.getItem(key) ?? "null");
    } catch {
      return null;
    }
  }

  write(key, value) {
    try {
      if (this.storage === null) throw new Error("no storage");
      this.storage.setItem(key, JSON.stringify(value));
    } catch {
      this.memory.set(key, value);
    }
  }
}

export class Sender {
  // tell(state, detail): state is saved, saving, waiting, signed-out or blocked; answered(body): after each answer.
  // body(mark): what is sent of it.
  constructor({ store, url, csrf, renew, tell, answered, body = (mark) => mark }) {
    Object.assign(this, { store, url, csrf, renew, tell, answered, body });
    this.failures = 0;
    this.timer = 0;
    this.running = false;
    this.wanted = false;
    addEventListener("online", () => this.now());
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this.now());
    addEventListener("pagehide", () => this.farewell());
    addEventListener("storage", (event) => event.key?.startsWith(store.prefix) && this.now());
  }

  now() {
    this.wanted = this.running; // what comes while the last answer is taken in is sent right after it
    clearTimeout(this.timer);
    this.failures = 0;
    if (this.store.pending().length) this.tell("saving"); // before anything is sent: “saved” is never said too early
    this.pump();
  }

  async pump() {
    if (this.running) return;
    this.running = true;
    try {
      // One window sends; another of the same judge leaves it to that one and looks again.
      if (navigator.locks) {
        await navigator.locks.request(this.store.prefix, { ifAvailable: true }, (lock) =>
          lock ? this.sendAll() : this.later("saving", 1000),
        );
      } else {
        await this.sendAll();
      }
    } finally {
      this.running = false;
    }
    if (this.wanted) {
      this.wanted = false;
      clearTimeout(this.timer);
      this.pump();
    }
  }

  async sendAll() {
    for (;;) {
      const batch = this.store.pending().slice(0, BATCH);
      if (!batch.length) {
        this.failures = 0;
        this.tell("saved");
        return;
      }
      this.tell("saving");
      let response;
      try {
        response = await this.post(batch, AbortSignal.timeout?.(ANSWER_WITHIN_MS));
      } catch {
        this.later("waiting");
        return;
      }
      if (!(await this.take(response, batch))) return;
    }
  }

  post(batch, signal, keepalive = false) {
    return fetch(this.url, {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "application/json", "X-CSRFToken": this.csrf },
      body: JSON.stringify(batch.map((item) => this.body(item.mark))),
      credentials: "same-origin",
      redirect: "manual",
      keepalive,
      signal,
    });
  }

  // What the server said; true: go on with the next batch.
  async take(response, batch) {
    const body = await response.json().catch(() => null);
    if (response.ok && Array.isArray(body?.results)) {
      const fates = new Map(body.results.map((fate) => [fate.client_id, fate]));
      for (const { key, mark } of batch) {
        const fate = fates.get(mark.client_id);
        if (fate?.saved) this.store.done(key);
        else if (fate) this.store.refuse(key, mark, [fate.message, fate.hint].filter(Boolean).join(" "));
      }
      this.failures = 0;
      this.answered(body);
      return true;
    }
    if (response.status === 400 && body?.code === "csrf" && !this.renewed) {
      this.renewed = true;
      const token = await this.renew().catch(() => null);
      if (token) {
        this.csrf = token;
        return true;
      }
    }
    this.renewed = false;
    const signedOut = response.status === 401 || response.type === "opaqueredirect" || body?.code === "csrf";
    if (signedOut) this.later("signed-out", 15000);
    else if (response.status >= 500 || response.status === 429) this.later("waiting", 1000 * Number(response.headers.get("Retry-After") || 0));
    else this.later("blocked", 60000, body?.detail);
    return false;
  }

  later(state, after = 0, detail = "") {
    const wait = Math.max(after, RETRY_MS[Math.min(this.failures, RETRY_MS.length - 1)]);
    this.failures += 1;
    this.tell(state, detail);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.pump(), wait);
  }

  // The page is being left: what is pending is sent once more; if that fails it is sent when the table is opened again.
  farewell() {
    const batch = this.store.pending().slice(0, BATCH);
    if (batch.length) this.post(batch, undefined, true).catch(() => {});
  }
}
