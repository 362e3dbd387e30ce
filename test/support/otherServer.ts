import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface OtherServer {
  readonly origin: string;
  /** How many requests came. */
  requests(): number;
  close(): void;
}

/** A server that nobody should call: it counts who does. */
export async function otherServer(): Promise<OtherServer> {
  let requests = 0;
  const server = createServer((_request, response) => {
    requests += 1;
    response.end('{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { origin: `http://127.0.0.1:${port}`, requests: () => requests, close: () => server.close() };
}
