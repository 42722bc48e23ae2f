// Replies and errors of the two commands: alone, pipelined, in a transaction.

import assert from 'node:assert/strict';
import { after, beforeEach, test } from 'node:test';

import { ErrorReply } from 'redis';
import { ZodError } from 'zod';

import { connect, RESP } from '../src/client.js';
import { consume } from '../src/consumer.js';
import { KEY } from '../src/events.js';
import { produce } from '../src/producer.js';

/** Whatever the old Lua script would have damaged. */
const ARRAY = [{ id: 1, tags: [], details: { 'größe': ['日本', '🎉', 'a/b'], deep: [[], {}] } }, [], 3.141592653589793];

assert.ok(process.env.REDIS_URL, 'REDIS_URL names a server, which is emptied');
const client = await connect();

after(() => client.destroy());

beforeEach(() => client.flushAll());

test('the protocol is the one that was asked for', async () => {
  assert.match(String(await client.sendCommand(['CLIENT', 'INFO'])), new RegExp(` resp=${RESP}\\b`));
});

test('what was appended comes back as it was sent, once', async () => {
  assert.deepEqual(await client.jsonmerge.append('k', ARRAY), ARRAY);
  assert.deepEqual(await client.jsonmerge.append('k', []), ARRAY);
  assert.deepEqual(await client.jsonmerge.append('k', ['é']), [...ARRAY, 'é']);
  assert.deepEqual(await client.jsonmerge.take('k'), [...ARRAY, 'é']);
  assert.equal(await client.jsonmerge.take('k'), null);
});

test('an empty array is an array, and not nothing', async () => {
  assert.deepEqual(await client.jsonmerge.append('k', []), []);
  assert.deepEqual(await client.jsonmerge.take('k'), []);
});

test('options', async () => {
  assert.equal(await client.jsonmerge.append('k', [1, 2], { REPLY: 'LEN' }), 2);
  assert.equal(await client.jsonmerge.append('k', [3], { REPLY: 'SIZE', TRUST: true }), 7);
  // Only a server that was told TRUST refuses.
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

test('a big integer stays what it is until JSON.parse reads it', async () => {
  await client.sendCommand(['JSONMERGE.APPEND', 'k', '[{"id":9007199254740993}]']);
  await client.jsonmerge.append('k', [{ id: 2 }]);
  assert.equal(await client.get('k'), '[{"id":9007199254740993},{"id":2}]');
  const text = await client.sendCommand(['JSONMERGE.TAKE', 'k']);
  assert.equal(text, '[{"id":9007199254740993},{"id":2}]');
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

test('a refusal is an ErrorReply, and changes nothing', async () => {
  await client.set('broken', '[1,');
  await client.set('object', '{}');
  await client.lPush('list', '1');
  for (const [key, message] of [
    ['broken', /^BADJSON stored value is not valid JSON/],
    ['object', /^NOTARRAY stored value is a JSON object/],
    ['list', /^WRONGTYPE /],
  ] as const) {
    const isRefused = (error: unknown) => error instanceof ErrorReply && message.test(error.message);
    await assert.rejects(client.jsonmerge.append(key, [2]), isRefused);
    await assert.rejects(client.jsonmerge.take(key), isRefused);
    const replies = await client.multi().jsonmerge.append(key, [2]).ping().exec().catch((error) => error.replies);
    assert.ok(isRefused(replies[0]), String(replies[0]));
    assert.equal(replies[1], 'PONG');
  }
  assert.equal(await client.get('broken'), '[1,');
  assert.equal(await client.get('object'), '{}');
});

test('the producer sends events, and the consumer gets them', async () => {
  const events = [{ id: 1, name: 'Grüße', tags: [] }, { id: 2, name: 'b', tags: ['x'], details: { deep: [[]] } }];
  assert.deepEqual(await consume(client), { events: [], others: [] });
  assert.equal(await produce(client, events), 2);
  await client.jsonmerge.append(KEY, ['no event']);
  assert.equal(await produce(client, events.slice(1)), 4);
  assert.deepEqual(await consume(client), { events: [...events, events[1]], others: ['no event'] });
});

test('what is no event does not reach the server', async () => {
  await client.configResetStat();
  const event = { id: 1, name: 'a', tags: [] };
  for (const wrong of [{ ...event, id: 2 ** 53 }, { ...event, name: '' }, { ...event, color: 'red' }, { id: 1 }]) {
    assert.throws(() => produce(client, [event, wrong as typeof event]), ZodError);
  }
  assert.equal(await client.exists(KEY), 0);
  assert.doesNotMatch(await client.info('commandstats'), /jsonmerge\.append/);
});
