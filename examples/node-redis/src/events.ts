// What an event is. What does not fit never leaves the producer.

import { z } from 'zod';

/** Where the events are kept. */
export const KEY = 'events';

export const Event = z.strictObject({
  // Refuses what JavaScript's numbers cannot hold: make ids beyond 2^53 strings.
  id: z.int(),
  name: z.string().min(1),
  tags: z.array(z.string()),
  details: z.json().optional(),
});

export type Event = z.infer<typeof Event>;
