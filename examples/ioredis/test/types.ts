// What must compile, and what must not. The compiler checks this file; nothing runs it.

import { connect, connectCluster } from '../src/client.js';

/** An interface without an index signature. */
interface Order {
  id: number;
  note?: string;
}

export async function types(orders: readonly Order[]) {
  const client = connect();

  // REPLY selects the type of the reply.
  const length: number = await client.jsonmergeAppend('k', orders, 'REPLY', 'LEN');
  const size: number = await client.jsonmergeAppend('k', orders, 'TRUST', 'REPLY', 'SIZE');
  const merged: Order[] = await client.jsonmergeAppend('k', orders);
  const trusted: Order[] = await client.jsonmergeAppend('k', orders, 'TRUST', 'REPLY', 'JSON');
  // @ts-expect-error LEN replies with a number.
  const notMerged: Order[] = await client.jsonmergeAppend('k', orders, 'REPLY', 'LEN');
  // @ts-expect-error Without REPLY, the reply is an array.
  const notLength: number = await client.jsonmergeAppend('k', orders);

  // An element has the type that the caller names.
  const taken: Order[] | null = await client.jsonmergeTake<Order>('k', 'COUNT', 100, 'BLOCK', 1000);
  const unknown: unknown[] | null = await client.jsonmergeTake('k');
  // @ts-expect-error Null if the key does not exist.
  const notNull: Order[] = await client.jsonmergeTake<Order>('k');

  // Options that exclude each other.
  await client.jsonmergeAppend('k', orders, 'EX', 60, 'REPLY', 'LEN');
  await client.jsonmergeAppend('k', orders, 'PERSIST');
  // @ts-expect-error TRUST does not count elements.
  await client.jsonmergeAppend('k', orders, 'TRUST', 'REPLY', 'LEN');
  // @ts-expect-error Only one time.
  await client.jsonmergeAppend('k', orders, 'EX', 60, 'PX', 60_000);
  // @ts-expect-error PERSIST has no time.
  await client.jsonmergeAppend('k', orders, 'PERSIST', 60);
  // @ts-expect-error The others have.
  await client.jsonmergeAppend('k', orders, 'EX');

  // Clusters and duplicates.
  const cluster = connectCluster('redis://127.0.0.1:6379');
  for (const each of [cluster, cluster.duplicate(), client.duplicate()]) {
    const length: number = await each.jsonmergeAppend('k', orders, 'REPLY', 'LEN');
  }

  // A pipeline or transaction returns itself.
  await client.multi().jsonmergeAppend('k', orders, 'REPLY', 'LEN').del('other').jsonmergeTake<Order>('k').exec();
}
