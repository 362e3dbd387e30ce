/**
 * Lets a reader stop reading (`modelswitch scan . | head`): what is left to print goes nowhere, and the command goes on to its end with
 * its own exit code, because it may be in the middle of a change. `onFailure` hears of everything else, such as a full disk.
 */
export function endQuietlyWithReader(streams: readonly NodeJS.WritableStream[], onFailure: (error: Error) => void): void {
  for (const stream of streams) {
    stream.on('error', (error: Error) => {
      if (!('code' in error) || (error.code !== 'EPIPE' && error.code !== 'ERR_STREAM_DESTROYED')) onFailure(error);
    });
  }
}
