import { HttpClient } from '../node/httpClient.ts';
import { sleep } from '../node/sleep.ts';
import type { RegistryKind } from '../registries.ts';
import { credentialHeaders } from './credentials.ts';
import { MlflowApi } from './mlflowApi.ts';
import { MlflowRegistry } from './mlflowRegistry.ts';

/** MLflow over REST; the credential is the one for the server's origin, or none. */
export const mlflowKind: RegistryKind = {
  open({ location, workspace }, { credentialsFor, fetch }) {
    const credentials = credentialsFor(new URL(location).origin);
    const http = new HttpClient({ baseUrl: location, credentials: credentialHeaders(credentials), fetch, sleep });
    return new MlflowRegistry(new MlflowApi(http, { signedIn: credentials !== undefined, workspace }));
  },
};
