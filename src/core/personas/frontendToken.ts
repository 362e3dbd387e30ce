/** What a frontend token says about itself: `project:environment.secret`. `*` is every project, `[]` several. */
export interface FrontendToken {
  readonly token: string;
  readonly project: string;
  readonly environment: string;
}

/** A token that can be used, or the sentence that says what it is instead; the sentence never repeats it. */
export type CheckedFrontendToken = FrontendToken | { readonly problem: string };

const WHERE = 'In Unleash: Admin > API access > New API token, of the kind "Frontend".';

/** The secret is hexadecimal, so the last point ends the environment's name. */
const SHAPE = /^([^\s:]+):([^\s:]+)\.[\w-]{8,}$/;

export function checkFrontendToken(written: string): CheckedFrontendToken {
  const token = written.trim();
  if (token === '') return { problem: 'Paste a frontend token.' };
  if (token.startsWith('user:')) {
    return { problem: `This is a personal access token (it begins with "user:"). A frontend token looks like default:production.0123abcd. ${WHERE}` };
  }
  const [, project, environment] = SHAPE.exec(token) ?? [];
  if (project === undefined || environment === undefined) return { problem: `This is no frontend token, which looks like default:production.0123abcd. ${WHERE}` };
  if (environment === '*') return { problem: `This is an admin token: it is of no environment. ${WHERE}` };
  return { token, project, environment };
}
