// What an event is. What does not fit never leaves the producer.

/** Where the events are kept. */
export const KEY = 'events';

export interface Event {
  id: number;
  name: string;
  tags: string[];
  details?: unknown;
}

/** Whether it is an event. One whose id is beyond 2^53 is none: JavaScript's numbers cannot hold it. */
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
