// The two commands, for the `modules` option of createClient, createClientPool and createCluster.

import type { CommandSignature } from '@redis/client/dist/lib/RESP/types.js';
import type { CommandParser, RedisArgument, RedisJSON, RedisModules } from 'redis';

/** What JSON.stringify takes, and JSON.parse gives back. */
export type JSONArray = RedisJSON[];

export interface AppendOptions {
  /** What to answer: the merged array (the default), its number of elements, or its size in bytes. */
  REPLY?: 'JSON' | 'LEN' | 'SIZE';
  /** Looks only at the ends of what is stored. Not with `REPLY: 'LEN'`. */
  TRUST?: boolean;
  /** When the key expires. Without this, its TTL stays as it is. */
  expiration?: { type: 'EX' | 'PX' | 'EXAT' | 'PXAT'; value: number } | { type: 'PERSIST' };
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
  parseCommand(parser: CommandParser, key: RedisArgument) {
    parser.push('JSONMERGE.TAKE');
    parser.pushKey(key);
  },
  /** The array, or null if there is none. */
  transformReply(reply: string | Buffer | null): JSONArray | null {
    return reply === null ? null : JSON.parse(reply.toString());
  },
};

export const jsonmerge = { append, take } satisfies RedisModules[string];

type Commands = typeof jsonmerge;

/**
 * Whatever was made with the commands: a client, a pool, a cluster. The compiler checks this in no
 * time, and needs some 20 seconds to compare the client's own types, which have hundreds of commands.
 */
export interface JsonmergeClient {
  jsonmerge: { [Name in keyof Commands]: CommandSignature<Commands[Name], 3, {}> };
}
