// Colours, copy buttons and the search of a site; no library, no inline code, nothing from elsewhere.
(() => {
  "use strict";

  const bundle = new URL("../pagefind/", document.currentScript.src);
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

  const element = (tag, attributes = {}, ...children) => {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.append(...children);
    return made;
  };

  // Search: its dialog is made here, so that no page carries it.
  const openers = document.querySelectorAll("[data-compass-search]");
  if (!openers.length) return;
  const input = element("input", {
    type: "text", enterkeyhint: "search", placeholder: "Alert, symptom, service or id", autocomplete: "off", autocapitalize: "off",
    spellcheck: "false", "aria-label": "Search", role: "combobox", "aria-expanded": "false",
    "aria-controls": "cm-results", "aria-autocomplete": "list",
  });
  const closer = element("button", { type: "button", "aria-label": "Esc: close the search" }, "Esc");
  const kinds = [["", "All"], ["Runbook", "Runbooks"], ["Pattern", "Patterns"], ["Post-mortem", "Post-mortems"]].map(
    ([value, text]) => element("button", { type: "button", "data-kind": value, "aria-pressed": String(!value) }, text),
  );
  const status = element("p", { class: "cm-search-status", role: "status" });
  const list = element("div", { id: "cm-results", class: "cm-results", role: "listbox", "aria-label": "Results" });
  const key = (name) => element("kbd", {}, name);
  const dialog = element("dialog", { class: "cm-search", "aria-label": "Search" },
    element("div", { class: "cm-search-box" },
      element("div", { class: "cm-search-head" }, input, closer),
      element("div", { class: "cm-search-kinds", role: "group", "aria-label": "Only this kind" }, ...kinds),
      status,
      list,
      element("p", { class: "cm-search-keys", "aria-hidden": "true" },
        key("↑"), " ", key("↓"), " choose ", key("Enter"), " open ", key("Esc"), " close"),
    ),
  );
  let engine = null;
  let kind = "";
  let asked = 0;
  let active = -1;

  const load = async () => {
    if (!engine) {
      engine = (async () => {
        const pagefind = await import(new URL("pagefind.js", bundle).href);
        await pagefind.options({ excerptLength: 22 });
        await pagefind.init();
        return pagefind;
      })();
      engine.catch(() => (engine = null));
    }
    return engine;
  };

  const open = () => {
    if (dialog.open) return;
    if (!dialog.isConnected) document.body.append(dialog);
    dialog.showModal();
    input.select();
    load().catch(() => {
      status.textContent = location.protocol === "file:"
        ? "Search needs a web server: run `compass site serve` in the repository."
        : "The search could not be loaded.";
    });
  };

  const find = async (pagefind, text) => {
    const found = await pagefind.search(text, kind ? { filters: { kind } } : {});
    return found ? found.results : [];
  };

  // The engine wants every word; one word too many must not hide the page, so each is left out in turn.
  const relaxed = async (pagefind, text) => {
    const full = await find(pagefind, text);
    const words = [...new Set(text.split(/\s+/).filter(Boolean))].slice(0, 8);
    if (full.length >= 3 || words.length < 2) return { results: full, without: false };
    const shorter = words.length > 2 ? words.map((left) => words.filter((word) => word !== left).join(" ")) : words;
    const scores = new Map();
    const add = (results, weight) => {
      for (const result of results.slice(0, 40)) {
        const before = scores.get(result.id);
        scores.set(result.id, { result, score: (before ? before.score : 0) + weight * result.score });
      }
    };
    add(full, 100);
    for (const query of shorter) add(await find(pagefind, query), 1);
    if (scores.size === 0 && words.length > 2) for (const word of words) add(await find(pagefind, word), 1);
    const results = [...scores.values()].sort((a, b) => b.score - a.score).map((one) => one.result);
    return { results, without: full.length === 0 && results.length > 0 };
  };

  // An excerpt is text with <mark>; everything else in it is shown as text.
  const decoder = document.createElement("textarea");
  const plain = (text) => {
    decoder.innerHTML = text;
    return decoder.value;
  };
  const excerpt = (markup) => {
    const made = element("span", { class: "cm-result-text" });
    for (const part of markup.split(/(<mark>.*?<\/mark>)/s)) {
      const marked = part.startsWith("<mark>") && part.endsWith("</mark>");
      const text = plain(marked ? part.slice(6, -7) : part);
      made.append(marked ? element("mark", {}, text) : text);
    }
    return made;
  };

  const choose = (index) => {
    const options = [...list.children];
    active = options.length ? (index + options.length) % options.length : -1;
    options.forEach((option, position) => option.setAttribute("aria-selected", String(position === active)));
    if (active >= 0) {
      input.setAttribute("aria-activedescendant", options[active].id);
      options[active].scrollIntoView({ block: "nearest" });
    } else input.removeAttribute("aria-activedescendant");
  };

  const draw = (pages) => {
    list.replaceChildren(
      ...pages.map((page, index) => {
        const { title, kind: sort, status: how } = page.meta;
        const head = element("span", { class: "cm-result-head" }, element("strong", {}, title || page.url));
        if (sort) head.append(" ", element("span", { class: "cm-muted" }, sort));
        if (how) head.append(" ", element("span", { class: `cm-chip cm-status-${how}` }, how));
        // The option itself is the link: an option may hold nothing that can be reached on its own.
        const item = element("a", { id: `cm-result-${index}`, role: "option", href: page.url, tabindex: "-1" }, head, excerpt(page.excerpt));
        return item;
      }),
    );
    input.setAttribute("aria-expanded", String(pages.length > 0));
    choose(pages.length ? 0 : -1);
  };

  const search = async () => {
    const turn = ++asked;
    const text = input.value.trim();
    if (!text) {
      status.textContent = "";
      draw([]);
      return;
    }
    const pagefind = await load().catch(() => null);
    if (!pagefind || turn !== asked) return;
    const { results, without } = await relaxed(pagefind, text);
    if (turn !== asked) return;
    const pages = await Promise.all(results.slice(0, 12).map((result) => result.data()));
    if (turn !== asked) return;
    const many = results.length === 1 ? "1 result" : `${results.length} results`;
    if (!results.length) status.textContent = `Nothing here matches “${text}”. Try an alert's name, or fewer words.`;
    else status.textContent = without ? `No page has all of these words; ${many} with most of them.` : many;
    draw(pages);
  };

  let timer = 0;
  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(search, 120);
  });
  for (const button of kinds) {
    button.addEventListener("click", () => {
      kind = button.dataset.kind;
      for (const other of kinds) other.setAttribute("aria-pressed", String(other === button));
      input.focus();
      search();
    });
  }
  dialog.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      choose(active + (event.key === "ArrowDown" ? 1 : -1));
    } else if (event.key === "Enter" && event.target === input && active >= 0) {
      list.children[active].click();
    }
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
    else if (event.target.closest("a")) setTimeout(() => dialog.close(), 0);
  });
  closer.addEventListener("click", () => dialog.close());
  for (const button of openers) button.addEventListener("click", open);
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest && event.target.closest("input, textarea, select, [contenteditable]");
    const slash = event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey;
    if (slash || (event.key === "k" && (event.ctrlKey || event.metaKey))) {
      event.preventDefault();
      open();
    }
  });
})();
