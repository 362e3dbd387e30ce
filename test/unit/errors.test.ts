import assert from 'node:assert/strict';
import { setTimeout } from 'node:timers/promises';
import { AppError, toAppError } from '../../src/core/base/errors.ts';

describe('errors', () => {
  it('of another bundle are the same errors: each bundle has a class of its own', async () => {
    const other = 'another-bundle';
    const second = await import(`../../src/core/base/errors.ts?${other}`) as { AppError: typeof AppError };
    assert.notEqual(second.AppError, AppError);
    const error = new second.AppError('conflict', 'moved');
    assert.ok(error instanceof AppError);
    assert.equal(toAppError(error), error);
  });

  it('of any other kind are none', () => {
    for (const value of [new Error('x'), Object.assign(new Error('x'), { code: 'ENOENT' }), { name: 'AppError', code: 'auth', data: {} }, undefined, 'AppError']) assert.ok(!(value instanceof AppError));
    assert.equal(toAppError(new Error('x')).code, 'internal');
  });

  it('of what was cancelled are told in one word, whoever was waiting', async () => {
    const signal = AbortSignal.abort();
    const thrown = await Promise.all([setTimeout(1000, undefined, { signal }), fetch('http://127.0.0.1:9', { signal })].map((waiting) => waiting.catch((error: unknown) => error)));
    assert.deepEqual(thrown.map((error) => [toAppError(error).code, toAppError(error).message]), [['cancelled', 'Cancelled.'], ['cancelled', 'Cancelled.']]);
  });
});
