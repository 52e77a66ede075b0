/** Numbers, times and money for people, in the language of the texts. Pure: the locale is an argument. */

/** Milliseconds from the beginning of a transcript as `4:07` or `1:04:07`. */
export function clockTime(milliseconds) {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const [hours, minutes, rest] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const pad = (value) => String(value).padStart(2, "0");
  return hours > 0 ? `${hours}:${pad(minutes)}:${pad(rest)}` : `${minutes}:${pad(rest)}`;
}

/** The same for the attribute `datetime` of a `time`: `PT1H4M7S`. */
export function isoDuration(milliseconds) {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  return `PT${Math.floor(seconds / 3600)}H${Math.floor(seconds / 60) % 60}M${seconds % 60}S`;
}

export function number(value, locale) {
  return new Intl.NumberFormat(locale).format(value);
}

/** A length in words: seconds below a minute and a half, except for one minute, then minutes, and hours from two hours on. */
export function duration(seconds, locale) {
  const unit = (value, name) => new Intl.NumberFormat(locale, { style: "unit", unit: name, unitDisplay: "long" }).format(value);
  if (seconds < 90 && seconds !== 60) return unit(Math.max(0, Math.round(seconds)), "second");
  const minutes = Math.round(seconds / 60);
  if (minutes < 120) return unit(minutes, "minute");
  const rest = minutes % 60;
  const parts = rest ? [unit(Math.floor(minutes / 60), "hour"), unit(rest, "minute")] : [unit(minutes / 60, "hour")];
  return new Intl.ListFormat(locale, { style: "long", type: "unit" }).format(parts);
}

export function money(cents, currency, locale) {
  return new Intl.NumberFormat(locale, { style: "currency", currency, currencyDisplay: "narrowSymbol" }).format(cents / 100);
}

/** Today with its time, otherwise the day with its time; the year where it is another one. */
export function dateTime(iso, locale, now = new Date()) {
  const date = new Date(iso);
  if (date.toDateString() === now.toDateString()) return time(iso, locale);
  const year = date.getFullYear() === now.getFullYear() ? undefined : "numeric";
  return new Intl.DateTimeFormat(locale, { day: "numeric", month: "short", year, hour: "numeric", minute: "2-digit" }).format(date);
}

export function time(iso, locale) {
  return new Intl.DateTimeFormat(locale, { hour: "numeric", minute: "2-digit" }).format(new Date(iso));
}

/** A calendar day such as `2026-11-30`, which has no time zone. */
export function day(isoDay, locale) {
  return new Intl.DateTimeFormat(locale, { day: "numeric", month: "short", timeZone: "UTC" }).format(new Date(`${isoDay}T00:00:00Z`));
}

/** "7 days". */
export function dayCount(days, locale) {
  return new Intl.NumberFormat(locale, { style: "unit", unit: "day", unitDisplay: "long" }).format(days);
}

/** Bytes as megabytes with one digit. */
export function megabytes(bytes, locale) {
  const options = { style: "unit", unit: "megabyte", maximumFractionDigits: 1 };
  return new Intl.NumberFormat(locale, options).format(bytes / 1_000_000);
}

/** A language's name in the language of the texts, such as `English`; the code itself if it has none. */
export function languageName(code, locale) {
  try {
    return new Intl.DisplayNames(locale, { type: "language", fallback: "code" }).of(code);
  } catch {
    return code; // no BCP 47: a provider's own word
  }
}

/** The name of a text for this count, such as `credits_one`: languages have up to six forms. */
export function pluralName(name, count, locale) {
  return `${name}_${new Intl.PluralRules(locale).select(count)}`;
}

/** What the credits are worth in whole minutes of captions; undefined while the price is not known. */
export function minutesOf(credits, creditsPerMinute) {
  return creditsPerMinute > 0 ? Math.max(0, Math.floor(credits / creditsPerMinute)) : undefined;
}

/** A text of a person within a sentence: its direction does not mix with that of the sentence (Unicode UAX 9, FSI). */
export function isolate(words) {
  return `\u2068${words}\u2069`;
}
