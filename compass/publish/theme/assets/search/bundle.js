// The files of the search bundle (compass/publish/search/terms.py says what is in them), each asked for once, when needed.

import { hashed } from "./words.js";

const KEPT = 400;

const unpacked = async (answer) => {
  const data = new Uint8Array(await answer.arrayBuffer());
  // A server may have unpacked it on the way.
  if (data[0] !== 0x1f || data[1] !== 0x8b) return data;
  const stream = new Blob([data]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
};

const decoder = new TextDecoder();

export class Bundle {
  constructor(address) {
    this.address = address;
    this.files = new Map();
  }

  async open() {
    const answer = await fetch(new URL("index.json", this.address), { cache: "no-cache" });
    if (!answer.ok) throw new Error(`the search bundle is not there: ${answer.status}`);
    this.root = await answer.json();
    this.pages = this.root.pages;
    return this;
  }

  // What `read` makes of a file; the oldest are forgotten.
  file(name, read) {
    if (!this.files.has(name)) {
      const found = fetch(new URL(`${this.root.folder}/${name}`, this.address)).then(async (answer) => {
        if (!answer.ok) throw new Error(`${name}: ${answer.status}`);
        return read(await unpacked(answer));
      });
      found.catch(() => this.files.delete(name));
      this.files.set(name, found);
      if (this.files.size > KEPT) this.files.delete(this.files.keys().next().value);
    }
    return this.files.get(name);
  }

  // The number of the file of terms in which a word would be.
  place(word) {
    let low = 0;
    let high = this.root.terms.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.root.terms[middle] <= word) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  terms(number) {
    return this.file(`terms-${number}.gz`, (data) => {
      const end = data.indexOf(10);
      const words = new Map();
      let at = end + 1;
      for (const [word, many, bytes, also] of JSON.parse(decoder.decode(data.subarray(0, end)))) {
        words.set(word, { word, many, also: also || [], data: data.subarray(at, at + bytes) });
        at += bytes;
      }
      return words;
    });
  }

  async term(word) {
    const number = this.place(word);
    return number < 0 ? undefined : (await this.terms(number)).get(word);
  }

  // The words that start so, from the file where they start and the next.
  async starting(start) {
    const number = Math.max(this.place(start), 0);
    const found = [];
    for (let next = number; next < this.root.terms.length && next < number + 2; next++) {
      if (next > number && !this.root.terms[next].startsWith(start)) break;
      for (const [word, entry] of await this.terms(next)) if (word.startsWith(start)) found.push(entry);
    }
    return found;
  }

  // Words that share the first two letters or the last two: one mistake leaves one of them right.
  async spellings(word) {
    if (!this.root.spellings) return [];
    const places = new Set([`<${word.slice(0, 2)}`, `${word.slice(-2)}>`].map((key) => hashed(key) % this.root.spellings));
    const read = (data) => decoder.decode(data).split("\n").map((line) => line.split("\t"));
    return (await Promise.all([...places].map((place) => this.file(`spell-${place}.gz`, read)))).flat();
  }

  card(number) {
    return this.file(`page-${number}.gz`, (data) => JSON.parse(decoder.decode(data)));
  }

  // For each facet its values; those of page n are `numbers[starts[n]]` up to `numbers[starts[n + 1] - 1]`.
  facets() {
    return this.file("facets.gz", (data) => {
      const end = data.indexOf(10);
      let at = end + 1;
      const next = () => (at += 2) && (data[at - 2] | (data[at - 1] << 8));
      return JSON.parse(decoder.decode(data.subarray(0, end))).map(([name, several, values]) => {
        const starts = new Uint32Array(this.pages + 1);
        const numbers = [];
        for (let page = 0; page < this.pages; page++) {
          for (let value = next(); value; value = several ? next() : 0) numbers.push(value - 1);
          starts[page + 1] = numbers.length;
        }
        return { name, values, starts, numbers: Uint16Array.from(numbers) };
      });
    });
  }
}

// Calls `each(page, weight)` for the pages of a term.
export const eachPage = (entry, each) => {
  const { data } = entry;
  let page = 0;
  for (let at = 0; at < data.length; ) {
    let value = 0;
    let shift = 0;
    let byte;
    do {
      byte = data[at++];
      value += (byte & 127) * 2 ** shift;
      shift += 7;
    } while (byte > 127);
    page += Math.floor(value / 16);
    each(page, (value & 15) / 15);
  }
};
