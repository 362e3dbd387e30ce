import * as zlib from 'node:zlib';
import type { Compressors } from 'hyparquet';
import { AppError } from '../../core/base/errors.ts';

function notRead(): never {
  throw new AppError('validation', 'the file is packed with a codec that is not read (LZ4 or LZO): write it with Snappy or gzip', { reason: 'codec' });
}

/** What Parquet files are packed with, by Node's own decompressors; Snappy is hyparquet's. */
export const COMPRESSORS: Compressors = {
  GZIP: (input) => zlib.gunzipSync(input),
  BROTLI: (input) => zlib.brotliDecompressSync(input),
  LZ4: notRead,
  LZ4_RAW: notRead,
  LZO: notRead,
  ZSTD: (input) => {
    // Since Node 22.15; VS Code 1.103 has an older one.
    const { zstdDecompressSync } = zlib as Partial<typeof zlib>;
    if (zstdDecompressSync === undefined) throw new AppError('validation', 'the file is packed with Zstandard, which needs Node 22.15 or newer: write it with Snappy or gzip', { reason: 'zstd' });
    return zstdDecompressSync(input);
  },
};
