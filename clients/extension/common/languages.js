/** The languages that a user can choose for what is spoken; the API takes more. */
export const LANGUAGES = Object.freeze(
  "ar bn cs da de el en es fa fi fr he hi hu id it ja ko nl no pl pt ro ru sv th tr uk ur vi zh".split(" "),
);
