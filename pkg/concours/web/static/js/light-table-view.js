// Showing a work: pictures, series, film, sound, text; and fetching the next ones before they are asked for.

const HELD = 24; // pictures kept decoded

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
    root.addEventListener("click", (event) => event.target.closest("img") && this.zoom(event));
  }

  // The address of the smallest still that fills the stage on this screen, else the largest there is.
  fitting(piece) {
    const wanted = Math.max(this.root.clientWidth, 320) * Math.min(devicePixelRatio || 1, 2);
    return (piece.stills.find((still) => still.width >= wanted) ?? piece.stills.at(-1))?.url ?? "";
  }

  // Begins to load and decode; what is held longest goes first.
  fetch(url) {
    let picture = this.pictures.get(url);
    if (!picture) {
      picture = new Image();
      picture.decoding = "async";
      picture.src = url;
      picture.ready = picture.decode().then(() => true, () => false);
    }
    this.pictures.delete(url);
    this.pictures.set(url, picture);
    for (const old of this.pictures.keys()) {
      if (this.pictures.size <= HELD) break;
      this.pictures.delete(old);
    }
    return picture;
  }

  preload(works) {
    for (const work of works) {
      for (const piece of work.media.slice(0, 4)) {
        const url = this.fitting(piece);
        if (url) this.fetch(url);
      }
    }
  }

  show(work, part = 0) {
    this.work = work;
    this.part = part;
    this.root.classList.remove("is-zoomed");
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
    const picture = this.fetch(url);
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
    this.root.replaceChildren(player);
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
    const picture = this.root.querySelector("img");
    if (!picture) return;
    const box = picture.getBoundingClientRect();
    const x = event?.clientX ? (event.clientX - box.left) / box.width : 0.5;
    const y = event?.clientY ? (event.clientY - box.top) / box.height : 0.5;
    const largest = this.work.media[this.part]?.stills.at(-1)?.url;
    if (this.root.classList.toggle("is-zoomed")) {
      if (largest && picture.src !== new URL(largest, location.href).href) picture.src = largest;
      this.root.scrollTo(this.root.scrollWidth * x - this.root.clientWidth / 2, this.root.scrollHeight * y - this.root.clientHeight / 2);
    }
  }

  say(name, values) {
    return this.words[name].replace(/\{(\w+)\}/g, (_, key) => values[key]);
  }
}
