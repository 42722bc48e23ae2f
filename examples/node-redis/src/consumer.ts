// Takes the events that have gathered, and prints them, one a line.

import { pathToFileURL } from 'node:url';

import { connect } from './client.js';
import { Event, KEY } from './events.js';
import type { JsonmergeClient } from './jsonmerge.js';

/** What was taken: the events, and what somebody else has appended that is none. */
export async function consume(client: JsonmergeClient) {
  const events: Event[] = [];
  const others: unknown[] = [];
  // Once they are taken they are nowhere else: one that is no event must not lose the rest.
  for (const element of (await client.jsonmerge.take(KEY)) ?? []) {
    const { success, data } = Event.safeParse(element);
    success ? events.push(data) : others.push(element);
  }
  return { events, others };
}

if (import.meta.url === pathToFileURL(process.argv[1]!).href) {
  const client = await connect();
  try {
    const { events, others } = await consume(client);
    events.forEach((event) => console.log(JSON.stringify(event)));
    others.forEach((other) => console.error('no event:', JSON.stringify(other)));
  } finally {
    client.destroy();
  }
}
