// Connections that know the two commands.

import { Cluster, Redis } from 'ioredis';

import { addJsonmerge } from './jsonmerge.js';

/** The protocol: RESP3, which is the client's default, unless REDIS_RESP says 2. */
export const protocol = process.env.REDIS_RESP === '2' ? 2 : 3;

/** A connection to REDIS_URL, or to this machine. */
export function connect(keyPrefix = '') {
  return addJsonmerge(new Redis(process.env.REDIS_URL ?? 'redis://127.0.0.1:6379', { protocol, keyPrefix }));
}

/** A connection to a cluster, of which the URL is one node. */
export function connectCluster(url: string, keyPrefix = '') {
  return addJsonmerge(new Cluster([url], { redisOptions: { protocol }, keyPrefix }));
}
