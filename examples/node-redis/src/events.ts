// The schema of an event. The producer sends nothing that does not match it.

import { z } from 'zod';

/** Where the events are kept. */
export const KEY = 'events';

export const Event = z.strictObject({
  // Rejects integers beyond 2^53, which JavaScript's numbers cannot represent. Make larger ids strings.
  id: z.int(),
  name: z.string().min(1),
  tags: z.array(z.string()),
  details: z.json().optional(),
});

export type Event = z.infer<typeof Event>;
