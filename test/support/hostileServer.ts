import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface RecordedRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface HostileAnswer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface HostileServer {
  readonly port: number;
  readonly origin: string;
  /** Every request that came, whatever it asked for. */
  readonly requests: readonly RecordedRequest[];
  close(): void;
}

/** A server that records everything and answers as it likes. It listens on every address of this machine, so that each spelling of it arrives. */
export async function hostileServer(answer: (request: RecordedRequest) => HostileAnswer = () => ({ body: '{}' })): Promise<HostileServer> {
  const requests: RecordedRequest[] = [];
  const server = createServer((incoming, response) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      const request = { method: incoming.method ?? '', path: incoming.url ?? '', headers: incoming.headers, body: Buffer.concat(chunks).toString() };
      requests.push(request);
      const { status = 200, headers = {}, body } = answer(request);
      response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port, origin: `http://127.0.0.1:${port}`, requests,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** A name that tries everything: terminal, direction, hidden characters, icons, links, Markdown, HTML, several lines. */
export const HOSTILE_NAME = '$(trash)[z](command:workbench.action.quit)a\u001b[31m\u009b2J\u202egnp\u2066x\u200by\n![i](http://evil.example/i.png) <img src=x onerror=alert(1)> `b` **c** \ud800 \u2028\t😀';

/** What shown text may not contain: what a terminal or VS Code obeys, what reorders and what cannot be seen. */
export const NEVER_SHOWN = /(?![\n\t])\p{Cc}|[\u200b\u200f\u202a-\u202e\u2066-\u2069\u2028\u2029]|\p{Cs}|\$\(|\]\(/u;

/** An Unleash of one flag, in which every text is `name`; or whatever `text` makes of the place where it stands. */
export function hostileUnleash(text: (place: string) => string, more: (request: RecordedRequest) => HostileAnswer | undefined = () => undefined): (request: RecordedRequest) => HostileAnswer {
  const strategy = {
    id: 's1', name: 'flexibleRollout', title: text('title'), disabled: false, parameters: { rollout: '25', stickiness: text('stickiness'), groupId: text('group') },
    constraints: [{ contextName: text('field'), operator: 'IN', values: [text('value')] }], segments: [7], variants: [{ name: text('variant'), weight: 1000, weightType: 'variable', stickiness: 'default' }],
  };
  const everyone = { ...strategy, id: 's2', constraints: [], segments: [], parameters: { rollout: '25', stickiness: 'default', groupId: 'g' } };
  const [flag, environment] = [text('flag'), text('environment')];
  const meta = { name: flag, type: text('type'), description: text('description'), stale: true, createdAt: text('date'), impressionData: false };
  const before = { ...everyone, parameters: { ...everyone.parameters, rollout: '5' } };
  const event = { id: 9, type: 'feature-strategy-update', createdAt: text('date'), createdBy: text('user'), createdByUserId: 2, featureName: flag, project: 'default', environment, data: everyone, preData: before };
  return (request) => {
    const path = request.path.replace(/\?.*/, '');
    const body = ((): unknown => {
      if (path.endsWith('/user')) return { user: { id: 1, email: text('user') }, permissions: [{ permission: 'ADMIN' }] };
      if (path.endsWith('/ui-config')) return { version: text('version'), versionInfo: { current: { enterprise: '' } } };
      if (path.includes('/environments/project/')) return { environments: [{ name: environment, type: text('type'), enabled: true }] };
      if (path.endsWith('/segments')) return { segments: [{ id: 7, name: text('segment'), constraints: [] }] };
      if (path.endsWith('/search/events')) return { events: [event], total: 1 };
      if (path.endsWith('/playground/advanced')) {
        const data = [strategy, everyone].map((each) => ({ ...each, segments: each.segments.map((id) => ({ id })), result: { variants: each.variants } }));
        return { features: [{ name: flag, projectId: 'default', environments: { [environment]: [{ isEnabledInCurrentEnvironment: true, strategies: { data } }] } }] };
      }
      if (path.endsWith('/features')) return { features: [meta] };
      if (request.method === 'GET' && /\/features\/[^/]+$/.test(path)) {
        return { ...meta, project: 'default', dependencies: [{ feature: text('parent'), enabled: true, variants: [] }], environments: [{ name: environment, type: 'production', enabled: true, yes: 1, no: 1, strategies: [strategy, everyone] }] };
      }
      return undefined;
    })();
    return more(request) ?? (body === undefined ? { status: 500, body: JSON.stringify({ name: 'UnknownError', message: text('error') }) } : { body: JSON.stringify(body) });
  };
}

/** A token written in the ways that a server may write it back, by name. */
export function writings(token: string): Record<string, string> {
  return {
    'as it is': token,
    'without its prefix': token.slice(token.search(/[:.]\w+$/) + 1),
    'in upper case': token.toUpperCase(),
    'URL-encoded': encodeURIComponent(token),
    'URL-encoded in every letter': Array.from(token, (letter) => `%${letter.charCodeAt(0).toString(16)}`).join(''),
    'in Base64': Buffer.from(token).toString('base64'),
    'in Base64 behind a word': Buffer.from(`Bearer ${token}`).toString('base64'),
  };
}

/** Whether any writing of a token's secret part stands in a text, however often it was encoded. */
export function holdsToken(text: string, token: string): boolean {
  const secret = token.slice(-32).toLowerCase();
  const decoded = [text, text.replace(/\\u([0-9a-f]{4})/gi, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16))), text.replace(/%([0-9a-f]{2})/gi, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)))];
  const base64 = [...text.matchAll(/[\w+/]{40,}/g)].flatMap(([found]) => [0, 1, 2, 3].map((offset) => Buffer.from(found.slice(offset), 'base64').toString('latin1')));
  return [...decoded, ...base64].some((each) => each.toLowerCase().includes(secret));
}
