// Connections with the two commands.

import { Cluster, Redis, type RedisOptions } from 'ioredis';

import { addJsonmerge } from './jsonmerge.js';

/** The protocol: RESP3, which is the client's default, unless REDIS_RESP is 2. */
export const protocol = process.env.REDIS_RESP === '2' ? 2 : 3;

/** A connection to REDIS_URL, or to this machine. */
export function connect(options: RedisOptions = {}) {
  return addJsonmerge(new Redis(process.env.REDIS_URL ?? 'redis://127.0.0.1:6379', { protocol, ...options }));
}

/** A connection to the cluster that the node at this URL belongs to. */
export function connectCluster(url: string, keyPrefix = '') {
  return addJsonmerge(new Cluster([url], { redisOptions: { protocol }, keyPrefix }));
}
