// The two commands. Importing this file adds them to all clients, clusters, pipelines and transactions of
// ioredis.

import { Cluster, Command, Pipeline, Redis, type ClientContext, type RedisKey, type Result } from 'ioredis';

import { parse, stringify } from './json.js';

type Trust = [] | ['TRUST'];
type Expiration = [] | ['EX' | 'PX' | 'EXAT' | 'PXAT', number] | ['PERSIST'];
type ArrayOptions = [...Trust, ...Expiration, ...([] | ['REPLY', 'JSON'])];
type NumberOptions = [...Expiration, 'REPLY', 'LEN'] | [...Trust, ...Expiration, 'REPLY', 'SIZE'];
type TakeOptions = [...([] | ['COUNT', number]), ...Trust, ...([] | ['BLOCK', number])];

declare module 'ioredis' {
  interface RedisCommander<Context extends ClientContext> {
    /** Appends the elements, and replies with the number of elements or the size in bytes of the merged array. */
    jsonmergeAppend<T>(key: RedisKey, array: readonly T[], ...options: NumberOptions): Result<number, Context>;
    /** Appends the elements, and replies with the merged array. */
    jsonmergeAppend<T>(key: RedisKey, array: readonly T[], ...options: ArrayOptions): Result<T[], Context>;
    /**
     * Returns the array and deletes the key. With 'COUNT', 100, returns at most the first 100 elements and
     * leaves the rest. The reply is null if the key does not exist. With 'BLOCK', 1000, waits up to 1000
     * milliseconds for it. While it waits, no other command runs on the connection, so use a connection of
     * its own.
     */
    jsonmergeTake<T = unknown>(key: RedisKey, ...options: TakeOptions): Result<T[] | null, Context>;
  }
}

/**
 * A command whose first argument is its key. ioredis knows the keys only of the commands in its own list. It
 * sends other commands to any node of a cluster, and without the keyPrefix.
 */
class KeyedCommand extends Command {
  constructor(name: string, keyPrefix: string | undefined, key: RedisKey, ...args: (string | number)[]) {
    const prefixed = keyPrefix ? Buffer.concat([Buffer.from(keyPrefix), Buffer.from(key)]) : key;
    super(name, [prefixed, ...args], { replyEncoding: 'utf8' });
  }

  override getKeys() {
    return [this.args[0] as RedisKey];
  }

  override transformReply(result: Buffer | Buffer[]) {
    const reply = super.transformReply(result);
    // In a transaction, the command has two replies. QUEUED is the first.
    return typeof reply === 'string' && reply !== 'QUEUED' ? parse(reply) : reply;
  }
}

/** A client, a cluster or a pipeline. The pipeline's sendCommand returns the pipeline. */
interface Commander {
  options: { keyPrefix?: string };
  sendCommand(command: Command): unknown;
}

const commands = {
  jsonmergeAppend(this: Commander, key: RedisKey, array: readonly unknown[], ...options: ArrayOptions | NumberOptions) {
    const { keyPrefix } = this.options;
    return this.sendCommand(new KeyedCommand('jsonmerge.append', keyPrefix, key, stringify(array), ...options));
  },
  jsonmergeTake(this: Commander, key: RedisKey, ...options: TakeOptions) {
    return this.sendCommand(new KeyedCommand('jsonmerge.take', this.options.keyPrefix, key, ...options));
  },
};

// On the prototypes, so that what `duplicate()`, `pipeline()` and `multi()` return has them, too.
for (const { prototype } of [Redis, Cluster, Pipeline]) {
  Object.assign(prototype, commands);
}
