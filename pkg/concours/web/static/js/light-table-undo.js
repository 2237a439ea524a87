// What can be taken back: every mark of this visit, without limit, each in a place of its own so that none is rewritten.

export class Undo {
  constructor(prefix, storage) {
    Object.assign(this, { prefix: `${prefix}:u:`, storage });
    this.steps = []; // {token, before}
    try {
      const keys = Object.keys(storage ?? {}).filter((key) => key.startsWith(this.prefix)).sort();
      this.steps = keys.map((key) => JSON.parse(storage.getItem(key)));
    } catch {
      this.steps = []; // what cannot be read cannot be taken back
    }
    this.write(() => this.steps.forEach((step, n) => storage.setItem(this.key(n), JSON.stringify(step))));
  }

  get length() {
    return this.steps.length;
  }

  push(token, before) {
    this.steps.push({ token, before });
    this.write(() => this.storage.setItem(this.key(this.steps.length - 1), JSON.stringify({ token, before })));
  }

  pop() {
    const last = this.steps.pop();
    this.write(() => this.storage.removeItem(this.key(this.steps.length)));
    return last;
  }

  key(n) {
    return `${this.prefix}${String(n).padStart(7, "0")}`;
  }

  write(act) {
    try {
      if (this.storage) act();
    } catch {
      // a full device: undo lasts for this page only
    }
  }
}
