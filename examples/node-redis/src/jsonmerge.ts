// The two commands, for the `modules` option of createClient, createClientPool and createCluster.

import type { CommandSignature } from '@redis/client/dist/lib/RESP/types.js';
import type { CommandParser, RedisArgument, RedisJSON, RedisModules } from 'redis';

/** What JSON.stringify accepts and JSON.parse returns. */
export type JSONArray = RedisJSON[];

export interface AppendOptions {
  /** What to reply with: the merged array (the default), its number of elements or its size in bytes. */
  REPLY?: 'JSON' | 'LEN' | 'SIZE';
  /** Do not validate the stored value, except for its first and last bytes. Not with `REPLY: 'LEN'`. */
  TRUST?: boolean;
  /** When the key expires. By default, the TTL does not change. */
  expiration?: { type: 'EX' | 'PX' | 'EXAT' | 'PXAT'; value: number } | { type: 'PERSIST' };
}

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

const append = {
  IS_READ_ONLY: false,
  parseCommand(parser: CommandParser, key: RedisArgument, array: JSONArray, options?: AppendOptions) {
    parser.push('JSONMERGE.APPEND');
    parser.pushKey(key);
    parser.push(JSON.stringify(array));
    if (options?.TRUST) {
      parser.push('TRUST');
    }
    if (options?.expiration) {
      parser.push(options.expiration.type);
      if (options.expiration.type !== 'PERSIST') {
        parser.push(options.expiration.value.toString());
      }
    }
    if (options?.REPLY) {
      parser.push('REPLY', options.REPLY);
    }
  },
  /** The array, or a number if the REPLY option asked for one. */
  transformReply(reply: string | Buffer | number): JSONArray | number {
    return typeof reply === 'number' ? reply : JSON.parse(reply.toString());
  },
};

const take = {
  IS_READ_ONLY: false,
  parseCommand(parser: CommandParser, key: RedisArgument, options?: TakeOptions) {
    parser.push('JSONMERGE.TAKE');
    parser.pushKey(key);
    if (options?.COUNT !== undefined) {
      parser.push('COUNT', options.COUNT.toString());
    }
    if (options?.TRUST) {
      parser.push('TRUST');
    }
    // 0 is a timeout, too.
    if (options?.BLOCK !== undefined) {
      parser.push('BLOCK', options.BLOCK.toString());
    }
  },
  /** The array, or null if the key does not exist, also after BLOCK. */
  transformReply(reply: string | Buffer | null): JSONArray | null {
    return reply === null ? null : JSON.parse(reply.toString());
  },
};

export const jsonmerge = { append, take } satisfies RedisModules[string];

type Commands = typeof jsonmerge;

/**
 * A client, pool or cluster that was created with the commands. The compiler checks this at once, but takes
 * 20 seconds to compare the client's own types, which have hundreds of commands.
 */
export interface JsonmergeClient {
  jsonmerge: { [Name in keyof Commands]: CommandSignature<Commands[Name], 3, {}> };
}
