/** What a text comes to as a record of a CSV file (RFC 4180): its fields, that a quote is open at its end, or why it is none. */
export type CsvFields = { readonly fields: readonly string[] } | 'open' | { readonly reason: string };

const [QUOTE, COMMA] = ['"', ','];

/** Reads a record that may have several lines. */
export function csvFields(text: string): CsvFields {
  if (!text.includes(QUOTE)) return { fields: text.split(COMMA) };
  const fields: string[] = [];
  for (let at = 0; ; at += 1) {
    if (text.charAt(at) === QUOTE) {
      const end = closingQuote(text, at + 1);
      if (end < 0) return 'open';
      fields.push(text.slice(at + 1, end).replaceAll('""', QUOTE));
      at = end + 1;
      if (at < text.length && text.charAt(at) !== COMMA) return { reason: 'after a quote that closes a field there is something else than a comma' };
    } else {
      const comma = text.indexOf(COMMA, at);
      const field = text.slice(at, comma < 0 ? undefined : comma);
      if (field.includes(QUOTE)) return { reason: 'a quote stands in a field that does not begin with one' };
      fields.push(field);
      at += field.length;
    }
    if (at >= text.length) return { fields };
  }
}

/** Where the quote is that closes a field; two of them are one in it. */
function closingQuote(text: string, from: number): number {
  for (let at = text.indexOf(QUOTE, from); at >= 0; at = text.indexOf(QUOTE, at + 2)) if (text.charAt(at + 1) !== QUOTE) return at;
  return -1;
}
