// The options of `etcd()`, checked all at once.

import { ClusterError } from '../../errors.ts'

/** Options of {@link etcd}. The same on every member, but for the credentials. */
export interface EtcdOptions {
  /**
   * Client addresses of etcd's members, `HOST:PORT`. One is used at a time, the next one when it does not answer.
   * Default `127.0.0.1:2379`.
   */
  readonly hosts?: string | readonly string[]
  /** What all keys of this cluster begin with, of 1 to 128 characters. Default `trellis/CLUSTER/`. */
  readonly prefix?: string
  /** Of etcd's own users. Default none. Never logged. */
  readonly username?: string
  readonly password?: string
  /** PEM texts. `ca` or `tls: true` asks for TLS; `cert` and `key`: of this client. Default: no TLS. */
  readonly tls?: boolean
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
  /**
   * Milliseconds for which the leader of a cluster that died keeps its place, rounded up to whole seconds; etcd itself
   * allows no less than about two. 1,000 to 60,000. Default 3,000. Short: a pause of that length costs the place; long:
   * so long nobody leads after a crash.
   */
  readonly leaderLeaseMs?: number
}

export interface EtcdSettings extends EtcdOptions {
  readonly hosts: readonly string[]
  readonly leaderLeaseMs: number
}

export const DEFAULT_LEADER_LEASE_MS = 3_000
const MAX_HOSTS = 16
const knownKeys = ['hosts', 'prefix', 'username', 'password', 'tls', 'ca', 'cert', 'key', 'leaderLeaseMs']

/** Throws `ERR_BAD_OPTIONS` with every problem. */
export function checkedOptions(options: EtcdOptions): EtcdSettings {
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    throw refusal(['etcd: the options must be an object'])
  const { hosts: given = '127.0.0.1:2379', leaderLeaseMs = DEFAULT_LEADER_LEASE_MS } = options
  if (typeof given !== 'string' && !Array.isArray(given))
    throw refusal(['etcd.hosts must be a text or a list of texts'])
  const hosts = typeof given === 'string' ? given.split(',').map((host) => host.trim()) : [...given]
  const problems = problemsOf({ ...options, hosts, leaderLeaseMs })
  if (problems.length > 0) throw refusal(problems)
  return Object.freeze({ ...options, hosts, leaderLeaseMs })
}

function refusal(problems: readonly string[]): ClusterError {
  return new ClusterError('ERR_BAD_OPTIONS', problems.join('; '), { problems })
}

function problemsOf(settings: EtcdSettings): string[] {
  const { hosts, prefix, username, password, tls, leaderLeaseMs } = settings
  const found = Object.keys(settings)
    .filter((name) => !knownKeys.includes(name))
    .map((name) => `etcd has no option '${name}'`)
  if (hosts.length < 1 || hosts.length > MAX_HOSTS) found.push(`etcd.hosts must have 1 to ${MAX_HOSTS} addresses`)
  for (const host of hosts)
    if (!/^[^\s/@]+:\d{1,5}$/.test(host)) found.push(`etcd.hosts has '${host}', which is not HOST:PORT`)
  if (prefix !== undefined && (typeof prefix !== 'string' || prefix.length < 1 || prefix.length > 128))
    found.push('etcd.prefix must be a text of 1 to 128 characters')
  if ((username === undefined) !== (password === undefined)) found.push('etcd.username and etcd.password go together')
  if (tls !== undefined && typeof tls !== 'boolean') found.push('etcd.tls must be true or false')
  if ((settings.cert === undefined) !== (settings.key === undefined)) found.push('etcd.cert and etcd.key go together')
  for (const name of ['username', 'password', 'ca', 'cert', 'key'] as const)
    if (settings[name] !== undefined && typeof settings[name] !== 'string') found.push(`etcd.${name} must be a text`)
  if (!(Number.isInteger(leaderLeaseMs) && leaderLeaseMs >= 1_000 && leaderLeaseMs <= 60_000))
    found.push(`etcd.leaderLeaseMs (${String(leaderLeaseMs)}) must be a whole number from 1000 to 60000`)
  return found
}
