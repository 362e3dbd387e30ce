import assert from 'node:assert/strict';
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
});
