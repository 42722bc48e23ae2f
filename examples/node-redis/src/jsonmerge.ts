// The two commands, for the `modules` option of createClient, createClientPool and createCluster, and `typed`,
// which types their replies.

import type { CommandParser, RedisArgument, RedisModules } from 'redis';

import { parse, stringify } from './json.js';

interface WriteOptions {
  /** Do not validate the stored value, except for its first and last bytes. Not with `REPLY: 'LEN'`. */
  TRUST?: boolean;
  /** When the key expires. By default, the TTL does not change. */
  expiration?: { type: 'EX' | 'PX' | 'EXAT' | 'PXAT'; value: number } | { type: 'PERSIST' };
}

/** The reply is the merged array. */
type ArrayOptions = WriteOptions & { REPLY?: 'JSON' };

/** The reply is the number of elements of the merged array, or its size in bytes. */
type NumberOptions = WriteOptions & ({ REPLY: 'LEN'; TRUST?: false } | { REPLY: 'SIZE' });

export type AppendOptions = ArrayOptions | NumberOptions;

export interface TakeOptions {
  /** How many elements to take at most. The rest stays at the key. */
  COUNT?: number;
  /** Do not validate the stored value, except for its first and last bytes and what COUNT takes. */
  TRUST?: boolean;
  /**
   * How many milliseconds to wait if the key does not exist; 0 means no limit. While it waits, no other
   * command runs on the connection, so use a connection of its own.
   */
  BLOCK?: number;
}

export const jsonmerge = {
  append: {
    IS_READ_ONLY: false,
    parseCommand(parser: CommandParser, key: RedisArgument, array: readonly unknown[], options: AppendOptions = {}) {
      parser.push('JSONMERGE.APPEND');
      parser.pushKey(key);
      parser.push(stringify(array));
      if (options.TRUST) {
        parser.push('TRUST');
      }
      if (options.expiration) {
        parser.push(options.expiration.type);
        if (options.expiration.type !== 'PERSIST') {
          parser.push(String(options.expiration.value));
        }
      }
      if (options.REPLY) {
        parser.push('REPLY', options.REPLY);
      }
    },
    transformReply(reply: string | Buffer | number): unknown[] | number {
      return typeof reply === 'number' ? reply : parse(reply.toString());
    },
  },
  take: {
    IS_READ_ONLY: false,
    parseCommand(parser: CommandParser, key: RedisArgument, options: TakeOptions = {}) {
      parser.push('JSONMERGE.TAKE');
      parser.pushKey(key);
      if (options.COUNT !== undefined) {
        parser.push('COUNT', String(options.COUNT));
      }
      if (options.TRUST) {
        parser.push('TRUST');
      }
      if (options.BLOCK !== undefined) {
        parser.push('BLOCK', String(options.BLOCK));
      }
    },
    transformReply(reply: string | Buffer | null): unknown[] | null {
      return reply === null ? null : parse(reply.toString());
    },
  },
} satisfies RedisModules[string];

/** The commands with the types of their replies. T is the type of an element. */
export interface JsonmergeClient {
  jsonmerge: {
    append<T>(key: RedisArgument, array: readonly T[], options: NumberOptions): Promise<number>;
    append<T>(key: RedisArgument, array: readonly T[], options?: ArrayOptions): Promise<T[]>;
    take<T = unknown>(key: RedisArgument, options?: TakeOptions): Promise<T[] | null>;
  };
}

/** A pool has no `duplicate`, and its `connect` may return undefined. */
type Typed<Client> = JsonmergeClient &
  (Client extends { duplicate(options?: infer Options): unknown }
    ? { connect(): Promise<Typed<Client>>; duplicate(options?: Options): Typed<Client> }
    : unknown) &
  Client;

/**
 * Adds the types of JsonmergeClient, because node-redis knows no types that depend on the options. In
 * `multi()`, a reply is `unknown[] | number` or `unknown[] | null`.
 */
export function typed<Client extends { jsonmerge: object }>(client: Client) {
  return client as Typed<Client>;
}
