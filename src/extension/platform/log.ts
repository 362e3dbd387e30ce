import * as vscode from 'vscode';
import { redact } from '../../core/base/redact.ts';
import { plainLine } from '../../core/base/words.ts';

/** Outsiders' text in one entry of the log: no token, and no line break that could feign another entry. */
function entry(text: string): string {
  return plainLine(redact(text), 4000);
}

/** The output channel, behind redaction. */
export class Log implements vscode.Disposable {
  readonly #channel = vscode.window.createOutputChannel('Modelswitch', { log: true });

  trace(message: string): void {
    this.#channel.trace(entry(message));
  }

  info(message: string): void {
    this.#channel.info(entry(message));
  }

  warn(message: string): void {
    this.#channel.warn(entry(message));
  }

  /** An error with its causes, one line each. */
  error(context: string, error: unknown): void {
    const lines: string[] = [];
    for (let cause: unknown = error, depth = 0; cause instanceof Error && depth < 5; cause = cause.cause, depth += 1) lines.push(cause.message);
    this.#channel.error(entry(`${context}: ${lines.length > 0 ? lines.join(' <- ') : String(error)}`));
  }

  show(): void {
    this.#channel.show(true);
  }

  dispose(): void {
    this.#channel.dispose();
  }
}
