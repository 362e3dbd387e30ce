import type * as vscode from 'vscode';
import { createServices, type Services } from './services.ts';

/** Registers everything and returns at once: the first request is under way only afterwards. */
export function activate(context: vscode.ExtensionContext): Services {
  const services = createServices(context);
  context.subscriptions.push(services);
  return services;
}
