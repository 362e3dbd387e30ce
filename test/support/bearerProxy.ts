import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A proxy that lets in who has a token, as one stands in front of an MLflow that many share. */
export interface BearerProxy {
  readonly url: string;
  /** What came in the header Authorization, in order. */
  readonly authorizations: readonly string[];
  stop(): Promise<void>;
}

/** @param target URL of the server behind it @param behind the header Authorization that the server behind it wants, if any */
export async function startBearerProxy(target: string, token: string, behind?: string): Promise<BearerProxy> {
  const authorizations: string[] = [];
  const answer = (incoming: IncomingMessage, response: ServerResponse): void => {
    const { authorization = '', ...headers } = incoming.headers;
    authorizations.push(authorization);
    if (authorization !== `Bearer ${token}`) {
      response.writeHead(401, { 'www-authenticate': 'Bearer', 'content-type': 'text/plain' }).end('no');
      return;
    }
    const onward = request(new URL(incoming.url ?? '/', target), { method: incoming.method, headers: { ...headers, ...(behind === undefined ? {} : { authorization: behind }) } }, (back) => {
      response.writeHead(back.statusCode ?? 502, back.headers);
      back.pipe(response);
    });
    onward.on('error', () => response.destroy());
    incoming.pipe(onward);
  };
  const server = createServer(answer);
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, authorizations,
    stop: () => new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    }),
  };
}
