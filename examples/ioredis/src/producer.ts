// Appends the events on its standard input, one per line, as one batch: all of them or none.

import { text } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';

import type { Cluster, Redis } from 'ioredis';

import { connect } from './client.js';
import { isEvent, KEY, type Event } from './events.js';
import { parse, stringify } from './json.js';

/** Returns the number of events that now wait for the consumer. */
export async function produce(client: Redis | Cluster, events: Event[]) {
  const wrong = events.findIndex((event) => !isEvent(event));
  if (wrong >= 0) {
    throw new TypeError(`not an event: ${stringify(events[wrong])}`);
  }
  return client.jsonmergeAppend(KEY, events, 'REPLY', 'LEN');
}

if (import.meta.url === pathToFileURL(process.argv[1]!).href) {
  const lines = (await text(process.stdin)).split('\n').filter((line) => line !== '');
  const client = connect();
  try {
    console.log(await produce(client, lines.map(parse)));
  } finally {
    client.disconnect();
  }
}
