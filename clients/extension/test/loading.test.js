/** An element shows what was asked for last, whatever arrives last. */
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { loadInto } from "../panel/notices.js";

/** The little of an element that is used here. */
class FakeElement {
  children = [];
  attributes = {};
  replaceChildren = () => (this.children = []);
  append = (...children) => this.children.push(...children);
  setAttribute = (name, value) => (this.attributes[name] = value);
  removeAttribute = (name) => delete this.attributes[name];
}

const app = { signal: () => new AbortController().signal, noticeError: () => undefined };

beforeEach(() => {
  globalThis.document = { createElement: () => new FakeElement() };
  globalThis.chrome = { i18n: { getMessage: (name) => name } };
});

test("an answer that comes after a newer one is not shown", async () => {
  const element = new FakeElement();
  let answer;
  const slow = loadInto(app, element, () => new Promise((resolve) => (answer = resolve)), (value) => value);
  await loadInto(app, element, async () => "of 7 days", (value) => value);

  answer("of 30 days");
  await slow;

  assert.deepEqual(element.children, ["of 7 days"]);
});

test("what was aborted for something newer leaves the sign of waiting", async () => {
  const element = new FakeElement();
  let abort;
  const first = loadInto(app, element, () => new Promise((_, reject) => (abort = reject)), (value) => value);
  void loadInto(app, element, () => new Promise(() => undefined), (value) => value);

  abort(Object.assign(new Error("aborted"), { name: "AbortError" }));
  await first;

  assert.equal(element.attributes["aria-busy"], "true");
  assert.equal(element.children.length, 1);
});
