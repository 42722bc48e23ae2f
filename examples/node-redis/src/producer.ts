// Appends the events on its standard input, one per line, as one batch: all of them or none.

import { text } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';

import { z } from 'zod';

import { connect } from './client.js';
import { Event, KEY } from './events.js';
import { parse } from './json.js';
import type { JsonmergeClient } from './jsonmerge.js';

/** Returns the number of events that now wait for the consumer. */
export function produce(client: JsonmergeClient, events: Event[]) {
  return client.jsonmerge.append(KEY, z.array(Event).parse(events), { REPLY: 'LEN' });
}

if (import.meta.url === pathToFileURL(process.argv[1]!).href) {
  const lines = (await text(process.stdin)).split('\n').filter((line) => line !== '');
  const client = await connect();
  try {
    console.log(await produce(client, lines.map(parse)));
  } finally {
    client.destroy();
  }
}
