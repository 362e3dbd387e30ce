import type { Flag } from '../../core/flags/model.ts';
import type { EnvironmentInfo } from '../../core/flags/ports.ts';
import { bulkFlags } from './normalise.ts';
import { wireFlagList, wirePlayground } from './wire.ts';

/** The texts of one bulk read: megabytes, so they are parsed away from the thread that draws. */
export interface BulkTexts {
  readonly list: string;
  readonly playgrounds: readonly string[];
  readonly environments: readonly EnvironmentInfo[];
}

export type BulkParser = (texts: BulkTexts) => Promise<readonly Flag[]>;

/** @throws SyntaxError or ZodError when a text is not what Unleash sends. */
export function parseBulk({ list, playgrounds, environments }: BulkTexts): Flag[] {
  return bulkFlags(
    wireFlagList.parse(JSON.parse(list)),
    playgrounds.map((text) => wirePlayground.parse(JSON.parse(text))),
    environments,
  );
}
