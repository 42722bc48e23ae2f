// Takes events as they arrive, and prints them, one per line, until SIGINT or SIGTERM.

import { pathToFileURL } from 'node:url';

import { connect } from './client.js';
import { Event, KEY } from './events.js';
import { stringify } from './json.js';
import type { JsonmergeClient } from './jsonmerge.js';

/**
 * How many milliseconds to wait for events. This is also how long it takes to notice a signal, or events
 * that were written with SET.
 */
const BLOCK = 1000;

/** Takes up to 100 elements, and returns the events and whatever else somebody has appended. */
export async function consume(client: JsonmergeClient) {
  const events: Event[] = [];
  const others: unknown[] = [];
  // They are no longer on the server, so an element that is not an event must not lose the rest.
  for (const element of (await client.jsonmerge.take(KEY, { COUNT: 100, BLOCK })) ?? []) {
    const { success, data } = Event.safeParse(element);
    success ? events.push(data) : others.push(element);
  }
  return { events, others };
}

if (import.meta.url === pathToFileURL(process.argv[1]!).href) {
  // This connection only waits for events. Its timeout must be longer than BLOCK, because the client would
  // otherwise give up while the server may still send an array. It notices that the server is gone.
  const client = await connect({ socketTimeout: 5 * BLOCK });
  // The signal ends the loop between two takes: what has been taken must not be lost.
  let isStopping = false;
  for (const signal of ['SIGINT', 'SIGTERM']) {
    process.once(signal, () => (isStopping = true));
  }
  try {
    while (!isStopping) {
      const { events, others } = await consume(client);
      events.forEach((event) => console.log(stringify(event)));
      others.forEach((other) => console.error('not an event:', stringify(other)));
    }
  } finally {
    client.destroy();
  }
}
