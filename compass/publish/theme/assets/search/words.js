// What is typed, split as the pages were (compass/publish/search/words.py), and how far one spelling is from another.

export const LONGEST = 48;
const RUN = /[\p{L}\p{N}]+(?:[_.:-]{1,2}[\p{L}\p{N}]+)*/gu;
const JOINT = /[_.:-]+/;
const HUMP = /(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])/;
const UNSPACED = /[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]/;
const ENDINGS = ["ations", "ation", "ings", "ions", "ing", "ion", "ied", "ies", "ers", "er", "ed", "es", "e", "s", "y"];
const FORMS = new Set(["", ...ENDINGS, "able", "ability", "ying", "or", "ors", "ment", "ly"]);

const plain = (text) => text.normalize("NFKD").replace(/[\u0300-\u036f]/g, "");

// Each word or identifier: as it is typed, its parts, and all of it without its joints.
export const runs = (text) =>
  (plain(text).match(RUN) || []).map((shown) => {
    const pieces = shown.split(JOINT).flatMap((piece) => piece.split(HUMP)).map((piece) => piece.toLowerCase());
    const parts = pieces.flatMap((part) =>
      part.length > 2 && UNSPACED.test(part) ? [...part].slice(1).map((_, at) => [...part].slice(at, at + 2).join("")) : [part],
    );
    return { shown, parts, whole: pieces.join("") };
  });

// What is compared when a whole name is typed.
export const name = (text) => runs(text).map((run) => run.whole).join("");

// The part of a word that its forms share, and whether what follows it makes a form.
export const trunk = (word) => {
  const ending = ENDINGS.find((one) => word.endsWith(one) && word.length - one.length >= 4);
  return ending ? word.slice(0, -ending.length) : word;
};
export const isForm = (rest) => FORMS.has(rest);

// Mistakes between two words: a letter too many, too few, wrong, or two exchanged; `most` + 1 if there are more than `most`.
export const mistakes = (first, second, most) => {
  if (Math.abs(first.length - second.length) > most) return most + 1;
  let older = [];
  let old = Array.from({ length: second.length + 1 }, (_, at) => at);
  for (let i = 1; i <= first.length; i++) {
    const row = [i];
    let least = i;
    for (let j = 1; j <= second.length; j++) {
      const same = first[i - 1] === second[j - 1];
      let cost = Math.min(old[j] + 1, row[j - 1] + 1, old[j - 1] + (same ? 0 : 1));
      if (i > 1 && j > 1 && first[i - 1] === second[j - 2] && first[i - 2] === second[j - 1]) cost = Math.min(cost, older[j - 2] + 1);
      row.push(cost);
      least = Math.min(least, cost);
    }
    if (least > most) return most + 1;
    older = old;
    old = row;
  }
  return Math.min(old[second.length], most + 1);
};

// FNV-1a over UTF-16 units, as in compass/publish/search/terms.py.
export const hashed = (key) => {
  let found = 0x811c9dc5;
  for (let at = 0; at < key.length; at++) found = Math.imul(found ^ key.charCodeAt(at), 0x01000193) >>> 0;
  return found;
};
