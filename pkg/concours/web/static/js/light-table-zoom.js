// A picture at its full size: what is shown stays while the largest rendition comes; moved by finger, mouse, wheel or key.

const SCALES = [1, 2, 4]; // screen pixels for each pixel of the largest rendition
const PAN = 0.25; // of the stage, for each key

export class Zoom {
  constructor(root) {
    this.root = root;
    this.at = -1; // -1: the whole picture
    let held = null;
    root.addEventListener("pointerdown", (event) => {
      if (this.on && event.pointerType === "mouse" && event.button === 0) held = { x: event.clientX, y: event.clientY, left: root.scrollLeft, top: root.scrollTop };
    });
    addEventListener("pointermove", (event) => {
      if (!held) return;
      this.dragged = this.dragged || Math.hypot(event.clientX - held.x, event.clientY - held.y) > 4;
      root.scrollTo(held.left - event.clientX + held.x, held.top - event.clientY + held.y);
    });
    addEventListener("pointerup", () => {
      held = null;
    });
    root.addEventListener("dragstart", (event) => event.preventDefault());
  }

  get on() {
    return this.at >= 0;
  }

  // piece: {stills}; picture: what is on the stage now; event: where it was pressed, if it was.
  in(piece, picture, event) {
    const largest = piece.stills.at(-1);
    if (!largest || this.at === SCALES.length - 1) return false;
    const box = picture.getBoundingClientRect();
    const scale = Math.min(box.width / largest.width, box.height / largest.height) || 1;
    const [wide, high] = [largest.width * scale, largest.height * scale]; // inside its box, `object-fit: contain`
    const part = (from, inset, length) => Math.min(1, Math.max(0, (from - inset) / length));
    const x = event?.clientX ? part(event.clientX, box.left + (box.width - wide) / 2, wide) : this.on ? this.middle().x : 0.5;
    const y = event?.clientY ? part(event.clientY, box.top + (box.height - high) / 2, high) : this.on ? this.middle().y : 0.5;
    if (!this.on) {
      this.shown = this.big = picture;
      this.root.classList.add("is-zoomed");
      this.root.dataset.full = "no";
      const full = new Image();
      full.alt = picture.alt;
      full.src = largest.url;
      full.decode().then(() => this.replace(picture, full), () => {}); // without a network: as it is, only larger
    }
    this.at += 1;
    const factor = SCALES[this.at] / (devicePixelRatio || 1);
    this.big.style.width = `${Math.max(largest.width * factor, this.root.clientWidth * 1.2 ** this.at)}px`;
    const ratio = largest.height / largest.width;
    const width = parseFloat(this.big.style.width);
    this.root.scrollTo(width * x - this.root.clientWidth / 2, width * ratio * y - this.root.clientHeight / 2);
    return true;
  }

  out() {
    if (!this.on) return false;
    this.forget();
    this.root.replaceChildren(this.shown);
    return true;
  }

  // The largest rendition in the place of what was shown, at the same size, if that is still looked at.
  replace(picture, full) {
    if (!this.on || this.big !== picture) return;
    full.style.width = picture.style.width;
    const { scrollLeft, scrollTop } = this.root;
    this.root.replaceChildren(full);
    this.root.scrollTo(scrollLeft, scrollTop);
    this.big = full;
    this.root.dataset.full = "yes";
  }

  // Another work is shown: nothing is put back.
  forget() {
    this.at = -1;
    if (this.shown) this.shown.style.width = "";
    delete this.root.dataset.full;
    this.root.classList.remove("is-zoomed");
  }

  middle() {
    return { x: (this.root.scrollLeft + this.root.clientWidth / 2) / this.root.scrollWidth, y: (this.root.scrollTop + this.root.clientHeight / 2) / this.root.scrollHeight };
  }

  pan(across, down) {
    if (!this.on) return false;
    this.root.scrollBy(across * PAN * this.root.clientWidth, down * PAN * this.root.clientHeight);
    return true;
  }
}
