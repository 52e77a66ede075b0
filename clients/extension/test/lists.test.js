/** What is declared in one place is what the API and every other place use. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { CAPTION_SIZES, DEFAULT_CAPTION_SIZE } from "../common/caption_sizes.js";
import { LANGUAGES } from "../common/languages.js";
import { DEFAULT_SETTINGS } from "../common/settings.js";
import { ICONS } from "../panel/icons.js";
import { MAX_KEY_TERM_CHARACTERS, MAX_KEY_TERMS } from "../panel/key_terms.js";

const read = (path) => readFileSync(new URL(path, import.meta.url), "utf8");

test("the bounds of key terms are those of the contract", () => {
  const { key_terms: keyTerms } = JSON.parse(read("../../../docs/openapi.json")).components.schemas.Start.properties;
  const { maxItems, items } = [keyTerms, ...(keyTerms.anyOf ?? [])].find(({ type }) => type === "array");

  assert.deepEqual([MAX_KEY_TERMS, MAX_KEY_TERM_CHARACTERS], [maxItems, items.maxLength]);
});

test("the API recognises every language that can be chosen", () => {
  const [, set] = /^LANGUAGES = {([^}]+)}/m.exec(read("../../../chalicelib/models/languages.py"));
  const known = [...set.matchAll(/"(\w+)"/g)].map(([, code]) => code);

  assert.ok(known.length > 50);
  assert.deepEqual(LANGUAGES.filter((code) => !known.includes(code)), []);
  assert.equal(new Set(LANGUAGES).size, LANGUAGES.length);
});

test("the default size of captions is one of the sizes", () => {
  assert.ok(CAPTION_SIZES.includes(DEFAULT_CAPTION_SIZE));
  assert.equal(DEFAULT_SETTINGS.captionSize, DEFAULT_CAPTION_SIZE);
});

test("every icon is drawn somewhere", () => {
  const folders = ["panel", "panel/views", "popup"];
  const paths = folders.flatMap((folder) => readdirSync(new URL(`../${folder}/`, import.meta.url)).map((name) => `../${folder}/${name}`));
  const code = paths.filter((path) => path.endsWith(".js")).map(read).join("\n");

  assert.deepEqual(Object.keys(ICONS).filter((name) => !code.includes(`"${name}"`)), []);
});
