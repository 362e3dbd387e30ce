import assert from 'node:assert/strict';
import { AppError } from '../../../src/core/base/errors.ts';
import { redact, redactorOf } from '../../../src/core/base/redact.ts';
import { escapeMarkdown, plainLine } from '../../../src/core/base/words.ts';
import { parseBulk } from '../../../src/adapters/unleash/bulk.ts';
import { HttpClient } from '../../../src/adapters/node/httpClient.ts';
import { HOSTILE_NAME, holdsToken, hostileServer, hostileUnleash, NEVER_SHOWN, writings, type HostileAnswer, type HostileServer } from '../../support/hostileServer.ts';
import { clientOf } from '../../support/unleashClient.ts';

const TOKEN = `user:${'3f9c51d20b7a84e6'.repeat(4)}`;

/** Everything of an error that anybody may print: message, data, and the same of its causes. */
function everythingOf(thrown: unknown): string {
  const parts: string[] = [];
  for (let error: unknown = thrown, depth = 0; error instanceof Error && depth < 10; error = error.cause, depth += 1) {
    parts.push(error.message, error.stack ?? '', JSON.stringify(error), JSON.stringify(error instanceof AppError ? error.data : {}));
  }
  return parts.join('\n');
}

describe('a hostile server', () => {
  const servers: HostileServer[] = [];
  const serve = async (...given: Parameters<typeof hostileServer>): Promise<HostileServer> => {
    const server = await hostileServer(...given);
    servers.push(server);
    return server;
  };
  afterEach(() => {
    for (const server of servers.splice(0)) server.close();
  });
  const httpOf = (origin: string): HttpClient => new HttpClient({ baseUrl: origin, credentials: { authorization: TOKEN }, fetch: (url, init) => fetch(url, init), sleep: () => Promise.resolve() });

  describe('that redirects', () => {
    for (const status of [301, 302, 303, 307, 308]) {
      for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const) {
        it(`is not followed: ${status} of ${method}, whether to itself, another origin or a file`, async () => {
          const other = await serve();
          let location = '';
          const server = await serve(() => ({ status, headers: { location }, body: `{"token":"${TOKEN}"}` }));
          const hidden = `secret-path?token=${TOKEN}`;
          for (const [target, says] of [
            [`${other.origin}/${hidden}`, `redirects to ${other.origin}, which is not followed`],
            [`${server.origin}/again/${hidden}`, 'answered with a redirect, which is not followed'],
            [`/api/${hidden}`, 'answered with a redirect, which is not followed'],
            [`//127.0.0.1:${other.port}/${hidden}`, `redirects to ${other.origin}, which`],
            ['file:///etc/passwd', 'redirects to a file: address, which is not followed'],
            [`javascript:alert('${hidden}')`, 'redirects to a javascript: address'],
            ['http://[', 'answered with a redirect'],
            [`http://${TOKEN.slice(5)}.evil.example/`, 'redirects to http://[redacted]'],
          ] as const) {
            location = target;
            const before = server.requests.length;
            const thrown: unknown = await httpOf(server.origin).send({ method, path: '/x', ...(method === 'GET' ? {} : { body: {} }) }).catch((error: unknown) => error);
            assert.ok(thrown instanceof AppError && thrown.data['reason'] === 'redirect', String(thrown));
            assert.ok(thrown.message.includes(says), thrown.message);
            assert.ok(!/secret-path|passwd|alert/.test(thrown.message) && !holdsToken(everythingOf(thrown), TOKEN), thrown.message);
            assert.deepEqual([server.requests.length - before, other.requests.length], [1, 0]);
          }
        });
      }
    }
  });

  describe('that writes the token back', () => {
    const errors: readonly [string, (text: string) => HostileAnswer][] = [
      ...[400, 401, 403, 404, 409, 413, 418, 500, 503].map((status): [string, (text: string) => HostileAnswer] =>
        [`an error ${status}`, (text) => ({ status, body: JSON.stringify({ name: text, message: text, permissions: status === 403 ? [text] : undefined, details: [{ message: text }] }) })]),
      ['an error without JSON', (text) => ({ status: 500, headers: { 'content-type': 'text/html' }, body: `<h1>${text}</h1>` })],
      ['broken JSON', (text) => ({ body: `${text} {"user":` })],
      ['JSON that breaks at the token', (text) => ({ body: `{"user": "${text}` })],
      ['a wrong shape', (text) => ({ body: JSON.stringify({ user: text, [text]: 1 }) })],
      ['a page', (text) => ({ headers: { 'content-type': `text/html; ${text}` }, body: text })],
    ];
    for (const [how, text] of Object.entries(writings(TOKEN))) {
      it(`has it in no error: ${how}`, async () => {
        for (const [what, answer] of errors) {
          for (const escaped of [false, true]) {
            const server = await serve(() => {
              const { body, ...rest } = answer(text);
              return { ...rest, body: escaped ? body.replaceAll(text, Array.from(text, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`).join('')) : body };
            });
            const thrown: unknown = await clientOf(server.origin, TOKEN).readIdentity().then((identity) => assert.fail(JSON.stringify(identity)), (error: unknown) => error);
            assert.ok(thrown instanceof AppError, what);
            assert.ok(!holdsToken(everythingOf(thrown), TOKEN), `${what}: ${everythingOf(thrown)}`);
          }
        }
      });

      it(`has it in nothing that is read: ${how}`, async () => {
        for (const escaped of [false, true]) {
          const answer = hostileUnleash((place) => `${place} ${text}`);
          const server = await serve((request) => {
            const { body, ...rest } = answer(request);
            return { ...rest, body: escaped ? body.replaceAll(text, Array.from(text, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`).join('')) : body };
          });
          const client = clientOf(server.origin, TOKEN);
          const environments = await client.readEnvironments('default');
          const read = [await client.readIdentity(), await client.readServer(), environments, await client.readAllFlags('default', environments), await client.readFlag('default', 'f'), await client.readSegments(), await client.readEvents({ limit: 5 })];
          assert.ok(!holdsToken(JSON.stringify(read), TOKEN), JSON.stringify(read));
          assert.ok(JSON.stringify(read).includes('[redacted]'));
        }
      });
    }

    it('keeps short words and other tokens: only what is known to be the secret goes', () => {
      const hide = redactorOf(['abc', TOKEN]);
      assert.equal(hide('abc default production user:other'), 'abc default production user:other');
      assert.equal(hide(`x ${TOKEN} y`), 'x user:[redacted] y');
      assert.equal(redactorOf(['*:*.secret'])('a *:*.secret b'), 'a [redacted] b');
    });
  });

  it('cannot make the search for tokens slow', () => {
    for (const piece of ['a', 'a:', 'a:a.', 'user:', 'eyJ', 'eyJa.', 'ghp_', 'token ', 'token:', 'http://', 'http://a', '-']) redact(piece.repeat(200_000));
  });

  it('cannot send an error that is more than a line', async () => {
    const server = await serve(() => ({ status: 400, body: JSON.stringify({ name: HOSTILE_NAME.repeat(100), message: HOSTILE_NAME.repeat(1000).replaceAll('\n', ' ') }) }));
    const thrown = await clientOf(server.origin, TOKEN).readIdentity().catch((error: unknown) => error) as AppError;
    assert.ok(thrown.message.length < 500 && !NEVER_SHOWN.test(thrown.message), thrown.message);
  });

  it('cannot lead a request elsewhere by a name', async () => {
    const server = await serve();
    const client = clientOf(server.origin, TOKEN);
    for (const name of ['.', '..']) {
      for (const call of [
        () => client.readFlag('default', name), () => client.readFlag(name, 'f'), () => client.readEnvironments(name), () => client.readAllFlags(name, []),
        () => client.setEnvironmentEnabled({ project: 'default', flag: 'f', environment: name }, false), () => client.removeStrategy({ project: 'default', flag: 'f', environment: 'e', strategyId: name }),
      ]) await assert.rejects(call, /can be called/);
    }
    assert.equal(server.requests.length, 0);
    await client.readFlag('default', '../../x?y#z\ud800').catch(() => undefined);
    assert.deepEqual(server.requests.map(({ path }) => path), ['/api/admin/projects/default/features/..%2F..%2Fx%3Fy%23z%EF%BF%BD']);
  });

  it('may call things __proto__, constructor or toString', async () => {
    for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
      const server = await serve(hostileUnleash(() => name));
      const client = clientOf(server.origin, TOKEN);
      const environments = await client.readEnvironments('default');
      const [flag] = await client.readAllFlags('default', environments);
      assert.deepEqual([flag!.name, flag!.environments.map((each) => [each.name, each.strategies.length])], [name, [[name, 2]]]);
      const { flag: single } = await client.readFlag('default', name);
      assert.deepEqual(single.environments.map((each) => [each.name, each.strategies[0]!.variants[0]!.name, each.strategies[0]!.constraints[0]!.contextName]), [[name, name, name]]);
    }
    const parameters = JSON.parse('{"rollout":"5","__proto__":"x","constructor":"y"}') as Record<string, string>;
    const list = JSON.stringify({ features: [{ name: 'f' }] });
    const strategies = { data: [{ id: 's', name: 'flexibleRollout', parameters }] };
    const playground = JSON.stringify({ features: [{ name: 'f', projectId: 'p', environments: { e: [{ isEnabledInCurrentEnvironment: true, strategies }] } }] });
    const [flag] = parseBulk({ list, playgrounds: [playground], environments: [{ name: 'e', type: '', enabled: true }] });
    assert.deepEqual(Object.entries(structuredClone(flag!).environments[0]!.strategies[0]!.parameters), [['rollout', '5'], ['__proto__', 'x'], ['constructor', 'y']]);
    assert.equal(({} as Record<string, unknown>)['rollout'], undefined);
  });

  it('keeps no megabytes of a description', async () => {
    const server = await serve(hostileUnleash((place) => (place === 'description' ? '<b>x</b> '.repeat(600_000) : place)));
    const client = clientOf(server.origin, TOKEN);
    const environments = await client.readEnvironments('default');
    const [flag] = await client.readAllFlags('default', environments);
    const { flag: single } = await client.readFlag('default', 'flag');
    assert.deepEqual([flag!.description.length, single.description.length], [1000, 1000]);
  });
});

describe('a line of outsiders\' text', () => {
  for (const [what, text, expected] of [
    ['terminal escapes', 'a\u001b[31mb\u009b2Jc\u007f', 'a [31mb 2Jc'],
    ['several lines', 'a\r\nb\u2028c\td', 'a b c d'],
    ['direction marks', 'a\u202eb\u2066c\u200fd\u061ce', 'a b c d e'],
    ['what cannot be seen', 'fra\u200bud\u2060\ufeff\u00ad\u{e0041}x', 'fra ud x'],
    ['half characters', 'a\ud800b\udc00', 'a b'],
    ['icons and links', '$(trash) [a](command:b) ![c](http://d)', '$ (trash) [a] (command:b) ![c] (http://d)'],
    ['emoji, joined ones too', '😀 👨‍👩‍👧 ❤️', '😀 👨‍👩‍👧 ❤️'],
    ['text from right to left', 'שלום 25 % -> 50 %', 'שלום\u200e 25 % -> 50 %'],
  ] as const) {
    it(`is plain: ${what}`, () => {
      assert.equal(plainLine(text), expected);
      assert.equal(plainLine(plainLine(text)), expected);
    });
  }

  it('is cut between characters, and quickly where it is megabytes', () => {
    assert.equal(plainLine('😀'.repeat(100), 10), `${'😀'.repeat(4)}…`);
    assert.equal(plainLine('\u200b'.repeat(5_000_000) + 'x', 10), '…');
    assert.equal(plainLine('x'.repeat(10_000)).length, 120);
  });

  it('shows nothing but itself as Markdown', () => {
    for (const character of '!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~') assert.equal(escapeMarkdown(`a${character}`), `a\\${character}`);
  });
});
