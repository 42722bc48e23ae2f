// Takes the events that have gathered, and prints them, one a line.

import { pathToFileURL } from 'node:url';

import type { Cluster, Redis } from 'ioredis';

import { connect } from './client.js';
import { isEvent, KEY, type Event } from './events.js';

/** What was taken: the events, and what somebody else has appended that is none. */
export async function consume(client: Redis | Cluster) {
  const events: Event[] = [];
  const others: unknown[] = [];
  // Once they are taken they are nowhere else: one that is no event must not lose the rest.
  for (const element of (await client.jsonmergeTake(KEY)) ?? []) {
    isEvent(element) ? events.push(element) : others.push(element);
  }
  return { events, others };
}

if (import.meta.url === pathToFileURL(process.argv[1]!).href) {
  const client = connect();
  try {
    const { events, others } = await consume(client);
    events.forEach((event) => console.log(JSON.stringify(event)));
    others.forEach((other) => console.error('no event:', JSON.stringify(other)));
  } finally {
    client.disconnect();
  }
}
