// `--coordination etcd://HOST:PORT,...`: where the cluster keeps what it agrees on, as `trellis node` is told. The
// `--config` file may hold an object with any option of `etcd()` instead; credentials belong there, for everybody can
// read a command line.

import type { EtcdOptions } from '../coordination/etcd/options.ts'
import type { CoordinationEngine } from '../coordination/store.ts'
import { usageError } from './failure.ts'

const SCHEME = 'etcd://'

/** Throws `ERR_USAGE` for what is no engine, or when the package for it is missing; `ERR_BAD_OPTIONS`. */
export async function engineOf(said: unknown): Promise<CoordinationEngine> {
  const options = optionsOf(said)
  const { etcd } = await import('../coordination/etcd/etcd.ts').catch((error: unknown) => {
    throw usageError((error as Error).message)
  })
  return etcd(options)
}

function optionsOf(said: unknown): EtcdOptions {
  if (typeof said === 'string' && said.startsWith(SCHEME)) return { hosts: said.slice(SCHEME.length) }
  if (typeof said === 'object' && said !== null && !Array.isArray(said)) return said
  throw usageError(`--coordination must be ${SCHEME}HOST:PORT,... or, in the --config file, the options of etcd()`)
}
