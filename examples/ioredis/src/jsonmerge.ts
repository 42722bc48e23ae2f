// The two commands on an ioredis client or cluster, and on the pipelines and transactions that it creates.

import { Command, type Cluster, type Redis, type RedisKey, type Result } from 'ioredis';

/** 'COUNT', 'BLOCK' and the numbers after them, and 'TRUST'. */
type TakeOption = 'COUNT' | 'TRUST' | 'BLOCK' | number;

declare module 'ioredis' {
  interface RedisCommander<Context> {
    /**
     * Appends the elements of an array. The options are those of the command, such as 'EX', 3600, 'REPLY',
     * 'LEN'. The reply is the merged array, or a number if the options ask for one.
     */
    jsonmergeAppend(key: RedisKey, array: unknown[], ...options: (string | number)[]): Result<unknown[] | number, Context>;
    /**
     * Returns the array and deletes the key. With 'COUNT', 100, returns at most the first 100 elements and
     * leaves the rest. The reply is null if the key does not exist. With 'BLOCK', 1000, waits up to 1000
     * milliseconds for it. While it waits, no other command runs on the connection, so use a connection of
     * its own.
     */
    jsonmergeTake(key: RedisKey, ...options: TakeOption[]): Result<unknown[] | null, Context>;
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
    const reply: unknown = super.transformReply(result);
    // In a transaction, the command has two replies. QUEUED is the first.
    return typeof reply === 'string' && reply !== 'QUEUED' ? JSON.parse(reply) : reply;
  }
}

/** A client, a cluster or a pipeline. The pipeline's sendCommand returns the pipeline. */
interface Commander {
  options: { keyPrefix?: string | undefined };
  sendCommand(command: Command): unknown;
}

const commands = {
  jsonmergeAppend(this: Commander, key: RedisKey, array: unknown[], ...options: (string | number)[]) {
    const { keyPrefix } = this.options;
    return this.sendCommand(new KeyedCommand('jsonmerge.append', keyPrefix, key, JSON.stringify(array), ...options));
  },
  jsonmergeTake(this: Commander, key: RedisKey, ...options: TakeOption[]) {
    return this.sendCommand(new KeyedCommand('jsonmerge.take', this.options.keyPrefix, key, ...options));
  },
};

/** Adds the commands to a client. */
export function addJsonmerge<Client extends Redis | Cluster>(client: Client): Client {
  // A pipeline copies the commands in this set from its client.
  Object.keys(commands).forEach((name) => client.addedBuiltinSet.add(name));
  return Object.assign(client, commands) as Client;
}
