// Replies and errors of the two commands: alone, pipelined, in a transaction.

import assert from 'node:assert/strict';
import { after, beforeEach, test } from 'node:test';

import { ReplyError } from 'ioredis';

import { connect, protocol } from '../src/client.js';
import { consume } from '../src/consumer.js';
import { KEY } from '../src/events.js';
import { produce } from '../src/producer.js';

/** Whatever the old Lua script would have damaged. */
const ARRAY = [{ id: 1, tags: [], details: { 'größe': ['日本', '🎉', 'a/b'], deep: [[], {}] } }, [], 3.141592653589793];

assert.ok(process.env.REDIS_URL, 'REDIS_URL names a server, which is emptied');
const client = connect();

after(() => client.disconnect());

beforeEach(() => client.flushall());

test('the protocol is the one that was asked for', async () => {
  assert.match(String(await client.client('INFO')), new RegExp(` resp=${protocol}\\b`));
});

test('what was appended comes back as it was sent, once', async () => {
  assert.deepEqual(await client.jsonmergeAppend('k', ARRAY), ARRAY);
  assert.deepEqual(await client.jsonmergeAppend('k', []), ARRAY);
  assert.deepEqual(await client.jsonmergeAppend('k', ['é']), [...ARRAY, 'é']);
  assert.deepEqual(await client.jsonmergeTake('k'), [...ARRAY, 'é']);
  assert.equal(await client.jsonmergeTake('k'), null);
});

test('an empty array is an array, and not nothing', async () => {
  assert.deepEqual(await client.jsonmergeAppend('k', []), []);
  assert.deepEqual(await client.jsonmergeTake('k'), []);
});

test('options', async () => {
  assert.equal(await client.jsonmergeAppend('k', [1, 2], 'REPLY', 'LEN'), 2);
  assert.equal(await client.jsonmergeAppend('k', [3], 'TRUST', 'REPLY', 'SIZE'), 7);
  // Only a server that was told TRUST refuses.
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

test('a big integer stays what it is until JSON.parse reads it', async () => {
  await client.call('JSONMERGE.APPEND', 'k', '[{"id":9007199254740993}]');
  await client.jsonmergeAppend('k', [{ id: 2 }]);
  assert.equal(await client.get('k'), '[{"id":9007199254740993},{"id":2}]');
  const text = await client.call('JSONMERGE.TAKE', 'k');
  assert.equal(text, '[{"id":9007199254740993},{"id":2}]');
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

test('with a prefix of keys', async () => {
  const prefixed = connect('tenant:');
  await prefixed.jsonmergeAppend('k', [1]);
  await prefixed.pipeline().jsonmergeAppend('k', [2]).exec();
  assert.equal(await client.get('tenant:k'), '[1,2]');
  assert.deepEqual(await prefixed.jsonmergeTake('k'), [1, 2]);
  prefixed.disconnect();
});

test('a refusal is a ReplyError, and changes nothing', async () => {
  await client.set('broken', '[1,');
  await client.set('object', '{}');
  await client.lpush('list', '1');
  for (const [key, message] of [
    ['broken', /^BADJSON stored value is not valid JSON/],
    ['object', /^NOTARRAY stored value is a JSON object/],
    ['list', /^WRONGTYPE /],
  ] as const) {
    const isRefused = (error: unknown) => error instanceof ReplyError && message.test((error as Error).message);
    await assert.rejects(client.jsonmergeAppend(key, [2]), isRefused);
    await assert.rejects(client.jsonmergeTake(key), isRefused);
    const replies = await client.multi().jsonmergeAppend(key, [2]).ping().exec();
    assert.ok(isRefused(replies![0]![0]), String(replies![0]));
    assert.deepEqual(replies![1], [null, 'PONG']);
  }
  assert.equal(await client.get('broken'), '[1,');
  assert.equal(await client.get('object'), '{}');
});

test('the producer sends events, and the consumer gets them', async () => {
  const events = [{ id: 1, name: 'Grüße', tags: [] }, { id: 2, name: 'b', tags: ['x'], details: { deep: [[]] } }];
  assert.deepEqual(await consume(client), { events: [], others: [] });
  assert.equal(await produce(client, events), 2);
  await client.jsonmergeAppend(KEY, ['no event']);
  assert.equal(await produce(client, events.slice(1)), 4);
  assert.deepEqual(await consume(client), { events: [...events, events[1]], others: ['no event'] });
});

test('what is no event does not reach the server', async () => {
  await client.config('RESETSTAT');
  const event = { id: 1, name: 'a', tags: [] };
  for (const wrong of [{ ...event, id: 2 ** 53 }, { ...event, name: '' }, { ...event, tags: [1] }, { id: 1 }, null, undefined]) {
    await assert.rejects(produce(client, [event, wrong]), TypeError);
  }
  assert.equal(await client.exists(KEY), 0);
  assert.doesNotMatch(await client.info('commandstats'), /jsonmerge\.append/);
});
