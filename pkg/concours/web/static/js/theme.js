// Runs before the first paint (a small blocking script): light or dark as chosen here, else as the system asks.
(function () {
  var root = document.documentElement;
  var chosen = null;
  try {
    chosen = localStorage.getItem("theme");
  } catch (_) {
    // storage may be switched off; the system's wish is followed then
  }
  var system = window.matchMedia("(prefers-color-scheme: dark)");
  function show() {
    root.dataset.bsTheme = chosen === "light" || chosen === "dark" ? chosen : system.matches ? "dark" : "light";
  }
  root.classList.add("js");
  show();
  if (system.addEventListener) {
    system.addEventListener("change", show);
  }
  window.concoursTheme = {
    toggle: function () {
      chosen = root.dataset.bsTheme === "dark" ? "light" : "dark";
      try {
        localStorage.setItem("theme", chosen);
      } catch (_) {
        // the choice lasts for this page only
      }
      show();
      return chosen;
    },
  };
})();
