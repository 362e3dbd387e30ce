import { UNUSUAL } from './stats/usualRate.ts';

/** Of all bad events a part that is not left out without a word. */
const MUCH = 0.1;

/** What is said where many bad events count for less, because they came while both arms failed far more often than usual; else nothing. `all` and `counted`: of both arms, before and after. */
export function unusualWords(all: readonly { readonly bad: number }[], counted: readonly { readonly bad: number }[], dispersion: number): string {
  const [before, after, came] = all.reduce<readonly [number, number, number]>(([sum, left, more], { bad }, index) => {
    const own = counted[index]?.bad ?? bad;
    return own < bad ? [sum + bad, left + own, more + bad] : [sum + bad, left, more];
  }, [0, 0, 0]);
  if (came - after <= MUCH * before) return '';
  const [whole, those, as] = [before, came, after].map((events) => Math.round(dispersion * events).toLocaleString('en-US'));
  return `; of ${whole} bad events ${those} came while the current version failed more than ${UNUSUAL} times as often as usual, and count as ${as}`;
}
