// The two commands on a client of ioredis, or on a cluster, and on every pipeline and transaction that
// it makes.

import { Command, type Cluster, type Redis, type RedisKey, type Result } from 'ioredis';

declare module 'ioredis' {
  interface RedisCommander<Context> {
    /**
     * Appends the elements of an array. The options are those of the command: 'EX', 3600, 'REPLY', 'LEN'.
     * The reply is the merged array, or a number if the options asked for one.
     */
    jsonmergeAppend(key: RedisKey, array: unknown[], ...options: (string | number)[]): Result<unknown[] | number, Context>;
    /** Takes the array, which deletes the key. Null if there is none. */
    jsonmergeTake(key: RedisKey): Result<unknown[] | null, Context>;
  }
}

/**
 * A command whose first argument is its key. ioredis would look that up in its own list of commands, and
 * send one that it does not know to any node of a cluster, without the keyPrefix.
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
    // In a transaction, this is the first reply of two.
    return typeof reply === 'string' && reply !== 'QUEUED' ? JSON.parse(reply) : reply;
  }
}

/** A client, a cluster, or a pipeline, which returns itself. */
interface Commander {
  options: { keyPrefix?: string | undefined };
  sendCommand(command: Command): unknown;
}

const commands = {
  jsonmergeAppend(this: Commander, key: RedisKey, array: unknown[], ...options: (string | number)[]) {
    const { keyPrefix } = this.options;
    return this.sendCommand(new KeyedCommand('jsonmerge.append', keyPrefix, key, JSON.stringify(array), ...options));
  },
  jsonmergeTake(this: Commander, key: RedisKey) {
    return this.sendCommand(new KeyedCommand('jsonmerge.take', this.options.keyPrefix, key));
  },
};

/** Adds the commands to a client. */
export function addJsonmerge<Client extends Redis | Cluster>(client: Client): Client {
  // Pipelines get what is in this set from their client.
  Object.keys(commands).forEach((name) => client.addedBuiltinSet.add(name));
  return Object.assign(client, commands) as Client;
}
