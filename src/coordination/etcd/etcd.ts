// `@viable-systems/trellis/etcd`: a team that runs etcd already lets it keep what the cluster agrees on:
// `createNode({ coordination: etcd({ hosts }) })`. Config, locks and their kin, and who hosts S5, are then etcd's;
// `docs/etcd.md` says what is different. Importing this needs the package `etcd3` 1.

import type { CoordinationEngine } from '../store.ts'
import { EtcdEngine } from './engine.ts'
import { checkedOptions, type EtcdOptions } from './options.ts'

export type { CoordinationEngine } from '../store.ts'
export type { EtcdOptions } from './options.ts'

/**
 * etcd 3.4 or later, as the place where a cluster keeps what it agrees on; for the option `coordination` of
 * `createNode`, the same on every member. Throws `ERR_BAD_OPTIONS` with every problem.
 */
export function etcd(options: EtcdOptions = {}): CoordinationEngine {
  const settings = checkedOptions(options)
  return {
    name: 'etcd',
    leaseMs: settings.leaderLeaseMs,
    open: (setup) => EtcdEngine.open(settings, setup),
  }
}
