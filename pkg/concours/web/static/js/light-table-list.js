// The judge's works: all of them in outline (token, mark, flags), and what is shown of them in pages ahead of the judge.

const PAGE = 50; // works of one request
const RETRY_MS = 3000;

async function fetched(url) {
  const response = await fetch(url, { headers: { Accept: "application/json" } });
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(body.detail ?? "");
  return body;
}

export class Works {
  // addresses: {outline, pages}; arrived(body): a page is here; stale(): a work of the outline is no longer this judge's.
  constructor(addresses, { arrived, stale }) {
    Object.assign(this, { addresses, arrived, stale });
    this.all = []; // {token, position, mark, flags}
    this.details = new Map(); // token -> the work as the server shows it
    this.wanted = [];
    this.busy = false;
    this.timer = 0;
    this.trouble = ""; // why the last page did not come, in words where there are any
    addEventListener("online", () => this.pump());
  }

  async outline() {
    const body = await fetched(this.addresses.outline);
    this.all = body.works;
    return body;
  }

  detail(work) {
    return work && this.details.get(work.token);
  }

  where(token) {
    return this.all.findIndex((work) => work.token === token);
  }

  remove(token) {
    this.all = this.all.filter((work) => work.token !== token);
  }

  // Loads the pages that hold these works, in this order, one request at a time; a later wish replaces an earlier one.
  want(works) {
    this.wanted = works.filter((work) => work && !this.details.has(work.token)).map((work) => work.token);
    this.pump();
  }

  async pump() {
    if (this.busy) return;
    this.busy = true;
    clearTimeout(this.timer);
    try {
      for (;;) {
        const token = this.wanted.find((one) => !this.details.has(one) && this.where(one) >= 0);
        if (token === undefined) break;
        await this.page(this.where(token), token);
      }
      this.trouble = "";
    } catch (reason) {
      this.trouble = reason instanceof TypeError ? "" : reason.message;
      this.timer = setTimeout(() => this.pump(), RETRY_MS);
      this.arrived(null);
    } finally {
      this.busy = false;
    }
  }

  async page(index, token) {
    const first = this.all[index - (index % PAGE)];
    const body = await fetched(`${this.addresses.pages}?after=${first.position - 1}&limit=${PAGE}`);
    for (const work of body.works) this.details.set(work.token, work);
    if (!this.details.has(token)) {
      this.remove(token);
      this.stale();
    }
    this.arrived(body);
  }
}

// What a judge may narrow the table to.
export const FILTERS = {
  all: () => true,
  undecided: (work, mark) => !mark,
  maybe: (work, mark) => mark?.yes === "maybe",
  flagged: (work) => work.flags.length > 0,
};
