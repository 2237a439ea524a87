// Sends files over networks that come and go: resumable (tus 1.0), two at a time, pausing and going on by itself, and saying in
// words what became of each. One module for all uploaders of a page. Without script the form sends the files as it is.

import { follow } from "./media-status.js";

const CHUNK = 5 * 1024 * 1024; // bytes of one request; the server takes at most 8 MiB
const AT_CREATION = 1024 * 1024; // a small file goes in one request
const AT_ONCE = 2;
const RETRY_MS = [0, 1000, 3000, 5000];
const OFFLINE_MS = 5000;
const KEPT_MS = 3 * 24 * 3600 * 1000; // the server keeps an unfinished upload for three days
const STORED = "tus::";

let library = null;
const tus = (address) => {
  library ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = address;
    script.onload = () => resolve(window.tus);
    script.onerror = () => {
      library = null;
      script.remove();
      reject(new Error("the upload library cannot be fetched"));
    };
    document.head.append(script);
  });
  return library;
};

const size = (bytes) => (bytes < 1048576 ? `${Math.max(1, Math.round(bytes / 1024))} KB` : `${(bytes / 1048576).toFixed(1)} MB`);

// ---- a phone that goes to sleep stops sending: it is kept awake while something is under way ----
let awake = null;
const keepAwake = async (wanted) => {
  try {
    if (wanted && !awake) awake = await navigator.wakeLock?.request("screen");
    else if (!wanted && awake) {
      awake.release();
      awake = null;
    }
  } catch {
    awake = null; // the battery is low, or the page is hidden
  }
};

class Sending {
  constructor(uploader, file, name) {
    this.uploader = uploader;
    this.file = file;
    this.name = name;
    this.details = uploader.details; // as they were when the file was chosen
    this.state = "waiting";
    this.upload = null;
    this.timer = 0;
    this.item = uploader.template.content.firstElementChild.cloneNode(true);
    this.find("name").textContent = name;
    this.find("progress").setAttribute("aria-label", name);
    uploader.list.append(this.item);
  }

  find(part) {
    return this.item.querySelector(`[data-upload-${part}]`);
  }

  show(state, words, acts = []) {
    this.state = state;
    this.item.className = `upload upload-${state}`;
    this.find("said").textContent = words;
    const held = this.find("acts").contains(document.activeElement);
    this.find("acts").replaceChildren(
      ...acts.map((act) => {
        const button = document.createElement("button");
        button.type = "button";
        button.className = "btn btn-outline-secondary btn-sm";
        button.textContent = this.uploader.said(act);
        button.setAttribute("aria-label", `${button.textContent}: ${this.name}`);
        button.addEventListener("click", () => this[act]());
        return button;
      }),
    );
    if (held) (this.find("acts").querySelector("button") || this.uploader.input).focus();
    this.uploader.changed();
  }

  news(words) {
    this.uploader.news.textContent = `${this.name} – ${words}`;
  }

  progress(sent) {
    const share = this.file.size ? sent / this.file.size : 0;
    this.find("progress").value = share;
    this.find("figures").textContent = `${size(sent)} / ${size(this.file.size)} · ${Math.floor(share * 100)}%`;
  }

  queue() {
    this.progress(0);
    this.show("waiting", this.uploader.said("waiting"), ["cancel"]);
  }

  async begin() {
    this.show("sending", this.uploader.said("preparing"), ["cancel"]);
    let Upload;
    try {
      ({ Upload } = await tus(this.uploader.data.library));
    } catch {
      this.wait();
      return;
    }
    if (this.state !== "sending") return;
    const { purpose, purposeId } = this.uploader.data;
    const details = this.details;
    this.upload = new Upload(this.file, {
      endpoint: this.uploader.data.endpoint,
      chunkSize: CHUNK,
      retryDelays: RETRY_MS,
      uploadDataDuringCreation: this.file.size <= AT_CREATION, // until it is answered nothing of it can be resumed
      removeFingerprintOnSuccess: true,
      headers: { Accept: "application/json" },
      metadata: { ...details, filename: this.name, filetype: this.file.type, purpose, purpose_id: purposeId },
      fingerprint: async (file) =>
        ["concours", purpose, purposeId, JSON.stringify(details), this.name, file.size, file.lastModified].join("|"),
      onProgress: (sent) => this.progress(sent),
      onShouldRetry: (error, attempt) => {
        const status = error.originalResponse?.getStatus() ?? 0;
        const helps = status === 0 || status >= 500 || status === 409 || status === 423 || status === 460;
        if (helps) this.find("said").textContent = navigator.onLine ? this.uploader.said("again") : this.uploader.said("offline");
        return helps && navigator.onLine && attempt < RETRY_MS.length;
      },
      onAfterResponse: (_request, response) => {
        this.asset = response.getHeader("X-Asset") || this.asset;
        if (this.state === "sending" && response.getStatus() < 300) this.find("said").textContent = this.uploader.said("sending");
      },
      onError: (error) => this.failed(error),
      onSuccess: () => this.arrived(),
    });
    const before = (await this.upload.findPreviousUploads()).filter((found) => Date.now() - new Date(found.creationTime) < KEPT_MS);
    if (this.state !== "sending") return;
    if (before.length) this.upload.resumeFromPreviousUpload(before.at(-1));
    this.uploader.forgetInterrupted(this.name, this.file.size);
    this.go();
  }

  go() {
    clearTimeout(this.timer);
    this.show("sending", this.uploader.said("sending"), ["pause", "cancel"]);
    this.upload.start();
  }

  pause() {
    clearTimeout(this.timer);
    this.upload.abort();
    this.show("paused", this.uploader.said("paused"), ["resume", "cancel"]);
  }

  resume() {
    if (this.upload) this.go();
    else this.begin();
  }

  wait() {
    this.show("offline", this.uploader.said(navigator.onLine ? "again" : "offline"), ["resume", "cancel"]);
    this.news(this.uploader.said("offline"));
    clearTimeout(this.timer);
    this.timer = setTimeout(() => (navigator.onLine ? this.resume() : this.wait()), OFFLINE_MS);
  }

  async cancel() {
    clearTimeout(this.timer);
    const upload = this.upload;
    this.upload = null;
    this.close();
    try {
      await upload?.abort(true);
    } catch {
      // the server drops it by itself after some time
    }
  }

  close() {
    const next = this.item.nextElementSibling?.querySelector("button") || this.uploader.input;
    const held = this.item.contains(document.activeElement);
    this.state = "closed";
    this.item.remove();
    this.uploader.sendings.delete(this);
    if (held) next.focus();
    this.uploader.changed();
  }

  failed(error) {
    if (this.state !== "sending") return;
    const response = error.originalResponse;
    const status = response?.getStatus() ?? 0;
    if (status === 0 || status >= 500 || status === 423 || status === 409) {
      this.wait();
      return;
    }
    let problem = {};
    try {
      problem = JSON.parse(response.getBody());
    } catch {
      // a proxy's answer
    }
    if (status === 429) this.refuse(problem, "paused", ["resume", "cancel"]);
    else if (status === 401) this.refuse({ detail: this.uploader.said("signIn") });
    else this.refuse(problem);
  }

  refuse(problem, state = "refused", acts = ["close"]) {
    const words = [problem.detail || this.uploader.said("failed"), problem.hint].filter(Boolean).join(" ");
    this.show(state, words, acts);
    this.news(words);
  }

  arrived() {
    this.progress(this.file.size);
    this.show("checking", this.uploader.said("checking"));
    this.news(this.uploader.said("checking"));
    this.uploader.tell("concours:uploaded", { asset: Number(this.asset), filename: this.name });
    follow(this.uploader.data.status.replace("/0/", `/${this.asset}/`), {
      late: () => this.show("checking", this.uploader.said("late"), ["close"]),
      lost: () => this.show("checking", this.uploader.said("late"), ["close"]),
      done: (found) => {
        if (found.status === "ready") {
          this.show("ready", this.uploader.said("ready"), ["close"]);
          this.news(this.uploader.said("ready"));
          const picture = found.renditions.w400 || found.renditions.poster400 || found.renditions.poster;
          if (picture) {
            const image = new Image();
            image.src = picture.url;
            image.alt = "";
            this.find("picture").replaceChildren(image);
          }
        } else this.refuse({ detail: found.refusal });
        this.uploader.tell("concours:checked", found);
      },
    });
  }
}

class Uploader {
  constructor(element) {
    this.element = element;
    this.data = element.dataset;
    this.list = element.querySelector("[data-uploads]");
    this.template = element.querySelector("[data-upload-item]");
    this.input = element.querySelector("input[type=file]");
    this.news = element.querySelector("[data-upload-news]");
    this.place = element.querySelector(".uploader-place");
    this.sendings = new Set();
    this.input.addEventListener("change", () => {
      this.choose([...this.input.files]);
      this.input.value = "";
    });
    element.querySelector("form").addEventListener("submit", (event) => event.preventDefault());
    for (const kind of ["dragenter", "dragover"]) {
      this.place.addEventListener(kind, (event) => {
        event.preventDefault();
        this.place.classList.add("is-over");
      });
    }
    for (const kind of ["dragleave", "drop"]) this.place.addEventListener(kind, () => this.place.classList.remove("is-over"));
    this.place.addEventListener("drop", (event) => {
      event.preventDefault();
      const files = [...event.dataTransfer.files];
      this.choose(this.input.multiple ? files : files.slice(0, 1));
    });
    this.showInterrupted();
  }

  said(what) {
    return this.data[`said${what[0].toUpperCase()}${what.slice(1)}`];
  }

  get details() {
    return JSON.parse(this.data.details || "{}");
  }

  tell(name, detail) {
    this.element.dispatchEvent(new CustomEvent(name, { bubbles: true, detail }));
  }

  choose(files) {
    for (const file of files) {
      const sending = new Sending(this, file, file.name);
      if (file.size === 0) sending.refuse({ detail: this.said("empty") });
      else if (file.size > Number(this.data.maxBytes)) sending.refuse({ detail: this.said("tooLarge") });
      else {
        this.sendings.add(sending);
        sending.queue();
      }
    }
    this.next();
  }

  next() {
    const all = [...uploaders].flatMap((uploader) => [...uploader.sendings]);
    let free = AT_ONCE - all.filter((sending) => ["sending", "offline"].includes(sending.state)).length;
    for (const sending of all) {
      if (free <= 0) break;
      if (sending.state === "waiting") {
        free -= 1;
        sending.begin();
      }
    }
  }

  changed() {
    const running = [...this.sendings].filter((sending) => ["waiting", "sending", "offline", "paused"].includes(sending.state)).length;
    if (running !== this.running) {
      this.running = running;
      this.tell("concours:uploads", { running });
    }
    keepAwake([...uploaders].some((uploader) => uploader.running));
    queueMicrotask(() => this.next());
  }

  // ---- what a reload or a closed page interrupted: the browser keeps the address, not the file ----
  *interrupted() {
    for (const key of Object.keys(localStorage)) {
      if (!key.startsWith(STORED)) continue;
      let kept = null;
      try {
        kept = JSON.parse(localStorage.getItem(key));
      } catch {
        continue;
      }
      const about = kept?.metadata;
      if (about?.purpose !== this.data.purpose || about.purpose_id !== this.data.purposeId) continue;
      if (Date.now() - new Date(kept.creationTime) > KEPT_MS) localStorage.removeItem(key);
      else yield { key, kept };
    }
  }

  showInterrupted() {
    try {
      for (const { key, kept } of this.interrupted()) {
        const sending = new Sending(this, { size: kept.size }, kept.metadata.filename);
        sending.item.dataset.interrupted = `${kept.metadata.filename}|${kept.size}`;
        sending.find("progress").remove();
        sending.find("figures").textContent = size(kept.size);
        sending.resume = () => this.input.click();
        sending.cancel = () => {
          localStorage.removeItem(key);
          fetch(kept.uploadUrl, { method: "DELETE", headers: { "Tus-Resumable": "1.0.0" } }).catch(() => {});
          sending.close();
        };
        sending.show("interrupted", this.said("interrupted"), ["resume", "cancel"]);
      }
    } catch {
      // storage is switched off: nothing is remembered
    }
  }

  forgetInterrupted(name, bytes) {
    for (const item of this.list.querySelectorAll("[data-interrupted]")) {
      if (item.dataset.interrupted === `${name}|${bytes}`) item.remove();
    }
  }
}

const uploaders = new Set();
const start = (root) => {
  for (const element of root.querySelectorAll("[data-uploader]:not([data-begun])")) {
    element.dataset.begun = "yes";
    uploaders.add(new Uploader(element));
  }
};

addEventListener("online", () => {
  for (const uploader of uploaders) {
    for (const sending of uploader.sendings) if (sending.state === "offline") sending.resume();
  }
});
addEventListener("beforeunload", (event) => {
  if ([...uploaders].some((uploader) => uploader.running)) event.preventDefault();
});
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible") keepAwake([...uploaders].some((uploader) => uploader.running));
});
new MutationObserver(() => start(document)).observe(document.body, { childList: true, subtree: true });
start(document);
