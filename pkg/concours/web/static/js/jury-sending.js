// What the pages of rankings and pairs share: marks are kept on this device, sent in order, and the line says so.

import { MarkStore, Sender } from "./light-table-queue.js";

function device() {
  try {
    window.localStorage.setItem("lt-probe", "1");
    window.localStorage.removeItem("lt-probe");
    return window.localStorage;
  } catch {
    return null;
  }
}

// root: the element with data-seat, data-csrf and data-words; body(mark): what is sent of it.
export function sending(root, { prefix, url, body, answered = () => {} }) {
  const store = new MarkStore(`${prefix}:${root.dataset.seat}`, device());
  const words = JSON.parse(root.dataset.words);
  const part = (name) => root.querySelector(`[data-kind="${name}"]`);
  const tell = (state, detail = "") => {
    const n = store.pending().length;
    const text = { saved: words.saved, saving: words.saving, waiting: words.waiting, "signed-out": words.signedOut, blocked: detail || words.blocked }[state].replace("{n}", n);
    part("state").hidden = false;
    part("state").dataset.state = state;
    if (part("state-text").textContent !== text) part("state-text").textContent = text;
    part("sign-in").hidden = state !== "signed-out";
    const lost = store.refused();
    part("refused").hidden = !lost.length;
    if (!lost.length) return;
    part("refused").replaceChildren(...lost.map(({ message }) => Object.assign(document.createElement("li"), { textContent: message })));
    lost.forEach(({ key }) => store.done(key)); // said once; what the server kept is shown after a reload
  };
  const sender = new Sender({
    store,
    url,
    csrf: root.dataset.csrf,
    renew: async () => {
      const again = await (await fetch(location.href, { redirect: "manual" })).text();
      return new DOMParser().parseFromString(again, "text/html").getElementById(root.id)?.dataset.csrf;
    },
    tell,
    answered,
    ...(body ? { body } : {}),
  });
  addEventListener("beforeunload", (event) => {
    if (store.pending().length && !store.durable) event.preventDefault();
  });
  tell(store.pending().length ? "saving" : "saved");
  sender.now();
  return {
    pending: () => store.pending().map((item) => item.mark),
    send(token, value) {
      store.add(token, value);
      sender.now();
    },
  };
}
