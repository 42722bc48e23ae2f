// Replies and errors of the two commands: alone, pipelined, in a transaction and waiting.

import assert from 'node:assert/strict';
import { after, beforeEach, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';

import { ReplyError } from 'ioredis';
import { LosslessNumber } from 'lossless-json';

import { connect, protocol } from '../src/client.js';
import { consume } from '../src/consumer.js';
import { KEY, type Event } from '../src/events.js';
import { stringify } from '../src/json.js';
import { produce } from '../src/producer.js';

/** What the Lua script would have damaged. */
const ARRAY = [{ id: 1, tags: [], details: { 'größe': ['日本', '🎉', 'a/b'], deep: [[], {}] } }, [], 3.141592653589793];

assert.ok(process.env.REDIS_URL, 'REDIS_URL is the URL of a server, which is emptied');
const client = connect();

after(() => client.disconnect());

beforeEach(() => client.flushall());

test('the protocol is that of REDIS_RESP', async () => {
  assert.match(String(await client.client('INFO')), new RegExp(` resp=${protocol}\\b`));
});

test('an array comes back once, as it was sent', async () => {
  assert.deepEqual(await client.jsonmergeAppend('k', ARRAY), ARRAY);
  assert.deepEqual(await client.jsonmergeAppend('k', []), ARRAY);
  assert.deepEqual(await client.jsonmergeAppend('k', ['é']), [...ARRAY, 'é']);
  assert.deepEqual(await client.jsonmergeTake('k'), [...ARRAY, 'é']);
  assert.equal(await client.jsonmergeTake('k'), null);
});

test('an empty array is not null', async () => {
  assert.deepEqual(await client.jsonmergeAppend('k', []), []);
  assert.deepEqual(await client.jsonmergeTake('k'), []);
});

test('COUNT takes the first elements and leaves the rest', async () => {
  await client.jsonmergeAppend('k', [1, 2, ...ARRAY]);
  assert.deepEqual(await client.jsonmergeTake('k', 'COUNT', 2), [1, 2]);
  assert.deepEqual(await client.jsonmergeTake('k', 'COUNT', 1, 'TRUST'), ARRAY.slice(0, 1));
  assert.deepEqual(await client.jsonmergeTake('k', 'COUNT', 10, 'BLOCK', 0), ARRAY.slice(1));
  assert.equal(await client.jsonmergeTake('k', 'COUNT', 10), null);
  await assert.rejects(client.jsonmergeTake('k', 'COUNT', 0), /ERR count should be greater than 0/);
});

test('TRUST validates only what is taken', async () => {
  await client.set('k', '[1,x]');
  await assert.rejects(client.jsonmergeTake('k', 'COUNT', 1), /BADJSON/);
  assert.deepEqual(await client.jsonmergeTake('k', 'COUNT', 1, 'TRUST'), [1]);
  await assert.rejects(client.jsonmergeTake('k', 'COUNT', 1, 'TRUST'), /BADJSON/);
});

/** Resolves once this number of clients wait. */
async function untilWaiting(count: number) {
  while (!(await client.info('clients')).includes(`blocked_clients:${count}\r\n`)) {
    await setTimeout(5);
  }
}

test('BLOCK waits for an append of another connection', async (t) => {
  const waiting = connect();
  t.after(() => waiting.disconnect());
  const first = waiting.jsonmergeTake('k', 'COUNT', 2, 'BLOCK', 10_000);
  await untilWaiting(1);
  assert.equal(await client.jsonmergeAppend('k', [1, 2, 3], 'REPLY', 'LEN'), 3);
  assert.deepEqual(await first, [1, 2]);
  assert.deepEqual(await waiting.jsonmergeTake('k', 'BLOCK', 10_000), [3]);
  const second = waiting.jsonmergeTake('k', 'BLOCK', 0);
  await untilWaiting(1);
  await client.multi().jsonmergeAppend('k', []).ping().exec();
  assert.deepEqual(await second, []);
});

test('BLOCK returns null at the end of its timeout', async () => {
  const start = performance.now();
  assert.equal(await client.jsonmergeTake('k', 'BLOCK', 100), null);
  assert.ok(performance.now() - start > 90);
  assert.deepEqual(await client.multi().jsonmergeTake('k', 'BLOCK', 0).exec(), [[null, null]]);
});

test('options', async () => {
  assert.equal(await client.jsonmergeAppend('k', [1, 2], 'REPLY', 'LEN'), 2);
  assert.equal(await client.jsonmergeAppend('k', [3], 'TRUST', 'REPLY', 'SIZE'), 7);
  // @ts-expect-error The error of the server shows that TRUST was sent.
  await assert.rejects(client.jsonmergeAppend('k', [], 'TRUST', 'REPLY', 'LEN'), /TRUST does not count/);
  assert.deepEqual(await client.jsonmergeAppend('k', [4], 'REPLY', 'JSON'), [1, 2, 3, 4]);
  assert.equal(await client.ttl('k'), -1);
  const inAnHour = Math.floor(Date.now() / 1000) + 3600;
  for (const [unit, time] of [
    ['EX', 3600],
    ['PX', 3600_000],
    ['EXAT', inAnHour],
    ['PXAT', inAnHour * 1000],
  ] as const) {
    await client.jsonmergeAppend('k', [], unit, time);
    const ttl = await client.ttl('k');
    assert.ok(ttl > 3500 && ttl <= 3600, `${unit}: ${ttl}`);
    await client.jsonmergeAppend('k', [], 'PERSIST');
    assert.equal(await client.ttl('k'), -1);
  }
});

test('numbers keep their text', async () => {
  const text = '[9007199254740993,-9007199254740993,1.0,1e400,-0,1E5,3.141592653589793,{"id":1}]';
  await client.set('k', text);
  assert.equal(stringify(await client.jsonmergeAppend('k', [])), text);
  const taken = await client.jsonmergeTake('k');
  assert.equal(stringify(taken), text);
  assert.deepEqual(taken?.slice(0, 3), [9007199254740993n, -9007199254740993n, new LosslessNumber('1.0')]);
  assert.deepEqual(taken?.slice(-2), [3.141592653589793, { id: 1 }]);
  await client.jsonmergeAppend('k', taken ?? []);
  assert.equal(await client.get('k'), text);
});

test('keys are those that JSON.parse returns', async () => {
  const text = '[{"id":1,"id":2,"__proto__":{"a":"b"}}]';
  await client.set('k', text);
  assert.deepEqual(await client.jsonmergeTake('k'), JSON.parse(text));
});

test('pipelined', async () => {
  const calls = Array.from({ length: 100 }, (_, id) => client.jsonmergeAppend('k', [id], 'REPLY', 'LEN'));
  assert.deepEqual(await Promise.all(calls), Array.from({ length: 100 }, (_, id) => id + 1));
  const taken = Array.from({ length: 101 }, (_, id) => id);
  const replies = await client.pipeline().jsonmergeAppend('k', [100]).jsonmergeTake('k').jsonmergeTake('k').exec();
  assert.deepEqual(replies, [[null, taken], [null, taken], [null, null]]);
});

test('in a transaction', async () => {
  const replies = await client
    .multi()
    .jsonmergeAppend('k', ARRAY)
    .jsonmergeAppend('k', [1], 'REPLY', 'LEN')
    .set('other', 'value')
    .jsonmergeTake('k')
    .jsonmergeTake('k')
    .exec();
  assert.deepEqual(
    replies,
    [ARRAY, ARRAY.length + 1, 'OK', [...ARRAY, 1], null].map((reply) => [null, reply]),
  );
});

test('a duplicate with a keyPrefix', async (t) => {
  const prefixed = client.duplicate({ keyPrefix: 'tenant:' });
  t.after(() => prefixed.disconnect());
  await prefixed.jsonmergeAppend('k', [1]);
  await prefixed.pipeline().jsonmergeAppend('k', [2]).exec();
  assert.equal(await client.get('tenant:k'), '[1,2]');
  assert.deepEqual(await prefixed.jsonmergeTake('k'), [1, 2]);
});

test('an error is a ReplyError, and changes nothing', async () => {
  await client.set('broken', '[1,');
  await client.set('object', '{}');
  await client.lpush('list', '1');
  for (const [key, message] of [
    ['broken', /^BADJSON stored value is not valid JSON/],
    ['object', /^NOTARRAY stored value is a JSON object/],
    ['list', /^WRONGTYPE /],
  ] as const) {
    const isExpected = (error: unknown) => error instanceof ReplyError && message.test((error as Error).message);
    await assert.rejects(client.jsonmergeAppend(key, [2]), isExpected);
    await assert.rejects(client.jsonmergeTake(key), isExpected);
    const replies = await client.multi().jsonmergeAppend(key, [2]).ping().exec();
    assert.ok(isExpected(replies![0]![0]), String(replies![0]));
    assert.deepEqual(replies![1], [null, 'PONG']);
  }
  assert.equal(await client.get('broken'), '[1,');
  assert.equal(await client.get('object'), '{}');
});

test('the producer sends events, and the consumer gets them', async () => {
  const events = [{ id: 1, name: 'Grüße', tags: [] }, { id: 2n ** 60n, name: 'b', tags: ['x'], details: { deep: [[]] } }];
  assert.deepEqual(await consume(client), { events: [], others: [] });
  assert.equal(await produce(client, events), 2);
  await client.jsonmergeAppend(KEY, ['not an event']);
  assert.equal(await produce(client, events.slice(1)), 4);
  assert.deepEqual(await consume(client), { events: [...events, events[1]], others: ['not an event'] });
});

test('the producer sends nothing but events', async () => {
  await client.config('RESETSTAT');
  const event = { id: 1, name: 'a', tags: [] };
  for (const wrong of [{ ...event, id: 2 ** 53 }, { ...event, name: '' }, { ...event, tags: [1] }, { id: 1 }, null, undefined]) {
    await assert.rejects(produce(client, [event, wrong as Event]), TypeError);
  }
  assert.equal(await client.exists(KEY), 0);
  assert.doesNotMatch(await client.info('commandstats'), /jsonmerge\.append/);
});
