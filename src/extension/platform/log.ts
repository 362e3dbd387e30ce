import * as vscode from 'vscode';

/** What a token may look like anywhere in a text: Unleash's two forms, and authorization headers. */
const TOKEN = /\b(user:[\w-]{8,}|[\w*-]+:[\w*-]+\.[\w-]{16,})|((?:authorization|token)["']?\s*[:=]\s*["']?)[^\s"',]+/gi;

/** Takes anything that looks like a credential out of a text. */
export function redact(text: string): string {
  return text.replace(TOKEN, (_match, _token: string | undefined, label: string | undefined) => `${label ?? ''}[redacted]`);
}

/** The output channel, behind redaction. */
export class Log implements vscode.Disposable {
  readonly #channel = vscode.window.createOutputChannel('Modelswitch', { log: true });

  trace(message: string): void {
    this.#channel.trace(redact(message));
  }

  info(message: string): void {
    this.#channel.info(redact(message));
  }

  warn(message: string): void {
    this.#channel.warn(redact(message));
  }

  /** An error with its causes, one line each. */
  error(context: string, error: unknown): void {
    const lines: string[] = [];
    for (let cause: unknown = error, depth = 0; cause instanceof Error && depth < 5; cause = cause.cause, depth += 1) lines.push(cause.message);
    this.#channel.error(redact(`${context}: ${lines.length > 0 ? lines.join(' <- ') : String(error)}`));
  }

  show(): void {
    this.#channel.show(true);
  }

  dispose(): void {
    this.#channel.dispose();
  }
}
