/**
 * What a token may look like anywhere in a text: Unleash's two forms, other services' prefixes, what follows a header's or
 * field's name, and user and password of an address. Every part is bounded or starts at a word's edge, so that a long text cannot make the search quadratic.
 */
const TOKEN = new RegExp([
  String.raw`user:[\w-]{8,}[\w.-]*|gh[pousr]_\w{20,}[\w.-]*|eyJ[\w-]{5,200}\.[\w-]+\.[\w-]+|AKIA[0-9A-Z]{16}`,
  String.raw`(?<![\w*-])[\w*-]{1,200}:[\w*-]{1,200}\.[\w-]{16,}[\w.-]*`,
  String.raw`((?:authorization|token|password|passwd|api[_-]?key)["']?\s{0,20}[:=]\s{0,20}["']?(?:bearer |basic )?)[^\s"',]+`,
  String.raw`([a-z][a-z0-9+.-]{1,20}:[\\/]{2})[^/?#\s@]{1,300}(?=@)`,
].join('|'), 'gi');

const REDACTED = '[redacted]';

/** Takes anything that looks like a credential out of a text. */
export function redact(text: string): string {
  return text.replace(TOKEN, (_match, field: string | undefined, scheme: string | undefined) => `${field ?? scheme ?? ''}${REDACTED}`);
}

/** Shorter secrets are ordinary words, which would vanish from every text. */
const SHORTEST_SECRET = 8;
const SHORTEST_PART = 16;

/**
 * Takes exactly these credentials out of a text, however a server may write them back: as they are, in other letter case,
 * JSON-escaped, URL-encoded or in Base64. What stands behind the last `:` or `.` of a token is a secret by itself.
 */
export function redactorOf(credentials: readonly string[]): (text: string) => string {
  const secrets = credentials.flatMap((credential) => {
    const token = credential.trim().split(/\s+/).at(-1) ?? '';
    const part = token.split(/[:.]/).at(-1) ?? '';
    if (token.length < SHORTEST_SECRET) return [];
    return [part.length >= SHORTEST_PART ? part : token, ...base64Of(token)];
  });
  if (secrets.length === 0) return (text) => text;
  const pattern = new RegExp(secrets.map((secret) => Array.from(secret, anyWriting).join('')).join('|'), 'gi');
  return (text) => unescaped(text).replace(pattern, REDACTED);
}

/** JSON with letters that need no `\uXXXX` written as themselves, so that no token hides behind it: it means the same. */
function unescaped(text: string): string {
  if (!text.includes('\\u00')) return text;
  return text.replace(/\\\\|\\u00([2-7][0-9a-f])/gi, (found, code: string | undefined) => {
    const character = code === undefined ? '"' : String.fromCharCode(Number.parseInt(code, 16));
    return character === '"' || character === '\\' ? found : character;
  });
}

/** One ASCII character as itself, `\/` or `%XX`, in either letter case. */
function anyWriting(character: string): string {
  const codes = [character.toLowerCase(), character.toUpperCase()].map((each) => each.charCodeAt(0).toString(16)).join('|');
  const literal = /\w/.test(character) ? character : `\\${character}`;
  return String.raw`(?:${character === '/' ? '\\\\?' : ''}${literal}|%(?:${codes}))`;
}

/** The token in Base64 at each of the three places it can have in a longer text, without the characters it shares with its neighbours. */
function base64Of(token: string): string[] {
  return [0, 1, 2].map((offset) => {
    const encoded = btoa('\0'.repeat(offset) + token);
    return encoded.replace(/=+$/, '').slice(offset === 0 ? 0 : offset + 1, token.length % 3 === (3 - offset) % 3 ? undefined : -1);
  });
}
