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

  // Search.
  const dialog = one("[data-compass-dialog]");
  if (!dialog) return;
  const input = one("[data-compass-query]");
  const status = one("[data-compass-status]");
  const list = one("[data-compass-results]");
  const kinds = [...document.querySelectorAll("[data-compass-kind]")];
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

  const element = (tag, className, text) => {
    const made = document.createElement(tag);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  };

  // An excerpt is text with <mark>; everything else in it is shown as text.
  const decoder = document.createElement("textarea");
  const plain = (text) => {
    decoder.innerHTML = text;
    return decoder.value;
  };
  const excerpt = (markup) => {
    const made = element("span", "cm-result-text");
    for (const part of markup.split(/(<mark>.*?<\/mark>)/s)) {
      const marked = part.startsWith("<mark>") && part.endsWith("</mark>");
      const text = plain(marked ? part.slice(6, -7) : part);
      made.append(marked ? element("mark", "", text) : text);
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
        const item = element("li");
        item.id = `cm-result-${index}`;
        item.setAttribute("role", "option");
        const link = element("a");
        link.href = page.url;
        link.tabIndex = -1;
        const head = element("span", "cm-result-head");
        head.append(element("strong", "", page.meta.title || page.url));
        if (page.meta.kind) head.append(" ", element("span", "cm-muted", page.meta.kind));
        if (page.meta.status) head.append(" ", element("span", `cm-chip cm-status-${page.meta.status}`, page.meta.status));
        link.append(head, excerpt(page.excerpt));
        item.append(link);
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
      kind = button.dataset.compassKind;
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
      list.children[active].querySelector("a").click();
    }
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
    else if (event.target.closest("a")) setTimeout(() => dialog.close(), 0);
  });
  one("[data-compass-close]").addEventListener("click", () => dialog.close());
  for (const button of document.querySelectorAll("[data-compass-search]")) button.addEventListener("click", open);
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest && event.target.closest("input, textarea, select, [contenteditable]");
    const slash = event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey;
    if (slash || (event.key === "k" && (event.ctrlKey || event.metaKey))) {
      event.preventDefault();
      open();
    }
  });
})();
