// The search as people see it: a dialog with a box, facets and results, worked with the keyboard or without.

import { Bundle } from "./bundle.js";
import { Engine, narrowed } from "./engine.js";
import { excerpt } from "./excerpt.js";

const SHOWN = 12; // results at a time
const VALUES = 12; // of one facet
const SITE = new URL("../../", import.meta.url);

const element = (tag, attributes = {}, ...children) => {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
};
const key = (name) => element("kbd", {}, name);
const quoted = (word) => `“${word}”`;

const input = element("input", {
  type: "text", enterkeyhint: "search", placeholder: "Alert, symptom, service or id", autocomplete: "off", autocapitalize: "off",
  spellcheck: "false", "aria-label": "Search", role: "combobox", "aria-expanded": "false", "aria-controls": "cm-results",
  "aria-autocomplete": "list", "aria-describedby": "cm-search-keys",
});
const closer = matchMedia("(hover: none)").matches
  ? element("button", { type: "button" }, "Close")
  : element("button", { type: "button", "aria-label": "Esc: close the search" }, "Esc");
const filters = element("div", { class: "cm-facets-bar", role: "group", "aria-label": "Narrow the results" });
const status = element("p", { class: "cm-search-status", role: "status" });
const hint = element("p", { class: "cm-search-hint" });
const list = element("div", { id: "cm-results", class: "cm-results", role: "listbox", "aria-label": "Results" });
const more = element("button", { type: "button", class: "cm-search-more" }, "Show more");
const dialog = element("dialog", { class: "cm-search", "aria-label": "Search" },
  element("div", { class: "cm-search-box" },
    element("div", { class: "cm-search-head" }, input, closer),
    filters, status, hint,
    element("div", { class: "cm-search-list" }, list, more),
    element("p", { id: "cm-search-keys", class: "cm-search-keys" },
      key("↑"), " ", key("↓"), " choose ", key("Enter"), " open ", key("Tab"), " narrow ", key("Esc"), " close"),
  ),
);

let engine = null;
let facets = null;
let found = null; // what the last search found
let left = []; // its pages that the facets leave
let asked = 0;
let active = -1;
const chosen = {}; // facet -> values

const load = () => {
  if (!engine) {
    engine = new Bundle(new URL("search/", SITE)).open().then((bundle) => new Engine(bundle));
    engine.catch(() => {
      engine = null;
      status.textContent = "The search could not be loaded.";
    });
  }
  return engine;
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

// Why a page was found, in words.
const reasons = (why) => {
  const has = why.filter((one) => one.how === "exact" || one.how === "form" || one.how === "start").map((one) => one.shown);
  const said = has.length ? [`has ${[...new Set(has)].join(", ")}`] : [];
  for (const one of why) {
    if (one.how === "mistyped") said.push(`${quoted(one.typed)} read as ${quoted(one.shown)}`);
    if (one.how === "synonym") said.push(`${quoted(one.shown)} for ${quoted(one.typed)}`);
    if (one.how === "parts") said.push(`the parts of ${quoted(one.typed)}`);
    if (one.how === "missing") said.push(`without ${quoted(one.typed)}`);
  }
  return said.join(" · ");
};

const result = (card, why, index) => {
  const chip = (group, word, text) => element("span", { class: `cm-chip cm-${group}-${word}` }, text);
  const head = element("span", { class: "cm-result-head" }, element("strong", {}, card.title || card.path));
  if (card.kind) head.append(" ", element("span", { class: "cm-muted" }, card.kind));
  if (card.status) head.append(" ", chip("status", card.status, card.status));
  if (card.late) head.append(" ", chip("review", "late", "review overdue"));
  const words = why.flatMap((one) => one.words || []);
  const address = new URL(card.path.split("/").map(encodeURIComponent).join("/"), SITE);
  // The option itself is the link: an option may hold nothing that can be reached on its own.
  const option = element("a", { id: `cm-result-${index}`, role: "option", href: address.href, tabindex: "-1", "aria-selected": "false" }, head,
    element("span", { class: "cm-result-text" }, ...excerpt(card.text, words)));
  const said = reasons(why);
  if (said) option.append(element("span", { class: "cm-result-why" }, said));
  return option;
};

const draw = async (turn, from) => {
  const { bundle } = await load();
  const numbers = left.slice(from, from + SHOWN);
  const cards = await Promise.all(numbers.map((number) => bundle.card(number)));
  if (turn !== asked) return;
  const options = cards.map((card, at) => result(card, found.why(numbers[at]), from + at));
  if (from) list.append(...options);
  else list.replaceChildren(...options);
  more.hidden = left.length <= from + SHOWN;
  input.setAttribute("aria-expanded", String(left.length > 0));
  choose(from || (left.length ? 0 : -1));
  list.setAttribute("aria-busy", "false");
};

// What became of each word that is not simply there.
const notes = () => {
  const said = [];
  for (const slot of found.slots) {
    const readings = [...slot.readings.values()];
    const meant = readings.find((one) => one.how === "mistyped");
    if (!readings.length && !slot.parts.length) said.push(`No page has ${quoted(slot.typed)}; shown without it.`);
    else if (meant && readings.every((one) => one.how === "mistyped")) said.push(`No page has ${quoted(slot.typed)}; shown for ${quoted(meant.shown)}.`);
  }
  if (!found.all && found.slots.length > 1) said.push("No page has all of these words; shown are those with most of them.");
  return said.join(" ");
};

// Other words that may be meant, each a button that takes it into the box.
const suggest = () => {
  hint.replaceChildren();
  const buttons = found.slots.flatMap((slot) => {
    const read = [...slot.readings.values()];
    const sure = read.length && read.every((one) => one.how === "mistyped");
    return read.filter((one) => one.how === "mistyped").slice(sure ? 1 : 0, 3).map((one) => {
      const button = element("button", { type: "button" }, one.shown);
      button.addEventListener("click", () => {
        input.value = input.value.split(slot.typed).join(one.shown);
        input.focus();
        search();
      });
      return button;
    });
  });
  if (buttons.length) hint.append("Did you mean ", ...buttons.flatMap((button, at) => (at ? [", ", button] : [button])), "?");
};

const title = (name) => name[0].toUpperCase() + name.slice(1);

// A facet's name, and its values with how many pages each would leave.
const drawFacet = ({ name, values }, counts) => {
  const wanted = chosen[name] || [];
  const shown = values
    .map((value, at) => ({ value, many: counts[at] }))
    .filter(({ value, many }) => many || wanted.includes(value))
    .sort((a, b) => wanted.includes(b.value) - wanted.includes(a.value) || b.many - a.many || (a.value < b.value ? -1 : 1))
    .slice(0, VALUES);
  let facet = filters.querySelector(`[data-facet="${name}"]`);
  if (!facet) {
    facet = element("details", { class: "cm-facet", "data-facet": name, name: "cm-facet" }, element("summary"), element("div", { role: "group", "aria-label": title(name) }));
    filters.append(facet);
  }
  facet.hidden = shown.length < 2 && !wanted.length;
  facet.firstChild.textContent = wanted.length ? `${title(name)}: ${wanted.join(", ")}` : title(name);
  facet.classList.toggle("cm-facet-chosen", wanted.length > 0);
  const focused = facet.contains(document.activeElement) && document.activeElement.value;
  facet.lastChild.replaceChildren(
    ...shown.map(({ value, many }) => {
      const box = element("input", { type: "checkbox", value });
      box.checked = wanted.includes(value);
      box.addEventListener("change", () => {
        chosen[name] = box.checked ? [...wanted, value] : wanted.filter((one) => one !== value);
        narrow(++asked);
      });
      return element("label", {}, box, " ", element("span", {}, value), " ", element("span", { class: "cm-count" }, String(many)));
    }),
  );
  if (focused) [...facet.querySelectorAll("input")].find((box) => box.value === focused)?.focus();
};

const narrow = async (turn) => {
  const { bundle } = await load();
  if (!facets) facets = await bundle.facets();
  if (turn !== asked) return;
  const text = input.value.trim();
  const some = Object.values(chosen).some((values) => values.length);
  const all = text || !some ? found.pages : Array.from({ length: bundle.pages }, (_, page) => page);
  const cut = narrowed(facets, all, chosen);
  left = cut.left;
  facets.forEach((facet, at) => drawFacet(facet, cut.counts[at]));
  const many = left.length === 1 ? "1 result" : `${left.length.toLocaleString("en")} results`;
  if (!text && !some) status.textContent = "";
  else if (left.length) status.textContent = [`${many}.`, notes()].filter(Boolean).join(" ");
  else if (found.pages.length) status.textContent = "Nothing is left with these choices; take one of them back.";
  else status.textContent = `Nothing here matches ${quoted(text)}. Try an alert's name, or fewer words.`;
  await draw(turn, 0);
};

const NOTHING = { pages: [], all: 0, slots: [], why: () => [] };

const search = async () => {
  const turn = ++asked;
  const text = input.value;
  list.setAttribute("aria-busy", "true");
  const ready = await load().catch(() => null);
  if (!ready || turn !== asked) return;
  const next = text.trim() ? await ready.search(text) : NOTHING;
  if (turn !== asked) return;
  found = next;
  suggest();
  await narrow(turn);
};

// The address of this page with the search in it, so that Back leads to the results again.
const remember = () => {
  const address = new URL(location.href);
  for (const name of ["q", ...Object.keys(chosen)]) address.searchParams.delete(name);
  if (input.value.trim()) address.searchParams.set("q", input.value.trim());
  for (const [name, values] of Object.entries(chosen)) for (const value of values) address.searchParams.append(name, value);
  history.replaceState(history.state, "", address);
};

const recall = () => {
  const asking = new URLSearchParams(location.search);
  if (!asking.has("q")) return;
  input.value = asking.get("q");
  for (const name of ["kind", "status", "team", "tribe", "service", "severity", "technology", "freshness"]) {
    if (asking.has(name)) chosen[name] = asking.getAll(name);
  }
};

const forget = () => {
  const address = new URL(location.href);
  if (!address.searchParams.has("q")) return;
  address.search = "";
  history.replaceState(history.state, "", address);
};

let timer = 0;
input.addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(search, 120);
});
more.addEventListener("click", () => {
  input.focus();
  draw(asked, list.children.length);
});

const openFacet = () => filters.querySelector("details[open]");
const inFacet = (facet, by) => {
  const boxes = [...facet.querySelectorAll("input")];
  const at = boxes.indexOf(document.activeElement);
  boxes[(at + by + boxes.length) % boxes.length]?.focus();
};

dialog.addEventListener("keydown", (event) => {
  const facet = event.target.closest(".cm-facet");
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step && facet) {
    event.preventDefault();
    facet.open = true;
    inFacet(facet, step);
  } else if (step) {
    event.preventDefault();
    choose(active + step);
  } else if (event.key === "Escape" && openFacet()) {
    event.preventDefault();
    const opened = openFacet();
    opened.open = false;
    opened.firstChild.focus();
  } else if (event.key === "Enter" && event.target === input) {
    event.preventDefault();
    if (active >= 0) list.children[active].click();
  }
});
// A facet's values cover the results only while somebody is at them.
const leave = (event) => {
  const opened = openFacet();
  if (opened && !opened.contains(event.target)) opened.open = false;
};
// Whoever presses on the words of a value is still at them, though the focus goes to the dialog until the click.
dialog.addEventListener("focusin", (event) => event.target !== dialog && leave(event));
dialog.addEventListener("click", (event) => {
  leave(event);
  if (event.target === dialog) dialog.close();
  else if (event.target.closest("a")) remember();
});
dialog.addEventListener("close", forget);
closer.addEventListener("click", () => dialog.close());

// Shows the search, with what was typed before it was there.
export const open = (early) => {
  if (dialog.open) return;
  if (!dialog.isConnected) {
    document.body.append(dialog);
    more.hidden = true;
    recall();
  }
  if (early) input.value = early;
  dialog.showModal();
  if (!early) input.select();
  load().then(() => input.value && search(), () => {});
};
