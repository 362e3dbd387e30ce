import { randomBytes } from 'node:crypto';
import * as z from 'zod';
import { AdminClient, logIn } from './admin.ts';
import { seedFlags } from './flags.ts';
import type { RunningUnleash } from './start.ts';

export const userNames = ['alice', 'eddy', 'vera'] as const;
export type UserName = typeof userNames[number];

const access = z.object({ password: z.string(), token: z.string() });
/** What seeding makes and only shows once; keep it secret and give it to the next `seed` of the same server. */
export const seededSchema = z.object({
  /** Per user the password for Unleash's UI and a personal access token (`user:…`): alice is Admin, eddy Editor, vera Viewer. */
  users: z.object({ alice: access, eddy: access, vera: access }),
  /** SDK tokens. */
  tokens: z.object({ developmentBackend: z.string(), productionBackend: z.string(), productionFrontend: z.string() }),
  /** Id of the segment `internal` (context field `group` is `internal`). */
  internalSegment: z.number(),
});
export type Seeded = z.infer<typeof seededSchema>;

const people = {
  alice: { name: 'Alice Admin', email: 'alice@example.com', rootRole: 1 },
  eddy: { name: 'Eddy Editor', email: 'eddy@example.com', rootRole: 2 },
  vera: { name: 'Vera Viewer', email: 'vera@example.com', rootRole: 3 },
} as const;

const contextFields = [
  { name: 'group', description: 'Who the user belongs to', legalValues: [{ value: 'internal', description: 'Our own staff' }, { value: 'customer', description: 'Everyone else' }] },
  { name: 'region', description: 'Where the user lives', legalValues: [{ value: 'eu', description: 'European Union' }, { value: 'uk', description: 'United Kingdom' }, { value: 'us', description: 'United States' }] },
  { name: 'plan', description: 'What the user pays for', legalValues: [{ value: 'free', description: 'Free' }, { value: 'plus', description: 'Plus' }, { value: 'business', description: 'Business' }] },
];

/** Ends in what Unleash's password rules ask for: lower and upper case, a digit and a special character. */
const newPassword = (): string => `${randomBytes(9).toString('base64url')}-aA1`;

/** Makes sure that a user exists and gives a token that works: the earlier one when it still does. */
async function seedUser(unleash: RunningUnleash, admin: AdminClient, username: UserName, earlier: Seeded | undefined): Promise<{ password: string; token: string }> {
  const known = earlier?.users[username];
  if (known && await new AdminClient(unleash.url, known.token).isValid()) return known;
  const password = newPassword();
  const existing = (await admin.users()).find((user) => user.username === username);
  if (existing) await admin.setPassword(existing.id, password);
  else await admin.createUser({ username, ...people[username], password });
  const session = await logIn(unleash.url, username, password);
  return { password, token: await session.createPersonalToken('modelswitch sandbox') };
}

async function seedAudiences(alice: AdminClient): Promise<number> {
  const fields = await alice.contextFields();
  for (const field of contextFields) if (!fields.includes(field.name)) await alice.createContextField(field);
  const existing = (await alice.segments()).find(({ name }) => name === 'internal');
  return existing?.id ?? await alice.createSegment({ name: 'internal', description: 'Our own staff', constraints: [{ contextName: 'group', operator: 'IN', values: ['internal'] }] });
}

/**
 * Fills a server with the demo's users, tokens, segment, context fields and flags, about 2 s the first time. Again on the same server it adds
 * what is missing and changes nothing else; pass what the earlier run gave, else the users get new passwords and tokens.
 */
export async function seed(unleash: RunningUnleash, earlier?: Seeded): Promise<Seeded> {
  const admin = new AdminClient(unleash.url, unleash.adminToken);
  const users = {
    alice: await seedUser(unleash, admin, 'alice', earlier),
    eddy: await seedUser(unleash, admin, 'eddy', earlier),
    vera: await seedUser(unleash, admin, 'vera', earlier),
  };
  const alice = new AdminClient(unleash.url, users.alice.token);
  const eddy = new AdminClient(unleash.url, users.eddy.token);
  const internalSegment = await seedAudiences(alice);
  await seedFlags({ admin, alice, eddy }, internalSegment);
  const tokens = {
    developmentBackend: await admin.apiToken({ tokenName: 'sandbox-development', type: 'backend', environment: 'development' }),
    productionBackend: await admin.apiToken({ tokenName: 'sandbox-production', type: 'backend', environment: 'production' }),
    productionFrontend: await admin.apiToken({ tokenName: 'sandbox-production-frontend', type: 'frontend', environment: 'production' }),
  };
  return { users, tokens, internalSegment };
}
