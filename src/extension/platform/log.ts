import * as vscode from 'vscode';
import { redact } from '../../core/base/redact.ts';

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
