/**
 * The title of a strategy is where Modelswitch writes what it did, in the same event as the change itself; the prefix
 * is how it recognises its own strategies.
 */
export const TITLE_PREFIX = 'Modelswitch · ';

const MAX_TITLE_LENGTH = 120;
const SWITCH_ON = ' · then on';

/**
 * @param parts version, stage, reason in short; empty ones are left out
 * @param switchOn whether the change goes on with switching the environment on, which has no title of its own
 */
export function strategyTitle(parts: readonly string[], switchOn = false): string {
  const suffix = switchOn ? SWITCH_ON : '';
  const text = TITLE_PREFIX + parts.filter((part) => part !== '').join(' · ');
  const room = MAX_TITLE_LENGTH - suffix.length;
  return (text.length > room ? `${text.slice(0, room - 1)}…` : text) + suffix;
}

export function isOwnTitle(title: string): boolean {
  return title.startsWith(TITLE_PREFIX);
}

export function announcesSwitchOn(title: string): boolean {
  return isOwnTitle(title) && title.endsWith(SWITCH_ON);
}
