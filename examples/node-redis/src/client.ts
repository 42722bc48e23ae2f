// Connections that know the two commands: createClient takes them once, and every call is typed.

import { createClient, createCluster } from 'redis';

import { jsonmerge } from './jsonmerge.js';

const modules = { jsonmerge };

/** The protocol: RESP3, which is the client's default, unless REDIS_RESP says 2. */
export const RESP = process.env.REDIS_RESP === '2' ? 2 : 3;

/** A connection to REDIS_URL, or to this machine. */
export function connect() {
  const client = createClient({ url: process.env.REDIS_URL, RESP, modules });
  return client.on('error', console.error).connect();
}

/** A connection to a cluster, of which the URL is one node. */
export function connectCluster(url: string) {
  const cluster = createCluster({ rootNodes: [{ url }], RESP, modules });
  return cluster.on('error', console.error).connect();
}
