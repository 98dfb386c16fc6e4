// The part of a page's text that shows best why it was found, as text and marks; nothing in it is ever read as markup.

import { runs } from "./words.js";

const LENGTH = 170; // characters
const RUN = /[\p{L}\p{N}]+(?:[_.:-]{1,2}[\p{L}\p{N}]+)*/gu;

// Where the wanted words stand: {start, end, word}.
const places = (text, wanted) => {
  const found = [];
  for (const match of text.matchAll(RUN)) {
    const [run] = runs(match[0]);
    const word = run && [run.whole, ...run.parts].find((one) => wanted.has(one));
    if (word) found.push({ start: match.index, end: match.index + match[0].length, word });
  }
  return found;
};

export const excerpt = (text, words) => {
  const wanted = new Set(words);
  const found = places(text, wanted);
  let best = 0;
  let most = 0;
  found.forEach((one, at) => {
    const within = found.slice(at, at + 40).filter((other) => other.end <= one.start + LENGTH);
    const many = new Set(within.map((other) => other.word)).size + within.length / 100;
    if (many > most) [most, best] = [many, one.start];
  });
  let start = Math.max(0, best - 40);
  if (start) start = text.indexOf(" ", start) + 1;
  const space = text.indexOf(" ", start + LENGTH);
  const end = space < 0 || space > start + 2 * LENGTH ? Math.min(text.length, start + LENGTH) : space;
  const made = [start > 0 ? "… " : ""];
  let at = start;
  for (const one of found) {
    if (one.start < start || one.end > end) continue;
    const mark = document.createElement("mark");
    mark.append(text.slice(one.start, one.end));
    made.push(text.slice(at, one.start), mark);
    at = one.end;
  }
  made.push(text.slice(at, end), end < text.length ? " …" : "");
  return made;
};
