// Replies and errors of the two commands: alone, pipelined, in a transaction and waiting.

import assert from 'node:assert/strict';
import { after, beforeEach, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';

import { LosslessNumber } from 'lossless-json';
import { createClientPool, ErrorReply } from 'redis';
import { ZodError } from 'zod';

import { connect, RESP } from '../src/client.js';
import { consume } from '../src/consumer.js';
import { KEY } from '../src/events.js';
import { stringify } from '../src/json.js';
import { jsonmerge, typed } from '../src/jsonmerge.js';
import { produce } from '../src/producer.js';

/** What the Lua script would have damaged. */
const ARRAY = [{ id: 1, tags: [], details: { 'größe': ['日本', '🎉', 'a/b'], deep: [[], {}] } }, [], 3.141592653589793];

assert.ok(process.env.REDIS_URL, 'REDIS_URL is the URL of a server, which is emptied');
const client = await connect();

after(() => client.destroy());

beforeEach(() => client.flushAll());

test('the protocol is that of REDIS_RESP', async () => {
  assert.match(String(await client.sendCommand(['CLIENT', 'INFO'])), new RegExp(` resp=${RESP}\\b`));
});

test('an array comes back once, as it was sent', async () => {
  assert.deepEqual(await client.jsonmerge.append('k', ARRAY), ARRAY);
  assert.deepEqual(await client.jsonmerge.append('k', []), ARRAY);
  assert.deepEqual(await client.jsonmerge.append('k', ['é']), [...ARRAY, 'é']);
  assert.deepEqual(await client.jsonmerge.take('k'), [...ARRAY, 'é']);
  assert.equal(await client.jsonmerge.take('k'), null);
});

test('an empty array is not null', async () => {
  assert.deepEqual(await client.jsonmerge.append('k', []), []);
  assert.deepEqual(await client.jsonmerge.take('k'), []);
});

test('COUNT takes the first elements and leaves the rest', async () => {
  await client.jsonmerge.append('k', [1, 2, ...ARRAY]);
  assert.deepEqual(await client.jsonmerge.take('k', { COUNT: 2 }), [1, 2]);
  assert.deepEqual(await client.jsonmerge.take('k', { COUNT: 1, TRUST: true }), ARRAY.slice(0, 1));
  assert.deepEqual(await client.jsonmerge.take('k', { COUNT: 10, BLOCK: 0 }), ARRAY.slice(1));
  assert.equal(await client.jsonmerge.take('k', { COUNT: 10 }), null);
  await assert.rejects(client.jsonmerge.take('k', { COUNT: 0 }), /ERR count should be greater than 0/);
});

test('TRUST validates only what is taken', async () => {
  await client.set('k', '[1,x]');
  await assert.rejects(client.jsonmerge.take('k', { COUNT: 1 }), /BADJSON/);
  assert.deepEqual(await client.jsonmerge.take('k', { COUNT: 1, TRUST: true }), [1]);
  await assert.rejects(client.jsonmerge.take('k', { COUNT: 1, TRUST: true }), /BADJSON/);
});

/** Resolves once this number of clients wait. */
async function untilWaiting(count: number) {
  while (!(await client.info('clients')).includes(`blocked_clients:${count}\r\n`)) {
    await setTimeout(5);
  }
}

test('BLOCK waits for an append of another connection', async (t) => {
  const waiting = await connect();
  t.after(() => waiting.destroy());
  const first = waiting.jsonmerge.take('k', { COUNT: 2, BLOCK: 10_000 });
  await untilWaiting(1);
  assert.equal(await client.jsonmerge.append('k', [1, 2, 3], { REPLY: 'LEN' }), 3);
  assert.deepEqual(await first, [1, 2]);
  assert.deepEqual(await waiting.jsonmerge.take('k', { BLOCK: 10_000 }), [3]);
  const second = waiting.jsonmerge.take('k', { BLOCK: 0 });
  await untilWaiting(1);
  await client.multi().jsonmerge.append('k', []).ping().exec();
  assert.deepEqual(await second, []);
});

test('BLOCK returns null at the end of its timeout', async () => {
  const start = performance.now();
  assert.equal(await client.jsonmerge.take('k', { BLOCK: 100 }), null);
  assert.ok(performance.now() - start > 90);
  const replies = await client.multi().jsonmerge.take('k', { BLOCK: 0 }).exec();
  assert.deepEqual(replies, [null]);
});

test('options', async () => {
  assert.equal(await client.jsonmerge.append('k', [1, 2], { REPLY: 'LEN' }), 2);
  assert.equal(await client.jsonmerge.append('k', [3], { REPLY: 'SIZE', TRUST: true }), 7);
  // @ts-expect-error The error of the server shows that TRUST was sent.
  await assert.rejects(client.jsonmerge.append('k', [], { REPLY: 'LEN', TRUST: true }), /TRUST does not count/);
  assert.deepEqual(await client.jsonmerge.append('k', [4], { REPLY: 'JSON' }), [1, 2, 3, 4]);
  assert.equal(await client.ttl('k'), -1);
  const inAnHour = Math.floor(Date.now() / 1000) + 3600;
  for (const expiration of [
    { type: 'EX', value: 3600 },
    { type: 'PX', value: 3600_000 },
    { type: 'EXAT', value: inAnHour },
    { type: 'PXAT', value: inAnHour * 1000 },
  ] as const) {
    await client.jsonmerge.append('k', [], { expiration });
    const ttl = await client.ttl('k');
    assert.ok(ttl > 3500 && ttl <= 3600, `${expiration.type}: ${ttl}`);
    await client.jsonmerge.append('k', [], { expiration: { type: 'PERSIST' } });
    assert.equal(await client.ttl('k'), -1);
  }
});

test('numbers keep their text', async () => {
  const text = '[9007199254740993,-9007199254740993,1.0,1e400,-0,1E5,3.141592653589793,{"id":1}]';
  await client.set('k', text);
  assert.equal(stringify(await client.jsonmerge.append('k', [])), text);
  const taken = await client.jsonmerge.take('k');
  assert.equal(stringify(taken), text);
  assert.deepEqual(taken?.slice(0, 3), [9007199254740993n, -9007199254740993n, new LosslessNumber('1.0')]);
  assert.deepEqual(taken?.slice(-2), [3.141592653589793, { id: 1 }]);
  await client.jsonmerge.append('k', taken ?? []);
  assert.equal(await client.get('k'), text);
});

test('keys are those that JSON.parse returns', async () => {
  const text = '[{"id":1,"id":2,"__proto__":{"a":"b"}}]';
  await client.set('k', text);
  assert.deepEqual(await client.jsonmerge.take('k'), JSON.parse(text));
});

test('a duplicate and a pool', async (t) => {
  const duplicate = await client.duplicate({ keyPrefix: 'tenant:' }).connect();
  t.after(() => duplicate.destroy());
  assert.equal(await duplicate.jsonmerge.append('k', [1], { REPLY: 'LEN' }), 1);
  assert.equal(await client.get('tenant:k'), '[1]');
  const pool = typed(createClientPool({ ...client.options, modules: { jsonmerge } }));
  await pool.connect();
  t.after(() => pool.destroy());
  assert.deepEqual(await pool.jsonmerge.take('tenant:k'), [1]);
  assert.equal(await duplicate.jsonmerge.take('k'), null);
});

test('pipelined', async () => {
  const calls = Array.from({ length: 100 }, (_, id) => client.jsonmerge.append('k', [id], { REPLY: 'LEN' }));
  assert.deepEqual(await Promise.all(calls), Array.from({ length: 100 }, (_, id) => id + 1));
  const replies = await client.multi().jsonmerge.append('k', [100]).jsonmerge.take('k').execAsPipeline();
  assert.deepEqual(replies, Array(2).fill(Array.from({ length: 101 }, (_, id) => id)));
});

test('in a transaction', async () => {
  const replies = await client
    .multi()
    .jsonmerge.append('k', ARRAY)
    .jsonmerge.append('k', [1], { REPLY: 'LEN' })
    .set('other', 'value')
    .jsonmerge.take('k')
    .jsonmerge.take('k')
    .exec();
  assert.deepEqual(replies, [ARRAY, ARRAY.length + 1, 'OK', [...ARRAY, 1], null]);
});

test('an error is an ErrorReply, and changes nothing', async () => {
  await client.set('broken', '[1,');
  await client.set('object', '{}');
  await client.lPush('list', '1');
  for (const [key, message] of [
    ['broken', /^BADJSON stored value is not valid JSON/],
    ['object', /^NOTARRAY stored value is a JSON object/],
    ['list', /^WRONGTYPE /],
  ] as const) {
    const isExpected = (error: unknown) => error instanceof ErrorReply && message.test(error.message);
    await assert.rejects(client.jsonmerge.append(key, [2]), isExpected);
    await assert.rejects(client.jsonmerge.take(key), isExpected);
    const replies = await client.multi().jsonmerge.append(key, [2]).ping().exec().catch((error) => error.replies);
    assert.ok(isExpected(replies[0]), String(replies[0]));
    assert.equal(replies[1], 'PONG');
  }
  assert.equal(await client.get('broken'), '[1,');
  assert.equal(await client.get('object'), '{}');
});

test('the producer sends events, and the consumer gets them', async () => {
  const events = [{ id: 1, name: 'Grüße', tags: [] }, { id: 2n ** 60n, name: 'b', tags: ['x'], details: { deep: [[]] } }];
  assert.deepEqual(await consume(client), { events: [], others: [] });
  assert.equal(await produce(client, events), 2);
  await client.jsonmerge.append(KEY, ['not an event']);
  assert.equal(await produce(client, events.slice(1)), 4);
  assert.deepEqual(await consume(client), { events: [...events, events[1]], others: ['not an event'] });
});

test('the producer sends nothing but events', async () => {
  await client.configResetStat();
  const event = { id: 1, name: 'a', tags: [] };
  for (const wrong of [{ ...event, id: 2 ** 53 }, { ...event, name: '' }, { ...event, color: 'red' }, { id: 1 }]) {
    assert.throws(() => produce(client, [event, wrong as typeof event]), ZodError);
  }
  assert.equal(await client.exists(KEY), 0);
  assert.doesNotMatch(await client.info('commandstats'), /jsonmerge\.append/);
});
