// From a typed text to pages in order: every word counts, none has to be there, and what is mistyped is read as what is meant.

import { eachPage } from "./bundle.js";
import { isForm, LONGEST, mistakes, name, runs, trunk } from "./words.js";

const WORDS = 10; // of one text; more are not read
const STARTING = 40; // words that the last one may be the start of
const CORRECTIONS = 6; // words that one may have been meant for
const ENOUGH = 10; // pages with all words, from which no synonym is asked for
const FEW = 3; // pages with all words, below which known words are taken for mistyped ones, too
const PARTIAL = 100; // pages with some of the words that are shown at most

const ORDERED = 300; // pages that are put in order

const ID = /^(pat|run|pm|rul|inv)-[0-9a-z]{10}$/; // of an entry: nobody means half of one

// How far a reading of a word counts beside the word itself.
const COUNTS = { exact: 1, form: 0.6, start: 0.5, synonym: 0.5, parts: 0.5 };
const mistyped = (many) => (many === 1 ? 0.7 : 0.4);

class Slot {
  constructor(typed) {
    this.typed = typed;
    this.readings = new Map();
    this.parts = [];
    this.saying = []; // terms whose synonyms may be meant
  }

  add(entry, how, counts) {
    const before = this.readings.get(entry.word);
    if (entry.many && (!before || before.counts < counts)) this.readings.set(entry.word, { entry, how, counts, shown: entry.shown || entry.word });
  }

  // The best that each page has of it, and by which reading.
  score(pages) {
    const readings = [...this.readings.values()];
    const best = new Float32Array(pages);
    const by = new Uint8Array(pages);
    // The root, so that one rare word that is wrong does not outweigh three that are right.
    const weigh = (many) => Math.sqrt(Math.log(1 + (pages - many + 0.5) / (many + 0.5)));
    // All readings are one word to the reader, so they are as rare as the most frequent of them.
    const rare = weigh(Math.min(pages, Math.max(0, ...readings.map((one) => one.entry.many))));
    readings.forEach(({ entry, counts }, number) => {
      eachPage(entry, (page, weight) => {
        const score = rare * counts * (0.25 + 0.75 * weight);
        if (score > best[page]) {
          best[page] = score;
          by[page] = number;
        }
      });
    });
    if (this.parts.length) {
      const having = new Uint8Array(pages);
      const sum = new Float32Array(pages);
      for (const part of this.parts) {
        eachPage(part, (page, weight) => {
          having[page]++;
          sum[page] += weigh(part.many) * (0.25 + 0.75 * weight);
        });
      }
      for (let page = 0; page < pages; page++) {
        const score = (COUNTS.parts * sum[page]) / this.parts.length;
        if (having[page] === this.parts.length && score > best[page]) {
          best[page] = score;
          by[page] = 255;
        }
      }
    }
    return { best, by, readings };
  }
}

// The best of many pages come first and in order; nobody reads as far as the others.
const first = (pages, scores, many) => {
  const better = (a, b) => scores[b] - scores[a] || a - b;
  if (pages.length <= many) return pages.sort(better);
  const least = Float32Array.from(pages, (page) => scores[page]).sort()[pages.length - many];
  const head = pages.filter((page) => scores[page] >= least).sort(better);
  return [...head, ...pages.filter((page) => scores[page] < least)];
};

export class Engine {
  constructor(bundle) {
    this.bundle = bundle;
  }

  // Words that a word may have been meant for, the likeliest first.
  async corrections(word) {
    if (word.length < 4 || word.length > LONGEST) return [];
    const most = word.length >= 8 ? 2 : 1;
    const found = new Map();
    for (const [other, pages, shown] of await this.bundle.spellings(word)) {
      const many = other === word ? 0 : mistakes(word, other, most);
      if (many && many <= most) found.set(other, { word: other, mistakes: many, pages: Number(pages), shown });
    }
    const least = Math.min(...[...found.values()].map((one) => one.mistakes));
    return [...found.values()]
      .filter((one) => one.mistakes === least)
      .sort((a, b) => (b.word[0] === word[0]) - (a.word[0] === word[0]) || b.pages - a.pages || (a.word < b.word ? -1 : 1))
      .slice(0, CORRECTIONS);
  }

  async addCorrections(slot, word) {
    const likely = await this.corrections(word);
    const entries = await Promise.all(likely.map((one) => this.bundle.term(one.word)));
    entries.forEach((entry, at) => {
      if (entry) slot.add({ ...entry, shown: likely[at].shown }, "mistyped", mistyped(likely[at].mistakes));
    });
  }

  async addSynonyms(slot) {
    const also = new Set(slot.saying.flatMap((entry) => entry.also));
    for (const entry of await Promise.all([...also].map((word) => this.bundle.term(word)))) {
      if (entry) slot.add(entry, "synonym", COUNTS.synonym);
    }
  }

  // Reads one word: itself, its forms, and what it is the start of while it is still being typed.
  async word(typed, unfinished) {
    const slot = new Slot(typed);
    const entry = await this.bundle.term(typed);
    if (entry) {
      slot.add(entry, "exact", COUNTS.exact);
      slot.saying.push(entry);
    }
    const start = trunk(typed);
    if (typed.length >= 4) {
      for (const one of await this.bundle.starting(start)) {
        if (!isForm(one.word.slice(start.length))) continue;
        slot.add(one, "form", COUNTS.form);
        if (one.also.length) slot.saying.push(one);
      }
    }
    if (unfinished && typed.length >= 2) {
      const longer = (await this.bundle.starting(typed)).filter((one) => one.many).sort((a, b) => b.many - a.many);
      for (const one of longer.slice(0, STARTING)) slot.add(one, "start", COUNTS.start);
    }
    return slot;
  }

  // Reads one identifier: itself, what it is mistyped for, and its parts anywhere on the page.
  async identifier(run, unfinished) {
    const whole = run.whole.slice(0, LONGEST);
    const slot = await this.word(whole, unfinished);
    slot.typed = run.shown;
    if (ID.test(run.shown.toLowerCase())) return [slot];
    const parts = await Promise.all(run.parts.map((part) => this.bundle.term(part)));
    if (!slot.readings.size && whole.length >= 6) await this.addCorrections(slot, whole);
    if (parts.every((part) => part && part.many)) slot.parts = parts;
    if (slot.readings.size || slot.parts.length) return [slot];
    return Promise.all(run.parts.map((part) => this.word(part, false)));
  }

  async read(text) {
    const found = runs(text).slice(0, WORDS);
    const unfinished = !/\s$/.test(text);
    const read = found.map((run, at) => {
      const last = unfinished && at === found.length - 1;
      return run.parts.length > 1 ? this.identifier(run, last) : this.word(run.whole.slice(0, LONGEST), last).then((slot) => [slot]);
    });
    const slots = (await Promise.all(read)).flat();
    const unread = slots.filter((slot) => !slot.readings.size && !slot.parts.length);
    await Promise.all([
      ...unread.map(async (slot) => {
        await this.addSynonyms(slot);
        if (!slot.readings.size) await this.addCorrections(slot, slot.typed.toLowerCase());
      }),
      this.addPhrases(slots),
    ]);
    return slots;
  }

  // A known phrase ("crash loop") is also asked for by the words that mean the same.
  async addPhrases(slots) {
    const phrases = slots.flatMap((_, at) => [2, 3, 4].filter((length) => at + length <= slots.length).map((length) => slots.slice(at, at + length)));
    await Promise.all(
      phrases.map(async (own) => {
        const entry = await this.bundle.term(own.map((slot) => slot.typed.toLowerCase()).join(" "));
        if (entry) for (const slot of own) slot.saying.push(entry);
      }),
    );
  }

  // {pages: numbers in order, all: how many of them have every word, slots, whys: page -> readings by slot}
  async search(text) {
    const slots = await this.read(text);
    let ranked = this.rank(slots, await this.named(text, slots));
    if (slots.length && ranked.all < ENOUGH) {
      const few = ranked.all < FEW;
      await Promise.all(
        slots.map(async (slot) => {
          await this.addSynonyms(slot);
          const corrected = [...slot.readings.values()].some((one) => one.how === "mistyped");
          if (few && slot.typed.length >= 5 && !corrected && !slot.parts.length) await this.addCorrections(slot, slot.typed.toLowerCase());
        }),
      );
      ranked = this.rank(slots, await this.named(text, slots));
    }
    return { ...ranked, slots };
  }

  // The pages that are called what was typed, or what it was read as.
  async named(text, slots) {
    const read = slots.length === 1 ? [...slots[0].readings.values()].filter((one) => one.how === "mistyped").map((one) => one.entry.word) : [];
    const identifiers = slots.length > 1 ? runs(text).filter((run) => run.parts.length > 1).map((run) => run.whole) : [];
    const found = new Map();
    for (const [names, counts] of [[[name(text)], 3], [read, 2], [identifiers, 1]]) {
      for (const one of names) {
        const entry = one && (await this.bundle.term(`=${one}`));
        if (entry) eachPage(entry, (page) => found.set(page, Math.max(counts, found.get(page) || 0)));
      }
    }
    return found;
  }

  rank(slots, named) {
    const { pages } = this.bundle;
    const scored = slots.map((slot) => slot.score(pages));
    const asked = scored.filter((one) => one.readings.length || one.by.includes(255));
    const scores = new Float32Array(pages);
    const whole = [];
    const partial = [];
    for (let page = 0; page < pages; page++) {
      let sum = 0;
      let having = 0;
      for (const { best } of asked) {
        if (best[page] > 0) {
          sum += best[page];
          having++;
        }
      }
      const called = named.get(page) || 0;
      if (!having && !called) continue;
      const share = having / Math.max(asked.length, 1);
      scores[page] = sum * share * share + 1000 * called;
      (share === 1 || called ? whole : partial).push(page);
    }
    const all = whole.length;
    const shown = all >= ENOUGH ? whole : [...whole, ...first(partial, scores, PARTIAL).slice(0, PARTIAL)];
    const why = (page) =>
      scored.map((one, at) => {
        if (!(one.best[page] > 0)) return { typed: slots[at].typed, how: "missing" };
        if (one.by[page] === 255) return { typed: slots[at].typed, how: "parts", words: slots[at].parts.map((part) => part.word) };
        const { how, entry, shown: written } = one.readings[one.by[page]];
        return { typed: slots[at].typed, how, words: [entry.word], shown: written };
      });
    return { pages: first(shown, scores, ORDERED), all, why };
  }
}

// For each facet how many of `pages` have each value, each facet counted as if it alone were not chosen; and the pages left.
export const narrowed = (facets, pages, chosen) => {
  const wanted = facets.map(({ name: facet, values }) => new Set((chosen[facet] || []).map((value) => values.indexOf(value))));
  const counts = facets.map(({ values }) => new Uint32Array(values.length));
  const has = ({ starts, numbers }, page, set) => {
    for (let at = starts[page]; at < starts[page + 1]; at++) if (set.has(numbers[at])) return true;
    return false;
  };
  const left = [];
  for (const page of pages) {
    let missed = 0;
    let only = -1;
    for (let at = 0; at < facets.length && missed < 2; at++) {
      if (wanted[at].size && !has(facets[at], page, wanted[at])) {
        missed++;
        only = at;
      }
    }
    if (!missed) left.push(page);
    if (missed > 1) continue;
    for (let at = 0; at < facets.length; at++) {
      if (missed && only !== at) continue;
      const { starts, numbers } = facets[at];
      for (let own = starts[page]; own < starts[page + 1]; own++) counts[at][numbers[own]]++;
    }
  }
  return { left, counts };
};
