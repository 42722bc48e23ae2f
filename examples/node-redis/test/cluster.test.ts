// The commands on a cluster.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';

import { connectCluster } from '../src/client.js';
import { consume } from '../src/consumer.js';
import { produce } from '../src/producer.js';

/** Keys in the slots of every node. */
const KEYS = Array.from({ length: 20 }, (_, number) => `node-redis:${number}`);

assert.ok(process.env.REDIS_CLUSTER_URL, 'REDIS_CLUSTER_URL is the URL of a node of a cluster');
const cluster = await connectCluster(process.env.REDIS_CLUSTER_URL);

after(() => cluster.destroy());

test('alone', async () => {
  for (const key of KEYS) {
    assert.deepEqual(await cluster.jsonmerge.append(key, [key]), [key]);
    assert.deepEqual(await cluster.jsonmerge.take(key), [key]);
    assert.equal(await cluster.jsonmerge.take(key), null);
  }
});

test('pipelined', async () => {
  const calls = KEYS.map((key) => cluster.jsonmerge.append(key, [1, 2], { REPLY: 'LEN' }));
  assert.deepEqual(await Promise.all(calls), KEYS.map(() => 2));
  assert.deepEqual(await Promise.all(KEYS.map((key) => cluster.jsonmerge.take(key))), KEYS.map(() => [1, 2]));
});

test('in a transaction', async () => {
  for (const key of KEYS) {
    const replies = await cluster.multi().jsonmerge.append(key, []).jsonmerge.append(key, ['é']).jsonmerge.take(key).exec();
    assert.deepEqual(replies, [[], ['é'], ['é']]);
  }
});

test('waiting', async (t) => {
  const waiting = await cluster.duplicate().connect();
  t.after(() => waiting.destroy());
  const taken = KEYS.map((key) => waiting.jsonmerge.take(key, { COUNT: 1, BLOCK: 10_000 }));
  await setTimeout(100);
  for (const key of KEYS) {
    assert.equal(await cluster.jsonmerge.append(key, [key, 2], { REPLY: 'LEN' }), 2);
  }
  assert.deepEqual(await Promise.all(taken), KEYS.map((key) => [key]));
  assert.deepEqual(await Promise.all(KEYS.map((key) => cluster.jsonmerge.take(key))), KEYS.map(() => [2]));
});

test('the producer and the consumer', async () => {
  const events = [{ id: 1, name: 'a', tags: [] }];
  assert.equal(await produce(cluster, events), 1);
  assert.deepEqual((await consume(cluster)).events, events);
});
