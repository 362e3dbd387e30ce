import { AppError } from '../../core/base/errors.ts';
import type { Arm } from '../../core/suites/load.ts';
import type { SubjectContent } from '../../core/suites/schema.ts';
import type { Subject } from '../../core/suites/subject.ts';
import { CREDENTIAL_VARIABLES } from '../mlflow/credentials.ts';
import { HttpSubject } from '../predictors/httpSubject.ts';
import { JsonLinesSubject } from '../predictors/jsonLinesSubject.ts';
import { RegistrySubject } from '../predictors/registrySubject.ts';

/** A version of a registered model, and how MLflow gets at it. */
export interface RegisteredVersion {
  readonly model: string;
  readonly version: string;
  readonly trackingUri: string;
  /** Variables that only the process which serves it gets: credentials of the registry. */
  readonly env: Readonly<Record<string, string>>;
}

export interface SubjectContext {
  /** Where programs run, and where Python finds modules: the folder of `modelswitch.yaml`. */
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Folder of the scripts that Modelswitch ships. */
  readonly scripts: string;
  /** The Python that runs callables and serves models. */
  readonly python: () => Promise<string>;
  /** What stands behind an arm in the registry. @throws AppError where there is none, or it cannot be served */
  readonly registered: (arm: Arm) => Promise<RegisteredVersion>;
}

/** Names of variables that hold credentials, which no address of a repository gets. */
const SECRET = /token|secret|passw|credential|api_?key|private_?key/i;
/** Credentials of ours that a model has no use for. */
const OURS = /^UNLEASH_/;

function childEnvironment(env: SubjectContext['env']): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !OURS.test(name)));
}

/** Whoever serves a version asks the registry that the repository names: it gets the credentials of that one, and no other's. */
function withoutRegistryCredentials(env: SubjectContext['env']): SubjectContext['env'] {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !(CREDENTIAL_VARIABLES as readonly string[]).includes(name)));
}

/** Fills in `${NAME}`. @throws AppError validation */
function filledIn(text: string, env: SubjectContext['env']): string {
  return text.replace(/\$\{(\w+)\}/g, (_, name: string) => {
    if (SECRET.test(name)) throw new AppError('validation', `The subject's address asks for ${name}, which looks like a credential: no address gets one.`);
    const value = env[name];
    if (value === undefined || value === '') throw new AppError('validation', `The subject's address needs ${name}: set it in the environment, or give --subject with an address.`);
    return value;
  });
}

function addressOf(written: string, env: SubjectContext['env']): string {
  const text = filledIn(written, env);
  const url = URL.parse(text);
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) throw new AppError('validation', `${text} is no address: write it with its scheme, such as http://127.0.0.1:5001.`);
  if (url.username !== '' || url.password !== '') throw new AppError('validation', 'The subject\'s address must not hold credentials: remove what stands before the @.');
  return `${url.origin}${url.pathname.replace(/\/+$/, '').replace(/\/invocations$/, '')}${url.search}`;
}

/** The subject that a suite names; nothing is started yet. @throws AppError validation, and what the context throws */
export async function openSubject(content: SubjectContent, context: SubjectContext): Promise<Subject> {
  const { cwd, scripts } = context;
  const env = childEnvironment(context.env);
  if (content.http !== undefined) return new HttpSubject(addressOf(content.http, context.env), content);
  if (content.exec !== undefined) return new JsonLinesSubject({ name: content.exec.join(' '), content, saysReady: false, command: content.exec, cwd, env });
  if (content.python !== undefined) {
    const command = [await context.python(), `${scripts}/modelswitch_predict.py`, content.python, ...(content.batch === true ? ['--batch'] : [])];
    return new JsonLinesSubject({ name: content.python, content, saysReady: true, command, cwd, env });
  }
  const served = await context.registered(content.registry ?? 'candidate');
  return new RegistrySubject({ ...served, content, cwd, env: { ...withoutRegistryCredentials(env), ...served.env }, python: await context.python(), script: `${scripts}/modelswitch_serve.py` });
}
