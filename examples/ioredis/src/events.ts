// What an event is. The producer sends nothing else.

/** Where the events are kept. */
export const KEY = 'events';

export interface Event {
  id: number;
  name: string;
  tags: string[];
  details?: unknown;
}

/** Returns whether this is an event. Ids beyond 2^53 are rejected: JavaScript's numbers cannot represent them. */
export function isEvent(value: unknown): value is Event {
  const { id, name, tags } = (value ?? {}) as Partial<Event>;
  return (
    Number.isSafeInteger(id) &&
    typeof name === 'string' &&
    name !== '' &&
    Array.isArray(tags) &&
    tags.every((tag) => typeof tag === 'string')
  );
}
