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

/** Sets the language and the direction of the document. Not `@@bidi_dir`: a browser in Hebrew shows the English texts. */
export function setLanguage() {
  const { documentElement } = document;
  documentElement.lang = locale();
  documentElement.dir = text("direction");
}
