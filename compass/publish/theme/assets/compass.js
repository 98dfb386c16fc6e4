// Colours, copy buttons and the way to the search of a site; no library, no inline code, nothing from elsewhere.
(() => {
  "use strict";

  const root = document.documentElement;
  const one = (selector) => document.querySelector(selector);

  // Colours: as the system, light, dark.
  const scheme = one("[data-compass-scheme]");
  const schemes = { system: "as the system has them", light: "light", dark: "dark" };
  const showScheme = () => scheme.setAttribute("aria-label", `Colours: ${schemes[root.dataset.scheme || "system"]}`);
  if (scheme) {
    scheme.hidden = false;
    showScheme();
    scheme.addEventListener("click", () => {
      const order = matchMedia("(prefers-color-scheme: dark)").matches ? ["", "light", "dark"] : ["", "dark", "light"];
      const next = order[(order.indexOf(root.dataset.scheme || "") + 1) % 3];
      if (next) root.dataset.scheme = next;
      else delete root.dataset.scheme;
      try {
        localStorage.setItem("compass-scheme", next);
      } catch {
        // The choice then lasts for this page only.
      }
      showScheme();
    });
  }

  // On a phone the row of sections scrolls: the one we are in must be in sight.
  const tabs = one(".cm-tabs");
  const current = one(".cm-tabs [aria-current]");
  if (current && tabs.scrollWidth > tabs.clientWidth) {
    tabs.scrollLeft = current.offsetLeft - tabs.offsetLeft - (tabs.clientWidth - current.offsetWidth) / 2;
  }

  // Copy buttons.
  if (navigator.clipboard) {
    for (const block of document.querySelectorAll(".cm-code")) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "cm-copy";
      button.textContent = "Copy";
      button.addEventListener("click", async () => {
        await navigator.clipboard.writeText(block.querySelector("code").textContent.replace(/\n$/, ""));
        button.textContent = "Copied";
        setTimeout(() => (button.textContent = "Copy"), 1500);
      });
      block.append(button);
    }
  }

  // What scrolls must be reached with the keyboard, and nothing else should stop it.
  const reach = () => {
    for (const area of document.querySelectorAll("pre > code, .cm-table, .md-typeset__table")) {
      if (area.scrollWidth > area.clientWidth || area.scrollHeight > area.clientHeight) area.tabIndex = 0;
      else area.removeAttribute("tabindex");
    }
  };
  reach();
  addEventListener("resize", reach);

  // Search: its script is asked for when somebody searches, so that no page waits for it.
  const openers = document.querySelectorAll("[data-compass-search]");
  if (!openers.length) return;
  const script = new URL("search/dialog.js", document.currentScript.src);
  const refuse = () => {
    const dialog = document.createElement("dialog");
    const said = document.createElement("p");
    const closer = document.createElement("button");
    dialog.className = "cm-search cm-search-missing";
    dialog.setAttribute("aria-label", "Search");
    said.setAttribute("role", "status");
    closer.textContent = "Close";
    closer.addEventListener("click", () => dialog.close());
    dialog.addEventListener("close", () => dialog.remove());
    dialog.append(said, closer);
    document.body.append(dialog);
    dialog.showModal();
    said.textContent = location.protocol === "file:"
      ? "Search needs a web server: run `compass site serve` in the repository."
      : "The search could not be loaded.";
  };
  // Whoever types at once is not slower than the script: what comes before the box is there is put into it.
  let early = null;
  const open = () => {
    if (early !== null || document.querySelector("dialog[open]")) return;
    early = "";
    import(script.href).then((search) => search.open(early), refuse).finally(() => (early = null));
  };
  for (const button of openers) button.addEventListener("click", open);
  document.addEventListener("keydown", (event) => {
    if (early !== null && event.key.length === 1 && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      early += event.key;
      return;
    }
    const typing = event.target.closest && event.target.closest("input, textarea, select, [contenteditable]");
    const slash = event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey;
    if (slash || (event.key === "k" && (event.ctrlKey || event.metaKey))) {
      event.preventDefault();
      open();
    }
  });
  if (new URLSearchParams(location.search).has("q")) open();
})();
