// The options of a node: what each means, its default, and every rule between them. All problems are found at once and
// thrown as one error; the result is complete and frozen. Files and variables are not read here: the command line and
// the data directory hand in what they hold. `docs/options.md` is the table for users; a test compares the two.

import { defaultVoterPolicy } from '../consensus/index.ts'
import type { AdviserOptions, OverlayDefinition } from '../topology/index.ts'
import { swimPresets } from '../topology/index.ts'
import { HANDLER_CONCURRENCY } from './channels/channel-defaults.ts'
import type { CoordinationEngine } from './coordination/store.ts'
import type { Discovery } from './discovery/discovery.ts'
import { dnsDiscovery } from './discovery/dns.ts'
import { isDnsAddress } from './discovery/dns-address.ts'
import { ClusterError } from './errors.ts'
import type { FederationOptions } from './federation/federation-options.ts'
import type { OverlayOptions } from './membership/tuned-overlays.ts'
import { isLoopback, isWildcard } from './network-address.ts'
import { type Logger, type LogLevel, silentLogger } from './observability/logger.ts'
import {
  hostOf,
  overlayOptionsProblems,
  show,
  splitList,
  topologyProblems,
  unknownKeys,
  valueProblems,
} from './option-checks.ts'
import { splitAddress, type TransportName, type TransportProvider } from './transport/provider.ts'

/** What `createNode` takes. Everything has a default; an unknown key is refused. */
export interface NodeOptions {
  /** For people, unique in the cluster: 1 to 63 letters, digits, `.`, `_`, `-`. Default: host name and port. */
  readonly name?: string
  /** Only nodes with the same cluster name link up. Default `trellis`. */
  readonly cluster?: string
  /**
   * `HOST:PORT` to accept links at; port 0 takes a free one. With several transports, or one beside `tcp`, also a
   * multiaddr such as `/ip4/127.0.0.1/tcp/7400`, or several with commas between. Not loopback: a `secret` is required.
   * Default `127.0.0.1:7400`.
   */
  readonly listen?: string
  /**
   * How members connect: `tcp` (TLS 1.3), `libp2p`, what `libp2p()` of `./libp2p` gives, or a list of these, the
   * preferred one first: a node listens on all of them, and two members use the first that both have. At most 4.
   * Default `tcp`.
   */
  readonly transport?: TransportName | TransportProvider | readonly (TransportName | TransportProvider)[]
  /**
   * `HOST:PORT` that others dial. Port 0 stands for the one listened on. Default: what it listens on; required for a
   * wildcard.
   */
  readonly advertise?: string
  /**
   * Where members are found: `HOST:PORT`, `dns://NAME:PORT` (A, AAAA), `dns+srv://NAME`, providers; a list, or text
   * with commas. With it a node joins what it finds and never forms alone. Default none.
   */
  readonly join?: string | Discovery | readonly (string | Discovery)[]
  /**
   * Form a cluster once this many fresh nodes have found each other. 1 to 1,000. Default none: never form with others.
   */
  readonly expect?: number
  /** What members prove to know, at least 16 bytes. A list is a keyring: the first is used, all are accepted. */
  readonly secret?: string | readonly string[]
  /** Directory for key, log and seeds. Default none: in memory, so a restart is a new member. */
  readonly dataDir?: string
  /**
   * `HOST:PORT` of the admin API; port 0 takes a free one. Not loopback: `adminToken` is required. Default `false`: no
   * admin.
   */
  readonly admin?: string | false
  /**
   * Origins of web pages that may be clients of this node, such as `https://shop.example`; at most 64. Pages that the
   * node itself serves always may. Default none.
   */
  readonly clientOrigins?: readonly string[]
  /** `HOST:PORT` to answer DNS at, for the cluster's own names; port 0 takes a free one. Default none. */
  readonly dns?: string
  /** Makes this member a gateway to other clusters; see {@link FederationOptions}. Default none. */
  readonly federation?: FederationOptions
  /** The token of the admin API, or one per role; at least 16 bytes each. A single string has the role `admin`. */
  readonly adminToken?: string | AdminTokens
  /**
   * The overlay a new cluster starts with: a built-in one, or one of `overlays`. One that exists keeps what it has
   * agreed on. Default `full-mesh`.
   */
  readonly topology?: TopologyName | (string & {})
  /**
   * The leader switches to what the adviser recommends once that is due: `true`, or the adviser's parameters (`margin`,
   * `stableMs`, `coolDownMs`). It counts on whoever leads, so give the same to all. Default `false`.
   */
  readonly topologyAuto?: boolean | Partial<AdviserOptions>
  /**
   * Overlays of one's own beside the built-in ones, the same on every member; see `testOverlay` of `./testing`. At most
   * 16. Default none.
   */
  readonly overlays?: readonly OverlayDefinition<never>[]
  /**
   * Parameters of overlays, by the name of each: `{ hyparview: { activeSize: 6 } }`, the same on every member. See
   * `docs/options.md` for names, ranges and defaults; each overlay checks its own. Default none.
   */
  readonly overlayOptions?: OverlayOptions
  /** What this member is for, at most 16 words. Default none. */
  readonly roles?: readonly string[]
  /** Where this member stands, such as a data center. Default none. */
  readonly zone?: string
  /** Preset of all timing: one machine, one data center, or the world. Default `lan`. */
  readonly profile?: Profile
  /**
   * Milliseconds for which a member that is only stalled (its event loop stands still, its process lives) keeps its
   * place. 0 to 3,600,000; 0: nobody is told from dead, and this node runs no liveness worker. Default 30,000.
   */
  readonly keepStalledMs?: number
  /**
   * Handlers of one channel that run at once, one of each key; what waits for one slows its senders. 1 to 4,096.
   * Default 64. Few: a handler that waits for a message of the same channel waits for ever when it has taken the last
   * place. Many: all that they use at once.
   */
  readonly handlerConcurrency?: number
  /**
   * How many members vote when there are enough of them: 1, 3, 5 or 7, the same on all. Default 5. More survive more
   * failures, and cost more messages.
   */
  readonly voters?: number
  /**
   * Milliseconds after which a voter that is down is replaced by another member. 1,000 to 86,400,000. Default 30,000.
   */
  readonly replaceVoterAfterMs?: number
  /**
   * Entries of the log after which it is replaced by a snapshot. 100 to 10,000,000. Default 10,000. Few: written again
   * and again; many: a long start.
   */
  readonly snapshotEntries?: number
  /**
   * What keeps all that the cluster agrees on, and says who hosts S5: an engine, such as `etcd()` of `./etcd`; the same
   * on every member, from the cluster's first day. Default: the members' own log.
   */
  readonly coordination?: CoordinationEngine
  /** Lets users of the admin API, and of `node.faults`, cut links and stall the process: for tests. Default false. */
  readonly allowFaults?: boolean
  /** A logger, or the level of the built-in one. Default `silent`. */
  readonly logger?: Logger | LogLevel
  /** Ends the start early: `createNode` rejects with `ERR_ABORTED` and leaves nothing behind. */
  readonly signal?: AbortSignal
  /** Milliseconds until `createNode` gives up finding its cluster; `Infinity` waits for ever. Default 60,000. */
  readonly timeoutMs?: number
}

/** One token per role; each role may all that those before it may: `read`, `operate`, `admin`. */
export interface AdminTokens {
  readonly read?: string
  readonly operate?: string
  readonly admin?: string
}

/** The built-in overlays. */
export type TopologyName = 'full-mesh' | 'hyparview' | 'client-server'
/** All timing at once: `local` for one machine, `lan` for one data center, `wan` for members far apart. */
export type Profile = 'local' | 'lan' | 'wan'

/** What the data directory holds (written by `trellis up`), used where the options are silent. */
export interface StoredOptions {
  readonly secret?: string | readonly string[]
  readonly join?: readonly string[]
  readonly expect?: number
}

/** Complete and frozen. */
export interface ResolvedOptions {
  /** Undefined: {@link defaultName} once the port is known. */
  readonly name: string | undefined
  readonly cluster: string
  readonly listen: string
  /** The preferred one first. */
  readonly transports: readonly (TransportName | TransportProvider)[]
  /** Undefined: the address that was bound. */
  readonly advertise: string | undefined
  /** Addresses only. */
  readonly join: readonly string[]
  /** Whatever else `join` names: they are asked for addresses as long as the node runs. */
  readonly providers: readonly Discovery[]
  readonly expect: number | undefined
  /** The first is used, all are accepted. */
  readonly secrets: readonly string[]
  /** The secret is the one that everybody knows. */
  readonly developmentSecret: boolean
  readonly dataDir: string | undefined
  readonly admin: string | undefined
  readonly clientOrigins: readonly string[]
  readonly dns: string | undefined
  readonly federation: FederationOptions | undefined
  readonly adminTokens: AdminTokens | undefined
  readonly topology: string
  /** Parameters of the adviser that switches by itself; undefined: nobody does. */
  readonly topologyAuto: Partial<AdviserOptions> | undefined
  readonly overlays: readonly OverlayDefinition<unknown>[]
  readonly overlayOptions: OverlayOptions
  readonly roles: readonly string[]
  readonly zone: string
  readonly profile: Profile
  readonly keepStalledMs: number
  readonly handlerConcurrency: number
  readonly voters: number
  readonly replaceVoterAfterMs: number
  readonly snapshotEntries: number
  /** Undefined: the members' own log. */
  readonly coordination: CoordinationEngine | undefined
  readonly allowFaults: boolean
  readonly logger: Logger
  readonly signal: AbortSignal | undefined
  readonly timeoutMs: number
  /** What is to be said once at start: allowed, and good to know. */
  readonly warnings: readonly string[]
}

const defaultTimeoutMs = 60_000
/** A few megabytes of log for commands of some hundred bytes. A guess. */
const defaultSnapshotEntries = 10_000
const defaultListen = '127.0.0.1:7400'

/** On loopback only, and with a warning: it keeps clusters apart by accident, and nobody out. */
const developmentSecret = 'trellis development secret: not secret at all'

const inMemoryMeans =
  'what a majority of such nodes agreed is gone when they stop, and a restart of one is a new member'

/**
 * Checks `raw`, fills in the defaults and freezes. Throws `ERR_BAD_OPTIONS` with every problem; `ERR_SECRET_REQUIRED`
 * or `ERR_ADMIN_TOKEN_REQUIRED` when that is the only one. `loggerOf`: the built-in logger of a level, for whoever will
 * log. Default: one that says nothing.
 */
export function resolveOptions(
  raw: NodeOptions,
  stored: StoredOptions = {},
  loggerOf: (level: LogLevel) => Logger = () => silentLogger,
): ResolvedOptions {
  const problems = [...unknownKeys(raw), ...valueProblems(raw), ...storedProblems(stored), ...ruleProblems(raw)]
  const missing = missingSecrets(raw, stored)
  if (problems.length === 0 && missing.length === 1) throw missing[0]
  problems.push(...missing.map((error) => error.message))
  if (problems.length > 0) throw new ClusterError('ERR_BAD_OPTIONS', problems.join('; '), { problems })
  const secret = raw.secret ?? stored.secret
  const join = raw.join === undefined ? (stored.join ?? []) : splitList(raw.join)
  const isAddress = (entry: string | Discovery): entry is string => typeof entry === 'string' && !isDnsAddress(entry)
  return Object.freeze({
    name: raw.name,
    cluster: raw.cluster ?? 'trellis',
    listen: raw.listen ?? defaultListen,
    transports: Object.freeze([raw.transport ?? 'tcp'].flat() as (TransportName | TransportProvider)[]),
    advertise: raw.advertise,
    join: Object.freeze(join.filter(isAddress)),
    providers: Object.freeze(
      join
        .filter((entry) => !isAddress(entry))
        .map((entry) => (typeof entry === 'string' ? dnsDiscovery(entry) : entry)),
    ),
    expect: raw.expect ?? stored.expect,
    secrets: Object.freeze(secret === undefined ? [developmentSecret] : [secret].flat()),
    developmentSecret: secret === undefined,
    dataDir: raw.dataDir,
    admin: raw.admin === false ? undefined : raw.admin,
    clientOrigins: Object.freeze([...(raw.clientOrigins ?? [])]),
    dns: raw.dns,
    federation: raw.federation,
    adminTokens: tokens(raw.adminToken),
    topology: raw.topology ?? 'full-mesh',
    topologyAuto: autoOptions(raw.topologyAuto),
    overlays: Object.freeze([...(raw.overlays ?? [])] as unknown as OverlayDefinition<unknown>[]),
    overlayOptions: Object.freeze({ ...raw.overlayOptions }),
    roles: Object.freeze([...(raw.roles ?? [])]),
    zone: raw.zone ?? '',
    profile: raw.profile ?? 'lan',
    keepStalledMs: raw.keepStalledMs ?? swimPresets[raw.profile ?? 'lan'].keepStalledMs,
    handlerConcurrency: raw.handlerConcurrency ?? HANDLER_CONCURRENCY,
    voters: raw.voters ?? defaultVoterPolicy.target,
    replaceVoterAfterMs: raw.replaceVoterAfterMs ?? defaultVoterPolicy.replaceAfterMs,
    snapshotEntries: raw.snapshotEntries ?? defaultSnapshotEntries,
    coordination: raw.coordination,
    allowFaults: raw.allowFaults ?? false,
    logger: typeof raw.logger === 'object' ? raw.logger : raw.logger ? loggerOf(raw.logger) : silentLogger,
    signal: raw.signal,
    timeoutMs: raw.timeoutMs ?? defaultTimeoutMs,
    warnings: Object.freeze(warnings(raw, secret === undefined)),
  })
}

function autoOptions(auto: NodeOptions['topologyAuto']): Partial<AdviserOptions> | undefined {
  return auto === undefined || auto === false ? undefined : Object.freeze(auto === true ? {} : { ...auto })
}

function tokens(token: NodeOptions['adminToken']): AdminTokens | undefined {
  if (token === undefined) return undefined
  return Object.freeze(typeof token === 'string' ? { admin: token } : { ...token })
}

/** The name of a node that was given none: host name and port. */
export function defaultName(hostName: string, port: number): string {
  const label = hostName.split('.', 1)[0]!.slice(0, 50)
  const host = label.replace(/[^a-z0-9_-]/gi, '-').replace(/^[^a-z0-9]*/i, '')
  return `${host || 'node'}-${port}`
}

/** The data directory's files are checked like options: people edit them too. */
function storedProblems(stored: StoredOptions): string[] {
  return valueProblems(stored).map((problem) => `in the data directory: ${problem}`)
}

/** Rules between options that are each right on their own. */
function ruleProblems(raw: NodeOptions): string[] {
  const { advertise, admin } = raw
  const found: string[] = []
  found.push(...topologyProblems(raw.topology, raw.overlays))
  found.push(...overlayOptionsProblems(raw.overlayOptions, raw.overlays))
  for (const listen of listened(raw))
    if (isWildcard(hostOf(listen) ?? '') && advertise === undefined)
      found.push(`listen (${show(listen)}) cannot be dialed by others: advertise must say what can`)
  if (admin && admin === (raw.listen ?? defaultListen) && !admin.endsWith(':0'))
    found.push(`admin (${show(admin)}) must not be the address of listen`)
  return found
}

/** Every address that the node will listen at, by what the options say. */
function listened({ listen = defaultListen, transport = 'tcp' }: NodeOptions): string[] {
  if (typeof listen !== 'string') return []
  const own = [transport].flat().map((one) => Reflect.get(Object(one), 'listen'))
  return own.flatMap((addresses) => (Array.isArray(addresses) ? addresses.map(String) : splitAddress(listen)))
}

/** Whoever knows the relay can come, from wherever it is. */
function isRelayed(address: string): boolean {
  return address.includes('/p2p-circuit')
}

/** What leaves this machine needs a secret. An address that is none is a problem of its own, reported elsewhere. */
function missingSecrets(raw: NodeOptions, stored: StoredOptions): ClusterError[] {
  const { admin } = raw
  const found: ClusterError[] = []
  const hasSecret = raw.secret !== undefined || stored.secret !== undefined
  const listen = listened(raw).find((address) => isRelayed(address) || !isLoopback(hostOf(address) ?? 'localhost'))
  if (!hasSecret && listen !== undefined) {
    const message = `listen (${show(listen)}) is not loopback: a secret is required`
    found.push(new ClusterError('ERR_SECRET_REQUIRED', message, { listen }))
  }
  if (admin && raw.adminToken === undefined && !isLoopback(hostOf(admin) ?? 'localhost')) {
    const message = `admin (${show(admin)}) is not loopback: an adminToken is required`
    found.push(new ClusterError('ERR_ADMIN_TOKEN_REQUIRED', message, { admin }))
  }
  return found
}

function warnings(raw: NodeOptions, usesDevelopmentSecret: boolean): string[] {
  const found: string[] = []
  if (usesDevelopmentSecret) found.push('no secret given: using the development secret, which everybody knows')
  if (raw.dataDir === undefined) found.push(`no data directory: ${inMemoryMeans}`)
  return found
}
