import { AppError, type ErrorCode } from '../../core/base/errors.ts';
import { plainLine } from '../../core/base/words.ts';
import type { HttpAnswer } from '../node/httpClient.ts';
import { wireError } from './wire.ts';

const NOT_FOUND = new Set(['RESOURCE_DOES_NOT_EXIST', 'NOT_FOUND']);
/** MLflow answers a missing alias as an invalid parameter. */
const ALIAS_NOT_FOUND = /^Registered model alias .* not found/;
const CONFLICTS = new Set(['RESOURCE_ALREADY_EXISTS', 'RESOURCE_CONFLICT', 'ABORTED']);

/** The error that an answer stands for, or undefined for 2xx. */
export function errorOf(answer: HttpAnswer, origin: string, signedIn: boolean): AppError | undefined {
  if (answer.status >= 200 && answer.status < 300) return undefined;
  const data = { origin, status: answer.status };
  // The basic-auth app answers 401 and 403 as plain text.
  if (answer.status === 401) return new AppError('auth', unauthorised(origin, signedIn), data);
  if (answer.status === 403) return new AppError('forbidden', refusal(answer, origin), data);
  if (answer.status === 503) return new AppError('network', `${origin} is not available now.`, { ...data, reason: 'unavailable' });
  const body = errorBody(answer.text);
  if (body === undefined) return answer.status >= 500 ? new AppError('internal', `${origin} failed with status ${answer.status}.`, data) : notMlflow(origin, answer.status);
  const message = body.message === '' ? `${origin} refused the request (${body.code}).` : body.message;
  return new AppError(codeOf(answer.status, body), message, { ...data, errorCode: body.code });
}

function codeOf(status: number, { code, message }: { code: string; message: string }): ErrorCode {
  if (NOT_FOUND.has(code) || ALIAS_NOT_FOUND.test(message)) return 'notFound';
  if (CONFLICTS.has(code)) return 'conflict';
  // What this server was not started for is nothing that failed.
  return status >= 500 && code !== 'FEATURE_DISABLED' ? 'internal' : 'validation';
}

function unauthorised(origin: string, signedIn: boolean): string {
  return signedIn
    ? `${origin} does not accept the user name and password, or the token: check MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN.`
    : `${origin} asks for a sign-in: set MLFLOW_TRACKING_URI to it, and beside it MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN.`;
}

/** Since 3.5 MLflow refuses host names that it was not started for; a proxy in front shows it as 403. */
function refusal(answer: HttpAnswer, origin: string): string {
  if (/invalid host header/i.test(answer.text)) return `${origin} refuses this host name: start the MLflow server with --allowed-hosts.`;
  return `You may not do this on ${origin}: ask who administers the MLflow server for the permission on this model.`;
}

/** A server that answers something else than MLflow's JSON: a login page, another product, a wrong port or prefix. */
export function notMlflow(origin: string, status: number): AppError {
  return new AppError('validation', `${origin} does not answer like an MLflow server (status ${status}): check the address, its --static-prefix, and whether a proxy or login page stands in between.`, { origin, status, reason: 'notMlflow' });
}

export function unexpected(origin: string, what: string, cause: unknown): AppError {
  return new AppError('validation', `${origin} sent an answer that cannot be read (${what}): it may be cut off, or this MLflow version may not be supported.`, { origin, reason: 'shape' }, cause);
}

function errorBody(text: string): { code: string; message: string } | undefined {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return undefined;
  }
  const parsed = wireError.safeParse(json);
  return parsed.success ? { code: parsed.data.error_code, message: plainLine(parsed.data.message ?? '', 400) } : undefined;
}
