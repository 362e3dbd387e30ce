/** Verdicts are words; the class only adds weight to them, or takes some away where nothing is known. */
export function cellClass(text: string): 'bad' | 'unknown' | undefined {
  if (text === 'worse' || text === 'void' || text.startsWith('ALARM') || text === 'taken back by the guard') return 'bad';
  return /^insufficient data\b/.test(text) ? 'unknown' : undefined;
}
