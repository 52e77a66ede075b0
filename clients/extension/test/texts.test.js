/** The texts: every name that is used exists in each language, none is unused, and placeholders are the same. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { CAPTION_SIZES } from "../common/caption_sizes.js";
import { CODES, END_REASONS, OTHERS, REASONS } from "../panel/errors.js";

const ROOT = new URL("../", import.meta.url);
const LANGUAGES = readdirSync(new URL("_locales/", ROOT));
const TEXTS = Object.fromEntries(LANGUAGES.map((language) => [language, JSON.parse(readFileSync(new URL(`_locales/${language}/messages.json`, ROOT), "utf8"))]));
const PLURALS = ["credits"];
/** The names that are put together from parts; their parts are checked by the tests of those who name them. */
const FAMILIES = {
  state_: ["starting", "live", "reconnecting", "paused", "stopping"],
  catch_up_: ["queued", "transcribing", "summarising", "done", "failed"],
  size_: CAPTION_SIZES,
  format_: ["txt", "srt", "vtt", "json"],
  overlay_ended_: [...Object.keys(END_REASONS), "not_saved"],
};

function sources(folder = "") {
  return readdirSync(new URL(folder, ROOT), { withFileTypes: true }).flatMap((entry) => {
    if (["test", "sdk", "_locales", "icons", "node_modules"].includes(entry.name)) return [];
    if (entry.isDirectory()) return sources(`${folder}${entry.name}/`);
    return /\.(js|html|json)$/.test(entry.name) ? [readFileSync(new URL(folder + entry.name, ROOT), "utf8")] : [];
  });
}

/** A word in quotes, or in `__MSG_…__`, that a language has as a name; and what is given to `text`. */
function usedNames() {
  const code = sources().join("\n").replace(/^ \*.*$/gm, ""); // without comments, which give examples
  const given = [...code.matchAll(/\btext\(\s*"(\w+)"/g), ...code.matchAll(/__MSG_(\w+)__/g)];
  const quoted = [...code.matchAll(/"(\w+)"/g)].filter(([, name]) => isText(name));
  const families = Object.entries(FAMILIES).flatMap(([start, ends]) => (code.includes(`\`${start}\${`) ? ends.map((end) => start + end) : []));
  return new Set([...given, ...quoted].map(([, name]) => name).concat(families));
}

function isText(name) {
  return Object.hasOwn(TEXTS.en, name);
}

function isPlural(name) {
  return PLURALS.some((plural) => new RegExp(`^${plural}_(zero|one|two|few|many|other)$`).test(name));
}

const placeholders = ({ message }) => [...new Set(message.match(/\$\d/g) ?? [])].sort().join(" ");

test("every text that is used exists in every language", () => {
  for (const language of LANGUAGES) {
    const missing = [...usedNames()].filter((name) => !PLURALS.includes(name) && !Object.hasOwn(TEXTS[language], name));
    assert.deepEqual(missing, [], language);
  }
});

test("no text is unused", () => {
  const used = usedNames();
  const unused = Object.keys(TEXTS.en).filter((name) => !used.has(name) && !isPlural(name));
  assert.deepEqual(unused, []);
});

test("the languages have the same texts with the same placeholders", () => {
  for (const language of LANGUAGES) {
    const names = (texts) => Object.keys(texts).filter((name) => !isPlural(name)).sort();
    assert.deepEqual(names(TEXTS[language]), names(TEXTS.en), language);
    const different = names(TEXTS.en).filter((name) => placeholders(TEXTS[language][name]) !== placeholders(TEXTS.en[name]));
    assert.deepEqual(different, [], language);
  }
});

test("each language has every plural form that it needs, each with its number", () => {
  for (const language of LANGUAGES) {
    assert.equal(TEXTS[language].locale.message, language);
    const categories = new Intl.PluralRules(language).resolvedOptions().pluralCategories;
    for (const plural of PLURALS) {
      const forms = Object.keys(TEXTS[language]).filter((name) => isPlural(name) && name.startsWith(`${plural}_`));
      assert.deepEqual(forms.sort(), categories.map((category) => `${plural}_${category}`).sort(), language);
      for (const form of forms) assert.match(TEXTS[language][form].message, /\$1/);
    }
  }
});

test("no text is empty, has an edge of blanks, or a placeholder out of order", () => {
  for (const language of LANGUAGES) {
    for (const [name, { message }] of Object.entries(TEXTS[language])) {
      assert.ok(message.length > 0 && message === message.trim(), `${language} ${name}`);
      const numbers = [...new Set((message.match(/\$(\d)/g) ?? []).map((found) => Number(found[1])))].sort();
      assert.deepEqual(numbers, numbers.map((_, index) => index + 1), `${language} ${name}`);
    }
  }
});

test("no sentence has a counted noun beside its number, which would need a form for each count", () => {
  const counted = Object.entries(TEXTS.en).filter(([name, { message }]) => /\$\d (credit|minute|second|day|hour)s?\b/.test(message) && !isPlural(name));
  assert.deepEqual(counted.map(([name]) => name), []);
  for (const language of LANGUAGES) {
    const { message } = TEXTS[language].overlay_lease;
    const noun = TEXTS[language].credits_other.message.replace("$1", "").trim();
    assert.equal(message.includes(noun), false, `${language}: overlay_lease names credits, whose form depends on their number`);
  }
});

test("each sentence of an error exists", () => {
  const sentences = [CODES, REASONS, END_REASONS, OTHERS].flatMap((table) => Object.values(table).map(({ text }) => text));
  assert.deepEqual(sentences.filter((name) => !isText(name)), []);
});
