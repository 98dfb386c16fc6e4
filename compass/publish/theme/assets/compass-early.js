// Before the first paint: the colours that the reader chose, if any.
(() => {
  "use strict";
  document.documentElement.classList.remove("no-js");
  try {
    const chosen = localStorage.getItem("compass-scheme");
    if (chosen === "light" || chosen === "dark") document.documentElement.dataset.scheme = chosen;
  } catch {
    // Without storage the system's choice stands.
  }
})();
