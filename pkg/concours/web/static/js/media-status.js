// How far files are: asks the server until a file was looked into, and puts pictures in the place of “being checked”.

const FIRST_MS = 700;
const SLOWEST_MS = 5000;
const LATE_MS = 60_000;
const GIVE_UP_MS = 15 * 60_000;

// Calls done(status) once the file at `url` is ready or refused; late() after a minute, lost() when it cannot be known.
export const follow = (url, { done, late = () => {}, lost = () => {} }) => {
  const begun = Date.now();
  let pause = FIRST_MS;
  let told = false;
  const look = async () => {
    try {
      const answer = await fetch(url, { headers: { Accept: "application/json" }, credentials: "same-origin" });
      if ([401, 403, 404].includes(answer.status)) {
        lost();
        return;
      }
      if (answer.ok) {
        const found = await answer.json();
        if (found.status !== "checking") {
          done(found);
          return;
        }
      }
    } catch {
      // no network at the moment
    }
    const waited = Date.now() - begun;
    if (waited > LATE_MS && !told) {
      told = true;
      late();
    }
    if (waited > GIVE_UP_MS) {
      lost();
      return;
    }
    pause = Math.min(SLOWEST_MS, pause * 1.4);
    setTimeout(look, document.hidden ? SLOWEST_MS : pause);
  };
  setTimeout(look, FIRST_MS);
};

const show = (place, found) => {
  const pictures = Object.values(found.renditions)
    .filter((rendition) => rendition.type.startsWith("image/"))
    .sort((one, other) => one.width - other.width);
  if (found.status !== "ready" || !pictures.length) {
    place.className = `file-none ${found.status === "refused" ? "file-refused" : ""} ${place.dataset.css}`;
    place.textContent = found.refusal || found.filename;
    return;
  }
  const image = new Image();
  const fitting = pictures.find((picture) => picture.width >= 800) || pictures.at(-1);
  image.className = `img-fluid ${place.dataset.css}`;
  image.alt = place.dataset.alt;
  image.decoding = "async";
  image.sizes = place.dataset.sizes;
  image.srcset = pictures.map((picture) => `${picture.url} ${picture.width}w`).join(", ");
  image.width = fitting.width;
  image.height = fitting.height;
  image.src = fitting.url;
  place.replaceWith(image);
};

const start = () => {
  for (const place of document.querySelectorAll("[data-file-status]:not([data-followed])")) {
    place.dataset.followed = "yes";
    follow(place.dataset.fileStatus, { done: (found) => show(place, found) });
  }
};
new MutationObserver(start).observe(document.body, { childList: true, subtree: true });
start();
