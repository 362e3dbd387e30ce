/** What signs in at an MLflow server. */
export type MlflowCredentials =
  | { readonly kind: 'basic'; readonly username: string; readonly password: string }
  | { readonly kind: 'bearer'; readonly token: string };

/** The header of a request; names and passwords in UTF-8. */
export function credentialHeaders(credentials: MlflowCredentials | undefined): Readonly<Record<string, string>> {
  if (credentials === undefined) return {};
  if (credentials.kind === 'bearer') return { authorization: `Bearer ${credentials.token}` };
  return { authorization: `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64')}` };
}

/**
 * The credentials of MLflow's own environment variables, for the origin of MLFLOW_TRACKING_URI only. User name and password go before
 * a token, as in MLflow's clients.
 */
export function environmentCredentials(env: Readonly<Record<string, string | undefined>>): (origin: string) => MlflowCredentials | undefined {
  const meant = URL.parse(env['MLFLOW_TRACKING_URI'] ?? '')?.origin;
  const [username, password, token] = [env['MLFLOW_TRACKING_USERNAME'] ?? '', env['MLFLOW_TRACKING_PASSWORD'] ?? '', env['MLFLOW_TRACKING_TOKEN'] ?? ''];
  return (origin) => {
    if (origin !== meant) return undefined;
    if (username !== '' && password !== '') return { kind: 'basic', username, password };
    return token === '' ? undefined : { kind: 'bearer', token };
  };
}

/** Names of the variables in which MLflow's clients look for credentials. */
export const CREDENTIAL_VARIABLES = ['MLFLOW_TRACKING_USERNAME', 'MLFLOW_TRACKING_PASSWORD', 'MLFLOW_TRACKING_TOKEN'] as const;

/** The same credentials as MLflow's clients take them from their environment. */
export function credentialVariables(credentials: MlflowCredentials | undefined): Readonly<Record<string, string>> {
  if (credentials === undefined) return {};
  return credentials.kind === 'bearer' ? { MLFLOW_TRACKING_TOKEN: credentials.token } : { MLFLOW_TRACKING_USERNAME: credentials.username, MLFLOW_TRACKING_PASSWORD: credentials.password };
}
