import { constants } from 'node:os';
import type { AppError, ErrorCode } from '../core/base/errors.ts';

/** Ended by Ctrl-C: 128 and the number of the signal, as of any program. */
export const INTERRUPTED = 128 + constants.signals.SIGINT;

/** Exit codes by what went wrong; docs/command-line.md lists them. */
const EXIT_CODES: Record<ErrorCode, number> = {
  internal: 1, notFound: 1,
  validation: 2,
  auth: 3, forbidden: 3,
  conflict: 4,
  network: 5, timeout: 5, rateLimited: 5,
  cancelled: INTERRUPTED,
};

/** A gate blocked the change: nothing was written. */
export const BLOCKED = 6;

export function exitCode(error: AppError): number {
  return EXIT_CODES[error.code];
}
