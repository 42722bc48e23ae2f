// The commands on a cluster.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';

import { connectCluster } from '../src/client.js';
import { consume } from '../src/consumer.js';
import { produce } from '../src/producer.js';

/** Keys in the slots of every node. */
const KEYS = Array.from({ length: 20 }, (_, number) => `ioredis:${number}`);

assert.ok(process.env.REDIS_CLUSTER_URL, 'REDIS_CLUSTER_URL is the URL of a node of a cluster');
const cluster = connectCluster(process.env.REDIS_CLUSTER_URL);

after(() => cluster.disconnect());

test('alone', async () => {
  for (const key of KEYS) {
    assert.deepEqual(await cluster.jsonmergeAppend(key, [key]), [key]);
    assert.deepEqual(await cluster.jsonmergeTake(key), [key]);
    assert.equal(await cluster.jsonmergeTake(key), null);
  }
});

test('pipelined', async () => {
  const calls = KEYS.map((key) => cluster.jsonmergeAppend(key, [1, 2], 'REPLY', 'LEN'));
  assert.deepEqual(await Promise.all(calls), KEYS.map(() => 2));
  assert.deepEqual(await Promise.all(KEYS.map((key) => cluster.jsonmergeTake(key))), KEYS.map(() => [1, 2]));
  for (const key of KEYS) {
    const replies = await cluster.pipeline().jsonmergeAppend(key, ['é']).jsonmergeTake(key).exec();
    assert.deepEqual(replies, [[null, ['é']], [null, ['é']]]);
  }
});

test('in a transaction', async () => {
  for (const key of KEYS) {
    const replies = await cluster.multi().jsonmergeAppend(key, []).jsonmergeAppend(key, ['é']).jsonmergeTake(key).exec();
    assert.deepEqual(replies, [[null, []], [null, ['é']], [null, ['é']]]);
  }
});

test('waiting', async (t) => {
  const waiting = cluster.duplicate();
  t.after(() => waiting.disconnect());
  const taken = KEYS.map((key) => waiting.jsonmergeTake(key, 'COUNT', 1, 'BLOCK', 10_000));
  await setTimeout(100);
  for (const key of KEYS) {
    assert.equal(await cluster.jsonmergeAppend(key, [key, 2], 'REPLY', 'LEN'), 2);
  }
  assert.deepEqual(await Promise.all(taken), KEYS.map((key) => [key]));
  assert.deepEqual(await Promise.all(KEYS.map((key) => cluster.jsonmergeTake(key))), KEYS.map(() => [2]));
});

test('with a keyPrefix', async (t) => {
  const prefixed = cluster.duplicate([], { keyPrefix: 'tenant:' });
  t.after(() => prefixed.disconnect());
  for (const key of KEYS) {
    await prefixed.jsonmergeAppend(key, [1]);
    await prefixed.pipeline().jsonmergeAppend(key, [2]).exec();
    assert.deepEqual(await cluster.jsonmergeTake(`tenant:${key}`), [1, 2]);
  }
});

test('the producer and the consumer', async () => {
  const events = [{ id: 1, name: 'a', tags: [] }];
  assert.equal(await produce(cluster, events), 1);
  assert.deepEqual((await consume(cluster)).events, events);
});
