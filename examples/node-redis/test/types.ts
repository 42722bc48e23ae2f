// What must compile, and what must not. The compiler checks this file; nothing runs it.

import { createClient, createClientPool } from 'redis';

import { connect, connectCluster } from '../src/client.js';
import { jsonmerge, typed } from '../src/jsonmerge.js';

/** An interface without an index signature. */
interface Order {
  id: number;
  note?: string;
}

export async function types(orders: readonly Order[]) {
  const client = await connect();

  // REPLY selects the type of the reply.
  const length: number = await client.jsonmerge.append('k', orders, { REPLY: 'LEN' });
  const size: number = await client.jsonmerge.append('k', orders, { REPLY: 'SIZE', TRUST: true });
  const merged: Order[] = await client.jsonmerge.append('k', orders);
  const trusted: Order[] = await client.jsonmerge.append('k', orders, { REPLY: 'JSON', TRUST: true });
  // @ts-expect-error LEN replies with a number.
  const notMerged: Order[] = await client.jsonmerge.append('k', orders, { REPLY: 'LEN' });
  // @ts-expect-error Without REPLY, the reply is an array.
  const notLength: number = await client.jsonmerge.append('k', orders);

  // An element has the type that the caller names.
  const taken: Order[] | null = await client.jsonmerge.take<Order>('k', { COUNT: 100, BLOCK: 1000 });
  const unknown: unknown[] | null = await client.jsonmerge.take('k');
  // @ts-expect-error Null if the key does not exist.
  const notNull: Order[] = await client.jsonmerge.take<Order>('k');

  // Options that exclude each other.
  await client.jsonmerge.append('k', orders, { expiration: { type: 'EX', value: 60 }, REPLY: 'LEN' });
  await client.jsonmerge.append('k', orders, { expiration: { type: 'PERSIST' } });
  // @ts-expect-error TRUST does not count elements.
  await client.jsonmerge.append('k', orders, { REPLY: 'LEN', TRUST: true });
  // @ts-expect-error Only one time.
  await client.jsonmerge.append('k', orders, { expiration: { type: 'EX', value: 60 }, PX: 60_000 });
  // @ts-expect-error PERSIST has no time.
  await client.jsonmerge.append('k', orders, { expiration: { type: 'PERSIST', value: 60 } });
  // @ts-expect-error The others have.
  await client.jsonmerge.append('k', orders, { expiration: { type: 'EX' } });

  // Clusters, pools and duplicates.
  const cluster = await connectCluster('redis://127.0.0.1:6379');
  const pool = typed(createClientPool({ modules: { jsonmerge } }));
  const duplicate = await client.duplicate({ name: 'duplicate' }).connect();
  for (const each of [cluster, cluster.duplicate(), pool, duplicate, duplicate.duplicate()]) {
    const length: number = await each.jsonmerge.append('k', orders, { REPLY: 'LEN' });
  }
  // @ts-expect-error It was created without the module.
  typed(createClient());

  // node-redis types the replies of a transaction.
  const replies = await client.multi().jsonmerge.append('k', orders).del('other').jsonmerge.take('k').execTyped();
  const [either, deleted, array]: [unknown[] | number, number, unknown[] | null] = replies;
  // @ts-expect-error It does not look at REPLY.
  const [notNumber]: [number, ...unknown[]] = await client.multi().jsonmerge.append('k', [], { REPLY: 'LEN' }).execTyped();
}
