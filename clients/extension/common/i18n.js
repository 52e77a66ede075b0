/** The texts of `_locales` in the language of the browser. */

/** A text by its name, with values in place of `$1` and so on. Throws Error for a name that `_locales` does not have. */
export function text(name, ...values) {
  const found = chrome.i18n.getMessage(name, values.map(String));
  if (found === "") throw new Error(`_locales has no text of the name ${name}.`);
  return found;
}

/** The language of the texts, for Intl: that of `_locales`, which need not be the browser's. */
export function locale() {
  return text("locale");
}

/** Not `@@bidi_dir`, which is that of the browser: one in Hebrew shows the English texts. */
function isRightToLeft(language) {
  return ["ar", "fa", "he", "ur"].includes(language);
}

/**
 * Sets language and direction of a document and fills it: `data-i18n="name"` with a text, `data-i18n-label="name"` an
 * `aria-label` and `data-i18n-placeholder="name"` a placeholder.
 */
export function localize(root = document) {
  const element = root.documentElement ?? root;
  element.lang = locale();
  element.dir = isRightToLeft(element.lang) ? "rtl" : "ltr";
  for (const node of root.querySelectorAll("[data-i18n]")) node.textContent = text(node.dataset.i18n);
  for (const node of root.querySelectorAll("[data-i18n-label]")) node.setAttribute("aria-label", text(node.dataset.i18nLabel));
  for (const node of root.querySelectorAll("[data-i18n-placeholder]")) node.placeholder = text(node.dataset.i18nPlaceholder);
}
