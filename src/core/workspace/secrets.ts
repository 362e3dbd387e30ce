import { isPair, isScalar, visit } from 'yaml';
import { quotable } from './source.ts';
import type { Problem, Source } from './source.ts';

const SECRET_KEY = /^(?:.*[-_.])?(?:token|secret|password|passwd|credentials?|authorization|api[-_]?key|private[-_]?key)s?$/i;
/** Unleash: `user:<hex>`, `default:production.<hex>`, `*:*.<hex>`; and the usual prefixes of other services' tokens. */
const SECRET_VALUE = /^(?:Bearer\s+)?(?:user:[0-9a-f]{32,}|[^\s:]+:[^\s:.]+\.[0-9a-f]{32,}|gh[pousr]_\w{20,}|AKIA[0-9A-Z]{16}|eyJ[\w-]+\.[\w-]+\.[\w-]+)$/i;
/** The same, inside of a longer text. Every part is bounded, so that no text makes the search slow. */
const TOKEN_INSIDE = /(?:user:[0-9a-f]{32,}[\w.-]*|gh[pousr]_\w{20,}|eyJ[\w-]{5,200}\.[\w-]+\.[\w-]+|AKIA[0-9A-Z]{16})|(?<![\w*-])(?:[\w*-]{1,100}|\[\]):[\w*-]{1,100}\.[0-9a-f]{32,}[\w.-]*/gi;
const URL_WITH_CREDENTIALS = /^\s*[a-z][a-z0-9+.-]*:\/\/[^/?#\s]*@/i;
/** `${NAME}` is filled in from the environment when it is used; it is no secret. */
const PLACEHOLDER = /^\$\{\w+\}$/;

const mend = (instead: string): string => `No secret may stand in this file: remove it, revoke it if it was ever committed, and ${instead} in the environment.`;
const MEND = mend('connect with the command "Modelswitch: Connect" or with UNLEASH_URL and UNLEASH_TOKEN');
const PROMETHEUS_MEND = mend('sign in with the command "Modelswitch: Sign In to Prometheus" or with PROMETHEUS_URL and PROMETHEUS_TOKEN');

function splitsCamelCase(key: string): string {
  return key.replace(/([a-z])([A-Z])/g, '$1_$2');
}

/** Whether a key's name says that its value is a secret: `token`, `apiKey`, `client_secret`. */
function isSecretKey(key: string): boolean {
  return SECRET_KEY.test(key) || SECRET_KEY.test(splitsCamelCase(key));
}

/** Whether a text is an address with a user or password in it. */
export function hasCredentials(text: string): boolean {
  return URL_WITH_CREDENTIALS.test(text);
}

/** Secrets anywhere in the file, including sections that are not read yet. The messages name the key, never the value. */
export function secretProblems(source: Source): Problem[] {
  const problems: Problem[] = [];
  visit(source.document, {
    Scalar(position, node, path) {
      // As it is written, so that a number counts too; an alias is judged at its anchor.
      const value = node.source ?? '';
      if (position === 'key' || value === '' || node.value === null || PLACEHOLDER.test(value)) return;
      const owner = path.findLast(isPair);
      const key = isScalar(owner?.key) ? String(owner.key.value) : '';
      const name = key === '' ? 'The file' : `"${quotable(key)}"`;
      let what: string | undefined;
      if (isSecretKey(key)) what = `${name} holds a secret.`;
      else if (SECRET_VALUE.test(value)) what = `${name} holds what looks like a token.`;
      else if (hasCredentials(value)) what = `${name} is an address with credentials in it.`;
      if (what === undefined) return;
      const keys = path.flatMap((each) => (isPair(each) && isScalar(each.key) ? [String(each.key.value)] : []));
      problems.push({ code: 'secret', severity: 'error', message: `${what} ${keys.includes('prometheus') ? PROMETHEUS_MEND : MEND}`, range: source.rangeOf(node), path: keys });
    },
  });
  return problems;
}

/** Tokens that no value of the file is: in a comment, in a key, inside a longer text, in a text that is no valid YAML. */
export function tokenProblems(source: Source, known: readonly Problem[]): Problem[] {
  return [...source.text.matchAll(TOKEN_INSIDE)].flatMap(({ 0: token, index }) => {
    const range = source.range(index, index + token.length);
    if (known.some((problem) => problem.range.start.offset <= range.start.offset && range.end.offset <= problem.range.end.offset)) return [];
    return [{ code: 'secret', severity: 'error', message: `What looks like a token stands here. ${MEND}`, range } as const];
  });
}

/** Keys that no mapping of ours can hold. */
export function reservedKeyProblems(source: Source): Problem[] {
  const problems: Problem[] = [];
  visit(source.document, {
    Map(_, { items }) {
      for (const { key } of items) {
        if (!isScalar(key) || key.value !== '__proto__') continue;
        problems.push({ code: 'unknownKey', severity: 'error', message: '"__proto__" cannot be used as a name: choose another one.', range: source.rangeOf(key) });
      }
    },
  });
  return problems;
}
