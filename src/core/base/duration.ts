const UNITS = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;
type Unit = keyof typeof UNITS;

/** What a duration looks like, as a regular expression for schemas: `90s`, `15m`, `1h30m`, `7d`, `2w`. */
export const DURATION_PATTERN = '^(?:\\d{1,6}w)?(?:\\d{1,6}d)?(?:\\d{1,6}h)?(?:\\d{1,6}m)?(?:\\d{1,6}s)?$';

/** Milliseconds of `90s`, `15m`, `1h30m`, `7d` or `2w`; undefined for what is no duration. */
export function parseDuration(text: string): number | undefined {
  if (text === '' || !new RegExp(DURATION_PATTERN).test(text)) return undefined;
  return [...text.matchAll(/(\d+)([smhdw])/g)].reduce((total, [, count, unit]) => total + Number(count) * UNITS[unit as Unit], 0);
}

/** The two largest units of a duration in milliseconds: `7 d`, `1 h 30 min`, `45 s`. */
export function durationWords(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  const parts: (readonly [number, string])[] = [
    [Math.floor(seconds / 86_400), 'd'], [Math.floor(seconds / 3600) % 24, 'h'], [Math.floor(seconds / 60) % 60, 'min'], [seconds % 60, 's'],
  ];
  const first = parts.findIndex(([count]) => count > 0);
  if (first < 0) return '0 s';
  return parts.slice(first, first + 2).filter(([count]) => count > 0).map(([count, unit]) => `${count} ${unit}`).join(' ');
}
