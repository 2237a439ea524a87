// Showing a work: pictures, series, film, sound, text; and fetching the next ones before they are asked for.

import { Zoom } from "./light-table-zoom.js";

const HELD = 160; // pictures kept as they came; only those just ahead are decoded
const DECODED = 4; // works ahead whose pictures are decoded
const AT_ONCE = 2; // pictures that are fetched at the same time for later
const RATES = [0.5, 0.75, 1, 1.25, 1.5, 1.75, 2];

export const element = (name, properties = {}, ...children) => {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key in made && !key.includes("-")) made[key] = value;
    else made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
};

export class Stage {
  constructor(root, strip, words) {
    Object.assign(this, { root, strip, words });
    this.pictures = new Map();
    this.part = 0;
    this.rate = 1; // of film and sound
    this.later = []; // addresses to fetch when nothing nearer is to be fetched
    this.fetching = 0;
    this.zoomed = new Zoom(root);
    root.addEventListener("click", (event) => {
      if (this.zoomed.dragged) this.zoomed.dragged = false;
      else if (event.target.closest("img")) this.zoom(event);
    });
  }

  // The address of the smallest still that fills the stage on this screen, else the largest there is.
  fitting(piece) {
    const wanted = Math.max(this.root.clientWidth, 320) * Math.min(devicePixelRatio || 1, 2);
    return (piece.stills.find((still) => still.width >= wanted) ?? piece.stills.at(-1))?.url ?? "";
  }

  // Begins to load; what was asked for longest ago goes first.
  fetch(url) {
    let picture = this.pictures.get(url);
    if (!picture) {
      picture = new Image();
      picture.decoding = "async";
      picture.loaded = new Promise((done) => {
        picture.onload = () => done(true);
        picture.onerror = () => {
          this.pictures.delete(url); // asked for again when it is wanted again
          done(false);
        };
      });
      picture.src = url;
    }
    this.pictures.delete(url);
    this.pictures.set(url, picture);
    for (const old of this.pictures.keys()) {
      if (this.pictures.size <= HELD) break;
      this.pictures.delete(old);
    }
    return picture;
  }

  // The same, decoded, so that it can be painted at once.
  decoded(url) {
    const picture = this.fetch(url);
    picture.ready ??= picture.decode().then(() => true, () => picture.loaded);
    return picture;
  }

  // The pictures of the works ahead: the nearest at once and decoded, the others one after the other, so that a judge can
  // go on for minutes without a network.
  preload(works) {
    const urls = (work) => work.media.slice(0, 8).map((piece) => this.fitting(piece)).filter(Boolean);
    for (const url of works.slice(0, DECODED).flatMap(urls)) this.decoded(url);
    this.later = works.slice(DECODED).flatMap(urls).filter((url) => !this.pictures.has(url));
    this.goOn();
  }

  goOn() {
    while (this.fetching < AT_ONCE && this.later.length) {
      this.fetching += 1;
      this.fetch(this.later.shift()).loaded.then((good) => {
        this.fetching -= 1;
        if (good) this.goOn();
      });
    }
  }

  // The page of this work is not here yet.
  waiting(sentence) {
    this.work = null;
    this.zoomed.forget();
    this.strip.hidden = true;
    this.root.classList.remove("is-text");
    this.root.replaceChildren(element("p", { className: "lt-trouble" }, sentence));
  }

  show(work, part = 0) {
    this.work = work;
    this.part = part;
    this.zoomed.forget();
    this.root.classList.toggle("is-text", work.media.length === 0);
    const pieces = work.media;
    this.strip.replaceChildren(
      ...(pieces.length > 1
        ? pieces.map((piece, n) =>
            element(
              "button",
              { type: "button", className: "lt-thumb", "aria-pressed": String(n === part), "aria-label": this.say("part", { n: n + 1, of: pieces.length }), onclick: () => this.show(work, n) },
              ...(piece.stills.length ? [element("img", { src: piece.stills[0].url, alt: "" })] : [String(n + 1)]),
            ),
          )
        : []),
    );
    this.strip.hidden = pieces.length < 2;
    if (!pieces.length) this.text(work);
    else if (pieces[part].kind === "image" || !pieces[part].plays.length) this.picture(pieces[part], part, pieces.length);
    else this.player(pieces[part]);
  }

  picture(piece, part, of) {
    const url = this.fitting(piece);
    if (!url) {
      this.root.replaceChildren(element("p", { className: "lt-trouble" }, this.words.nothing));
      return;
    }
    const picture = this.decoded(url);
    picture.alt = of > 1 ? this.say("part", { n: part + 1, of }) : this.words.theWork;
    if (picture.complete && picture.naturalWidth) {
      this.root.replaceChildren(picture);
      return;
    }
    const small = piece.stills[0];
    const waiting = element("img", { src: small.url, alt: "", className: "is-waiting" });
    this.root.replaceChildren(waiting);
    picture.ready.then((good) => {
      if (!waiting.isConnected) return;
      if (good) {
        this.root.replaceChildren(picture);
        return;
      }
      this.pictures.delete(url);
      const again = element("button", { type: "button", className: "btn btn-outline-secondary", onclick: () => this.show(this.work, this.part) }, this.words.again);
      this.root.replaceChildren(element("div", { className: "lt-trouble" }, element("p", {}, this.words.notLoaded), again));
    });
  }

  player(piece) {
    const [source] = piece.plays;
    const name = source.type.startsWith("audio/") ? "audio" : "video";
    const player = element(name, { src: source.url, controls: true, preload: "metadata", "aria-label": this.words.theWork });
    if (name === "video") {
      player.playsInline = true;
      player.poster = piece.stills.at(-1)?.url ?? "";
    }
    player.defaultPlaybackRate = player.playbackRate = this.rate;
    const choose = element("select", { className: "form-select lt-rate", "aria-label": this.words.speed }, ...RATES.map((rate) => element("option", { value: rate, selected: rate === this.rate }, `${rate}×`)));
    choose.addEventListener("change", () => this.setRate(Number(choose.value)));
    player.addEventListener("ratechange", () => {
      if (RATES.includes(player.playbackRate)) this.rate = player.playbackRate;
      choose.value = String(player.playbackRate);
    });
    this.root.replaceChildren(element("div", { className: "lt-player" }, player, choose));
  }

  setRate(rate) {
    const player = this.root.querySelector("video, audio");
    if (!player) return null;
    this.rate = rate;
    player.defaultPlaybackRate = player.playbackRate = rate;
    return rate;
  }

  // One step slower (-1) or faster (1); the speed, or null where nothing is played.
  faster(by) {
    return this.setRate(RATES[Math.min(RATES.length - 1, Math.max(0, RATES.indexOf(this.rate) + by))]);
  }

  text(work) {
    const long = work.fields.filter((field) => field.long);
    const article = element("article", { className: "lt-text", tabIndex: 0, "aria-label": this.words.theWork });
    for (const field of long) {
      if (long.length > 1) article.append(element("h3", {}, field.label));
      for (const paragraph of field.text.split(/\n+/)) article.append(element("p", {}, paragraph));
    }
    if (!long.length) article.append(element("p", {}, this.words.nothing));
    this.root.replaceChildren(article);
  }

  step(by) {
    const pieces = this.work?.media.length ?? 0;
    if (pieces > 1) this.show(this.work, (this.part + by + pieces) % pieces);
  }

  play() {
    const player = this.root.querySelector("video, audio");
    if (!player) return false;
    if (player.paused) player.play().catch(() => {});
    else player.pause();
    return true;
  }

  // Between the whole picture and its full size, about the point that was pressed.
  zoom(event) {
    if (this.zoomed.out()) return;
    this.closer(1, event);
  }

  // One step closer (1) or back (-1).
  closer(by, event) {
    const piece = this.work?.media[this.part];
    const picture = this.root.querySelector("img");
    if (!piece || !picture) return false;
    return by > 0 ? this.zoomed.in(piece, picture, event) : this.zoomed.out();
  }

  say(name, values) {
    return this.words[name].replace(/\{(\w+)\}/g, (_, key) => values[key]);
  }
}
