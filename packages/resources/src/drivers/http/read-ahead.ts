import type { ResponseBody } from '@tenon/egress';

/** A body that is read before anybody asks for it, as far as it is short. */
export interface ReadAhead {
  /**
   * All of it, as it comes.
   *
   * @throws `EGRESS_RESPONSE_INVALID` when it is asked for a second time, and what reading the body throws
   */
  take(): AsyncGenerator<Uint8Array>;
}

/**
 * Reads a body until it ends or `most` bytes are held, so that the connection of a short one is free although nobody reads it. Whoever takes
 * it goes on where this has come to.
 */
export function readAhead(body: ResponseBody, most: number): ReadAhead {
  const source = body[Symbol.asyncIterator]();
  const held: Uint8Array[] = [];
  const progress = { size: 0, isTaken: false, hasEnded: false };
  const step = async (): Promise<void> => {
    const next = await source.next();
    if (next.done === true) progress.hasEnded = true;
    else {
      held.push(next.value);
      progress.size += next.value.byteLength;
    }
  };
  const reading = (async () => {
    while (!progress.isTaken && !progress.hasEnded && progress.size < most) await step();
  })();
  // Whoever takes it hears of it; nobody else needs to.
  reading.catch(() => undefined);

  async function* rest(): AsyncGenerator<Uint8Array> {
    yield* held.splice(0);
    await reading;
    yield* held.splice(0);
    while (!progress.hasEnded) {
      await step();
      yield* held.splice(0);
    }
  }
  return {
    take() {
      // The body itself says that it was read already.
      if (progress.isTaken) body[Symbol.asyncIterator]();
      progress.isTaken = true;
      return rest();
    },
  };
}
