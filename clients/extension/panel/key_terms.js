/** Key terms as the person writes them: one a line. Pure. The bounds are those of the contract, held by a test. */
export const MAX_KEY_TERMS = 100;
export const MAX_KEY_TERM_CHARACTERS = 50;

/** The terms of a text, each once, and how many lines could not be taken. */
export function keyTermsOf(value) {
  const lines = value.split("\n").map((line) => line.trim().replace(/\s+/g, " ")).filter(Boolean);
  const unique = [...new Set(lines)];
  const terms = unique.filter((line) => line.length <= MAX_KEY_TERM_CHARACTERS).slice(0, MAX_KEY_TERMS);
  return { terms, dropped: unique.length - terms.length };
}
