/**
 * Whole numbers beyond 2^53, which numbers do not tell apart. As a field of a record itself one is an id or a name: it is the text of its digits, in JSON Lines, CSV and Parquet alike. In features, and
 * other mappings, it is the nearest number.
 */
const DIGITS = /^-?[1-9]\d{15,}$/;
/** What opens and closes, and numbers. */
const TOKENS = /[{}[\]]|-?\d[\d.eE+-]*/;

/** Whether it is a whole number beyond 2^53. */
export function isBeyond(value: unknown): boolean {
  return typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value);
}

/** A number beyond 2^53 that was read of a text: the text, where it is of digits. */
export function exactNumber(number: number, text: string): number | string {
  return DIGITS.test(text) ? text : number;
}

/** The number that is nearest, of a text that is a whole one beyond 2^53; anything else as it is. */
export function nearestNumber<T>(value: T): T | number {
  return typeof value === 'string' && DIGITS.test(value) ? Number(value) : value;
}

/** A whole number of 64 bits. `isOwn`: it is a field of a record itself. */
export function wholeNumber(value: bigint, isOwn: boolean): number | string {
  const number = Number(value);
  return isOwn && isBeyond(number) ? String(value) : number;
}

/** JSON with tokens replaced that stand in no text. A text is gone through part by part: as one match a long one takes more room than there is. */
export function replacedInJson(json: string, tokens: RegExp, replace: (token: string) => string): string {
  let isText = false;
  return json.replace(new RegExp(`\\\\.|"|${tokens.source}`, 'g'), (token) => {
    if (token === '"') isText = !isText;
    return isText || token === '"' || token.startsWith('\\') ? token : replace(token);
  });
}

/** What `JSON.parse` gives, but for such numbers in the record itself. @throws SyntaxError */
export function parsedLine(line: string): unknown {
  const value: unknown = JSON.parse(line);
  if (typeof value !== 'object' || value === null || Array.isArray(value) || !Object.values(value).some(isBeyond)) return value;
  let depth = 0;
  return JSON.parse(replacedInJson(line, TOKENS, (token) => {
    if (token === '{' || token === '[') depth += 1;
    else if (token === '}' || token === ']') depth -= 1;
    else if (depth === 1 && DIGITS.test(token) && isBeyond(Number(token))) return `"${token}"`;
    return token;
  }));
}
