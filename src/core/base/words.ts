/** `2026-03-02 10:05:00 UTC`, of milliseconds since 1970. */
export function utcTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

/** A count for people: `950`, `12.8k`, `3.1M`. */
export function countWords(count: number): string {
  // Of an expression Prometheus tells fractions.
  if (count < 999.5) return String(Math.round(count));
  const [value, unit] = count < 999_500 ? [count / 1000, 'k'] : [count / 1_000_000, 'M'];
  return `${value >= 100 ? Math.round(value) : Math.round(value * 10) / 10}${unit}`;
}

/** How long ago, coarsely: `just now`, `5 min ago`, `3 h ago`, `2 days ago`. */
export function ageWords(ms: number): string {
  if (Number.isNaN(ms)) return 'at an unknown time';
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 1) return 'just now';
  if (minutes < 60) return `${minutes} min ago`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours} h ago`;
  return `${Math.floor(hours / 24)} days ago`;
}

const RTL_SCRIPTS = String.raw`\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}\u{10800}-\u{10fff}\u{1e800}-\u{1efff}`;
const RTL = `[${RTL_SCRIPTS}]`;
/** A joiner inside an emoji, and the mark that `plainLine` itself sets behind right-to-left letters. */
const HARMLESS = String.raw`[\ufe0e\ufe0f]|(?<=[\p{Extended_Pictographic}\p{Emoji_Modifier}\ufe0f])\u200d(?=\p{Extended_Pictographic})|(?<=${RTL}\p{M}*)\u200e`;
/** Control characters, which terminals obey; marks that reorder text; what cannot be seen; halves of characters. */
const UNSEEN = new RegExp(String.raw`(?:(?!${HARMLESS})[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}])+`, 'gu');
const LAST_RTL = new RegExp(String.raw`${RTL}\p{M}*(?=[^${RTL_SCRIPTS}\u200e]*$)`, 'u');

/**
 * Outsiders' text (a server's, a file's) for one line of a view, a dialog or a terminal: nothing in it is obeyed, hidden or
 * reordered. Control and invisible characters become a blank; `$(icon)` and `[text](command:...)`, which VS Code interprets in
 * lenses, quick picks and notifications, get a blank inside; right-to-left text cannot turn round what follows it. Cut to `length`.
 */
export function plainLine(text: string, length = 120): string {
  // Megabytes are not searched for the sake of one line.
  const clean = text.slice(0, 4 * length).replace(UNSEEN, ' ').replace(/([$\]])(?=\()/g, '$1 ').trim();
  const cut = clean.length > length || text.length > 4 * length ? `${clean.slice(0, length - 1).replace(/[\ud800-\udbff]$/, '')}…` : clean;
  return cut.replace(LAST_RTL, '$&\u200e');
}

/** Text as Markdown that shows it and nothing else: every ASCII punctuation mark escaped (CommonMark 2.4). */
export function escapeMarkdown(text: string): string {
  return text.replace(/[!-/:-@[-`{-~]/g, '\\$&');
}
