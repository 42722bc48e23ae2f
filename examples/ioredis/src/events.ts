// What an event is. The producer sends nothing else.

/** Where the events are kept. */
export const KEY = 'events';

export interface Event {
  /** JavaScript's numbers cannot represent all integers beyond 2^53. Those are bigints. */
  id: number | bigint;
  name: string;
  tags: string[];
  details?: unknown;
}

/** Returns whether this is an event. */
export function isEvent(value: unknown): value is Event {
  const { id, name, tags } = (value ?? {}) as Partial<Event>;
  return (
    (Number.isSafeInteger(id) || typeof id === 'bigint') &&
    typeof name === 'string' &&
    name !== '' &&
    Array.isArray(tags) &&
    tags.every((tag) => typeof tag === 'string')
  );
}
