import assert from 'node:assert/strict';
import { redact } from '../../src/core/base/redact.ts';

describe('redaction', () => {
  const secret = '964a287e1b728cb5f4f3e0120df92cb5';
  for (const text of [
    `user:${secret}`, `*:*.${secret}`, `default:development.${secret}`, `Authorization: Bearer ${secret}`, `authorization=${secret}`, `host=db password=${secret} user=a`, `PGPASSWORD: '${secret}'`, `api_key=${secret}`, `postgresql://svc:${secret}@db/x`, `{"token":"${secret}"}`, `headers {authorization: '*:*.${secret}'}`,
  ]) {
    it(`takes the secret out of ${text.replaceAll(secret, '...')}`, () => assert.ok(!redact(`before ${text} after`).includes(secret), redact(text)));
  }

  it('leaves other text as it is', () => {
    const text = 'GET /api/admin/projects/default/features/credit-risk-v2 -> 200 in 12 ms; see http://localhost:4242';
    assert.equal(redact(text), text);
  });
});
