// Connections with the two commands.

import { Cluster, Redis } from 'ioredis';

import './jsonmerge.js';

/** The protocol: RESP3, which is the client's default, unless REDIS_RESP is 2. */
export const protocol = process.env.REDIS_RESP === '2' ? 2 : 3;

/** A connection to REDIS_URL, or to this machine. */
export function connect(options: { keyPrefix?: string; socketTimeout?: number } = {}) {
  return new Redis(process.env.REDIS_URL ?? 'redis://127.0.0.1:6379', { protocol, ...options });
}

/** A connection to the cluster that the node at this URL belongs to. */
export function connectCluster(url: string) {
  return new Cluster([url], { redisOptions: { protocol } });
}
