// The schema of an event. The producer sends nothing that does not match it.

import { z } from 'zod';

/** Where the events are kept. */
export const KEY = 'events';

export const Event = z.strictObject({
  // JavaScript's numbers cannot represent all integers beyond 2^53. Those are bigints.
  id: z.union([z.int(), z.bigint()]),
  name: z.string().min(1),
  tags: z.array(z.string()),
  details: z.unknown().optional(),
});

export type Event = z.infer<typeof Event>;
