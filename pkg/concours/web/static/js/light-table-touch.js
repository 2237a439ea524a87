// A swipe across the work goes to the next or the one before; not while it is enlarged.

const FAR = 60; // pixels

export function swipes(root, go) {
  let touch = null;
  root.addEventListener("touchstart", (event) => {
    touch = event.touches.length === 1 ? event.touches[0] : null;
  }, { passive: true });
  root.addEventListener("touchend", (event) => {
    const zoomed = root.classList.contains("is-zoomed") || (window.visualViewport?.scale ?? 1) > 1.05;
    if (!touch || zoomed || event.target.closest("video, audio, select, .lt-text")) return;
    const [end] = event.changedTouches;
    const across = end.clientX - touch.clientX;
    if (Math.abs(across) > FAR && Math.abs(across) > 2 * Math.abs(end.clientY - touch.clientY)) go(across < 0 ? 1 : -1);
    touch = null;
  });
}
