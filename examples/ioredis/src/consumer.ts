// Takes events as they arrive, and prints them, one per line, until SIGINT or SIGTERM.

import { pathToFileURL } from 'node:url';

import type { Cluster, Redis } from 'ioredis';

import { connect } from './client.js';
import { isEvent, KEY, type Event } from './events.js';
import { stringify } from './json.js';

/**
 * How many milliseconds to wait for events. This is also how long it takes to notice a signal, or events
 * that were written with SET.
 */
const BLOCK = 1000;

/** Takes up to 100 elements, and returns the events and whatever else somebody has appended. */
export async function consume(client: Redis | Cluster) {
  const events: Event[] = [];
  const others: unknown[] = [];
  // They are no longer on the server, so an element that is not an event must not lose the rest.
  for (const element of (await client.jsonmergeTake(KEY, 'COUNT', 100, 'BLOCK', BLOCK)) ?? []) {
    isEvent(element) ? events.push(element) : others.push(element);
  }
  return { events, others };
}

if (import.meta.url === pathToFileURL(process.argv[1]!).href) {
  // This connection only waits for events. Its timeout must be longer than BLOCK, because the client would
  // otherwise give up while the server may still send an array. It notices that the server is gone.
  const client = connect({ socketTimeout: 5 * BLOCK });
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
    client.disconnect();
  }
}
