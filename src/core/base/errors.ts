/** What went wrong, in kinds that a caller can act on; one place per front end maps a code to a sentence and an action. */
export type ErrorCode =
  | 'auth'
  | 'forbidden'
  | 'notFound'
  | 'conflict'
  | 'rateLimited'
  | 'network'
  | 'timeout'
  | 'validation'
  | 'cancelled'
  | 'internal';

/** Facts that go with an error: shown to people, so never a token. */
export type ErrorData = Readonly<Record<string, string | number | boolean | undefined>>;

/** The only error type that crosses a module boundary. */
export class AppError extends Error {
  readonly code: ErrorCode;
  readonly data: ErrorData;

  constructor(code: ErrorCode, message: string, data: ErrorData = {}, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'AppError';
    this.code = code;
    this.data = data;
  }

  /** Parts that are loaded when needed are bundles of their own, each with a class of this name: an error of one is an error of all. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return value instanceof Error && value.name === 'AppError' && 'code' in value && 'data' in value;
  }
}

/** Any thrown value as an `AppError`: an abort becomes `cancelled`, what nobody foresaw becomes `internal`. */
export function toAppError(thrown: unknown): AppError {
  if (thrown instanceof AppError || isFromOtherBundle(thrown)) return thrown;
  // In one word, whoever was waiting: each API has its own for it.
  if (thrown instanceof Error && thrown.name === 'AbortError') return new AppError('cancelled', 'Cancelled.', {}, thrown);
  if (thrown instanceof Error) return new AppError('internal', thrown.message, {}, thrown);
  return new AppError('internal', String(thrown));
}

/** Parts that are loaded when they are needed are bundled by themselves, with a class of their own. */
function isFromOtherBundle(thrown: unknown): thrown is AppError {
  return thrown instanceof Error && thrown.name === 'AppError' && 'code' in thrown && 'data' in thrown;
}

/** @throws AppError cancelled when the signal has aborted */
export function throwIfCancelled(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw new AppError('cancelled', 'Cancelled.');
}
