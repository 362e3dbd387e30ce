import { AppError } from '../../core/base/errors.ts';
import { plainLine } from '../../core/base/words.ts';
import type { HttpAnswer } from '../node/httpClient.ts';
import { wireError } from './wire.ts';

interface ErrorBody {
  readonly name: string;
  readonly message: string;
  readonly permissions: readonly string[];
}

/** What Unleash says when a compare-and-set found something else; it comes as a status 500. */
const COMPARE_AND_SET_FAILED = 'TEST_OPERATION_FAILED';
const NO_SUCH_ROUTE = 'The path you were looking for';

/** The error that an answer stands for, or undefined for 2xx and 304. */
export function errorOf(answer: HttpAnswer, origin: string): AppError | undefined {
  if ((answer.status >= 200 && answer.status < 300) || answer.status === 304) return undefined;
  const body = errorBody(answer.text);
  if (body === undefined && answer.status !== 429) return notUnleash(origin, answer.status);
  const { message, name, permissions } = body ?? { message: '', name: '', permissions: [] };
  const data = { origin, status: answer.status };
  switch (answer.status) {
    case 401:
      return new AppError('auth', `${origin} does not accept the token: it is wrong, expired or revoked. Connect again with a personal access token (in Unleash: Profile > Personal API tokens).`, data);
    case 403:
      return forbidden(message, permissions, data);
    case 404:
      if (message === '') return notUnleash(origin, answer.status);
      return message.startsWith(NO_SUCH_ROUTE)
        ? new AppError('notFound', `${origin} has no such API: is it an older Unleash, or one behind another base path?`, { ...data, reason: 'route' })
        : new AppError('notFound', shown(message), { ...data, archived: message.startsWith('Could not find feature flag') });
    case 409:
      return new AppError('conflict', message === '' ? `${origin} refused the change: what it would touch is in use.` : shown(message), data);
    case 413:
      return new AppError('validation', `${origin} refused the request as too large.`, data);
    case 503:
      return new AppError('network', `${origin} is not available now${message === '' ? '' : `: ${shown(message)}`}`, { ...data, reason: 'unavailable' });
    default:
      if (message.includes(COMPARE_AND_SET_FAILED)) {
        return new AppError('conflict', 'Somebody changed the strategy since it was read; nothing was written.', { ...data, reason: 'compareAndSet' });
      }
      return answer.status >= 500
        ? new AppError('internal', `${origin} failed with status ${answer.status}${message === '' ? '.' : `: ${shown(message)}`}`, data)
        : new AppError('validation', `${origin} refused the request (${name === '' ? answer.status : plainLine(name, 60)}): ${shown(message)}`, data);
  }
}

function forbidden(message: string, permissions: readonly string[], data: Record<string, string | number>): AppError {
  if (message.includes('expected a different token type')) {
    return new AppError('forbidden', 'This is not a token for the Admin API. Use a personal access token (it starts with "user:"; in Unleash: Profile > Personal API tokens).', { ...data, reason: 'tokenType' });
  }
  if (message.includes('SKIP_CHANGE_REQUEST')) {
    return new AppError('forbidden', 'This environment is under change requests: make the change as a change request in Unleash and have it approved there.', { ...data, reason: 'changeRequest' });
  }
  const needed = permissions.length > 0 ? plainLine(permissions.join(', '), 200) : /"([A-Z_]+)" permission/.exec(message)?.[1];
  return new AppError('forbidden', needed === undefined ? `You may not do this: ${shown(message)}` : `You may not do this: your Unleash user lacks the permission ${needed}.`, { ...data, permission: needed });
}

/** A server that answers something else than Unleash's JSON: a proxy's login page, another product, a wrong port. */
export function notUnleash(origin: string, status: number): AppError {
  return new AppError('validation', `${origin} does not answer like an Unleash server (status ${status}): check the URL, its base path, and whether a proxy or login page stands in between.`, { origin, status, reason: 'notUnleash' });
}

function errorBody(text: string): ErrorBody | undefined {
  // A 409 of a segment in use has no body at all.
  if (text === '') return { name: '', message: '', permissions: [] };
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return undefined;
  }
  const parsed = wireError.safeParse(json);
  if (!parsed.success) return undefined;
  const { name, message, details, permissions } = parsed.data;
  return { name: name ?? '', message: message ?? details?.[0]?.message ?? '', permissions: permissions ?? [] };
}

/** The first line of what a server says, as text for people. */
function shown(message: string): string {
  return plainLine(message.split('\n', 1)[0] ?? '', 300);
}
