import { gradual, type AdminClient } from '../../sandbox/unleash/admin.ts';

const environment = 'production';

interface Target {
  readonly flag: string;
  /** Ids of the environment's strategies as they are now. */
  readonly strategies: readonly string[];
  readonly percent: number;
}

type ForeignWrite = (writer: AdminClient, target: Target) => Promise<void>;

const strategiesOf = (flag: string): string => `/api/admin/projects/default/features/${flag}/environments/${environment}/strategies`;

/** What a colleague may do to a flag while we change it. */
export const foreignWrites: Readonly<Record<string, ForeignWrite>> = {
  rollout: (writer, { flag, strategies: [first], percent }) => whenThere(first, (id) => writer.setRollout(flag, environment, id, percent)),
  disable: (writer, { flag, strategies: [first] }) => whenThere(first, (id) => writer.patchStrategy(flag, environment, id, [{ op: 'replace', path: '/disabled', value: true }])),
  delete: (writer, { flag, strategies: [first] }) => whenThere(first, (id) => writer.removeStrategy(flag, environment, id)),
  add: async (writer, { flag, percent }) => {
    await writer.addStrategy(flag, environment, gradual(flag, percent, { title: 'of a colleague' }));
  },
  reorder: async (writer, { flag, strategies }) => {
    await writer.request('POST', `${strategiesOf(flag)}/set-sort-order`, strategies.toReversed().map((id, sortOrder) => ({ id, sortOrder })));
  },
  'environment off': (writer, { flag }) => writer.switchEnvironment(flag, environment, 'off'),
  archive: (writer, { flag }) => writer.archive(flag),
  'title written as it was': async (writer, { flag, strategies: [first] }) => {
    const title = (await writer.flag(flag))?.environments.find(({ name }) => name === environment)?.strategies.find(({ id }) => id === first)?.title;
    await whenThere(first, (id) => writer.patchStrategy(flag, environment, id, [{ op: 'replace', path: '/title', value: title ?? '' }]));
  },
};

async function whenThere(id: string | undefined, write: (id: string) => Promise<void>): Promise<void> {
  if (id !== undefined) await write(id);
}

/** Writes once; nothing when the flag is archived. `pick` chooses the strategy: the first, or the one that many places further. */
export async function writeForeign(writer: AdminClient, flag: string, kind: string, percent: number, pick = 0): Promise<void> {
  const ids = (await writer.flag(flag))?.environments.find(({ name }) => name === environment)?.strategies.map(({ id }) => id);
  if (ids === undefined) return;
  const place = ids.length === 0 ? 0 : pick % ids.length;
  await foreignWrites[kind]!(writer, { flag, strategies: [...ids.slice(place), ...ids.slice(0, place)], percent });
}
