// Connections with the two commands.

import { createClient, createCluster } from 'redis';

import { jsonmerge, typed } from './jsonmerge.js';

const modules = { jsonmerge };

/** The protocol: RESP3, which is the client's default, unless REDIS_RESP is 2. */
export const RESP = process.env.REDIS_RESP === '2' ? 2 : 3;

/**
 * A connection to REDIS_URL, or to this machine. It fails if it receives nothing for `socketTimeout`
 * milliseconds; by default there is no limit.
 */
export function connect(socket: { socketTimeout?: number } = {}) {
  const client = typed(createClient({ url: process.env.REDIS_URL ?? 'redis://127.0.0.1:6379', RESP, modules, socket }));
  return client.on('error', console.error).connect();
}

/** A connection to the cluster that the node at this URL belongs to. */
export function connectCluster(url: string) {
  const cluster = typed(createCluster({ rootNodes: [{ url }], RESP, modules }));
  return cluster.on('error', console.error).connect();
}
