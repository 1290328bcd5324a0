// The settings of `trellis node`, from five places: flag, else variable, else `--config` file, else what `trellis up`
// left in the data directory, else default. One table says what each is called in all of them; `docs/options.md` shows
// it, and a test compares.
//
// Variables are read by name and others are left alone: an orchestrator may put `TRELLIS_SERVICE_HOST` and the like
// into the environment of every process.

import { existsSync } from 'node:fs'
import type { Command } from 'commander'
import { closestWord } from '../closest-word.ts'
import { ClusterError } from '../errors.ts'
import type { LogLevel } from '../observability/logger.ts'
import type { NodeOptions } from '../options.ts'
import { upFiles } from '../storage/up-files.ts'
import type { CommandContext } from './context.ts'
import { usageError } from './failure.ts'
import { readLines, readSmallFile } from './files.ts'

/** What `trellis node` was told, before `resolveOptions` checks it. */
export interface NodeSettings {
  readonly options: NodeOptions
  readonly logLevel: LogLevel
}

export interface Setting {
  /** Key in the file, and of commander's result. */
  readonly key: string
  readonly flag: string
  readonly variable: string
  readonly help: string
  /** From text to the option's type; files hold that type already. */
  readonly parse?: (text: string) => unknown
}

const defaultAdmin = '127.0.0.1:7500'

const list = (text: string): string[] => text.split(',').flatMap((part) => part.trim() || [])
/** What is no number stays text, so that the check can show it. */
const number = (text: string): unknown => (/^\d+$/.test(text) ? Number(text) : text)

/** Of a variable; what says neither stays text, so that the check can show it. */
const truth = (text: string): unknown => ({ 1: true, true: true, 0: false, false: false })[text] ?? text

export const nodeSettings: readonly Setting[] = [
  setting('name', '<NAME>', 'unique in the cluster (default: host name and port)'),
  setting('cluster', '<NAME>', 'only nodes of the same cluster link up (default: trellis)'),
  setting('listen', '<HOST:PORT>', 'where members connect (default: 127.0.0.1:7400)'),
  setting('transport', '<NAME,...>', 'how members connect: tcp, libp2p, or both (default: tcp)', list),
  setting('advertise', '<HOST:PORT>', 'what members dial (default: what it listens on)'),
  setting('join', '<HOST:PORT,...>', 'members to begin with; also dns://NAME:PORT, dns+srv://NAME', list),
  setting('expect', '<N>', 'form a cluster once N fresh nodes have found each other', number),
  setting('secretFile', '<FILE>', 'secret of the cluster; further lines are accepted too'),
  setting('dataDir', '<DIR>', 'keeps key and log (default: in memory)'),
  setting('admin', '<HOST:PORT>', 'admin API (default: 127.0.0.1:7500; "off": none)'),
  setting('clientOrigins', '<ORIGIN,...>', 'web pages that may be clients', list),
  setting('dns', '<HOST:PORT>', 'answer DNS for the names of services and members'),
  setting('federationFile', '<FILE>', 'make it a gateway to other clusters: JSON, see docs/options.md'),
  setting('adminTokenFile', '<FILE>', 'token of the admin API'),
  setting('topology', '<NAME>', 'overlay of a new cluster (default: full-mesh)'),
  { ...setting('topologyAuto', '', 'let the leader switch as the adviser says', truth), flag: '--topology-auto' },
  { ...setting('role', '<ROLE,...>', 'what this member is for', list), key: 'roles' },
  setting('zone', '<ZONE>', 'where it stands'),
  setting('profile', '<local|lan|wan>', 'timing (default: lan)'),
  setting('keepStalledMs', '<MS>', 'how long a stalled member keeps its place (default: 30000)', number),
  setting('voters', '<N>', 'how many members vote: 1, 3, 5 or 7 (default: 5)', number),
  setting('replaceVoterAfterMs', '<MS>', 'after which a voter that is down is replaced (default: 30000)', number),
  setting('snapshotEntries', '<N>', 'entries of the log that a snapshot replaces (default: 10000)', number),
  setting('coordination', '<etcd://HOST:PORT,...>', "keeps what is agreed on (default: the members' own log)"),
  { ...setting('allowFaults', '', 'let the admin API cut links and stall this node', truth), flag: '--allow-faults' },
  { ...setting('logLevel', '<LEVEL>', 'silent, error, warn, info or debug (default: info)'), variable: 'TRELLIS_LOG' },
]

/** Keys of a `--config` file that have no flag of their own: a secret on a command line could be read by everybody. */
const fileOnlyKeys = ['secret', 'adminToken', 'federation']

export function addNodeFlags(command: Command): Command {
  for (const { flag, help } of nodeSettings) command.option(flag, help)
  return command.option('--config <FILE>', 'JSON with any of these, by the names of the API')
}

/** Where a setting may come from, the first one first. */
interface Places {
  /** As commander read them. */
  readonly flags: Readonly<Record<string, unknown>>
  readonly env: CommandContext['env']
  readonly file: ConfigFile
}

/**
 * Throws `ERR_USAGE` for files that cannot be read, `ERR_BAD_OPTIONS` for what {@link gatherNodeSettings} found to be
 * wrong.
 */
export function readNodeSettings(flags: Places['flags'], context: Pick<CommandContext, 'env'>): NodeSettings {
  const { problems, ...settings } = gatherNodeSettings(flags, context)
  if (problems.length > 0) throw new ClusterError('ERR_BAD_OPTIONS', problems.join('; '), { problems })
  return settings
}

/**
 * Throws `ERR_USAGE` for files that cannot be read. `problems`: keys of them that nobody knows, and lists that hold
 * nothing: whoever says `--join` does not mean to found a cluster. Values are checked by the node.
 */
export function gatherNodeSettings(
  flags: Places['flags'],
  { env }: Pick<CommandContext, 'env'>,
): NodeSettings & { readonly problems: readonly string[] } {
  const problems: string[] = []
  const file = readConfigFile((flags.config as string | undefined) ?? (env.TRELLIS_CONFIG || undefined), problems)
  const places: Places = { flags, env, file }
  const found: Record<string, unknown> = {}
  for (const setting of nodeSettings) {
    const said = given(setting, places)
    if (Array.isArray(said) && said.length === 0) problems.push(`${placeOf(setting, places)} names nothing`)
    const value = said ?? file[setting.key]
    if (value !== undefined) found[setting.key] = value
  }
  Object.assign(found, { ...keptSettings(found.dataDir, problems), ...found })
  const {
    secretFile: _secret,
    adminTokenFile: _token,
    federationFile,
    logLevel = 'info',
    admin = defaultAdmin,
    ...options
  } = found
  const secret = hidden('secret', places)
  const adminToken = hidden('adminToken', places)
  const raw: Record<string, unknown> = { ...options, admin: admin === 'off' ? false : admin }
  if (secret !== undefined) raw.secret = secret
  const federation = typeof federationFile === 'string' ? readFederation(federationFile) : file.federation
  if (federation !== undefined) raw.federation = federation
  if (adminToken !== undefined) raw.adminToken = Array.isArray(adminToken) ? adminToken[0] : adminToken
  return { logLevel: logLevel as LogLevel, options: raw, problems }
}

/** What an earlier `trellis up` left in the data directory, for whatever nothing else says. */
function keptSettings(dataDir: unknown, problems: string[]): ConfigFile {
  if (typeof dataDir !== 'string') return {}
  const { settings } = upFiles(dataDir)
  return existsSync(settings) ? readConfigFile(settings, problems) : {}
}

function given({ flag, variable, parse }: Setting, { flags, env }: Places): unknown {
  const text = flags[camelCase(flag)] ?? (env[variable] || undefined)
  return typeof text === 'string' && parse ? parse(text) : text
}

function placeOf({ flag, variable }: Setting, { flags, env }: Places): string {
  const text = flags[camelCase(flag)]
  return text === undefined ? `${variable} ('${env[variable]}')` : `${flag.split(' ', 1)[0]} ('${text}')`
}

/** All lines of the first place that names a file or holds the value itself; undefined when none does. */
function hidden(key: 'secret' | 'adminToken', { flags, env, file }: Places): unknown {
  const fileKey = `${key}File`
  const words = key === 'secret' ? 'secret' : 'admin-token'
  const variable = `TRELLIS_${words.replace('-', '_').toUpperCase()}`
  const fromFile = (path: unknown, what: string): string[] | undefined =>
    typeof path === 'string' && path !== '' ? readLines(path, what) : undefined
  return (
    fromFile(flags[fileKey], `--${words}-file`) ??
    (env[variable] || undefined) ??
    fromFile(env[`${variable}_FILE`], `${variable}_FILE`) ??
    fromFile(file[fileKey], fileKey) ??
    file[key]
  )
}

/** What makes a node a gateway, from a file of its own; `secretFile` in it may stand for `secret`. */
function readFederation(path: string): unknown {
  const text = readSmallFile(path, '--federation-file')
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw usageError(`--federation-file ('${path}') is not JSON: ${(error as Error).message}`)
  }
  if (typeof value !== 'object' || value === null || !('secretFile' in value)) return value
  const { secretFile, ...rest } = value
  return { ...rest, secret: readLines(String(secretFile), 'secretFile of --federation-file') }
}

type ConfigFile = Readonly<Record<string, unknown>>

/** Adds to `problems` the keys that nobody knows. */
function readConfigFile(path: string | undefined, problems: string[]): ConfigFile {
  if (path === undefined) return {}
  let value: unknown
  try {
    value = JSON.parse(readSmallFile(path, '--config'))
  } catch (error) {
    if (error instanceof ClusterError) throw error
    throw usageError(`--config ('${path}') is not JSON: ${(error as Error).message}`)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw usageError(`--config ('${path}') must hold a JSON object`)
  const known = [...nodeSettings.map(({ key }) => key), ...fileOnlyKeys]
  for (const key of Object.keys(value)) {
    if (known.includes(key)) continue
    const meant = closestWord(key, known)
    problems.push(`unknown option '${key}' in '${path}'${meant ? `, did you mean '${meant}'?` : ''}`)
  }
  return value as ConfigFile
}

function setting(key: string, placeholder: string, help: string, parse?: (text: string) => unknown): Setting {
  const words = key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
  const variable = `TRELLIS_${words.replaceAll('-', '_').toUpperCase()}`
  return { key, flag: `--${words} ${placeholder}`, variable, help, ...(parse ? { parse } : {}) }
}

/** `--data-dir <DIR>` as commander calls its value: `dataDir`. */
function camelCase(flag: string): string {
  const name = flag.slice(2).split(' ', 1)[0]!
  return name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())
}
