// What one option's value may be, and what to say of one that is not. Values come from people, files and variables, so
// nothing of their type is trusted. Rules between options are in `options.ts`.

import { adviserProblems, type OverlayDefinition } from '../topology/index.ts'
import { closestWord } from './closest-word.ts'
import type { Discovery } from './discovery/discovery.ts'
import { isDnsAddress, parseDnsAddress } from './discovery/dns-address.ts'
import { federationProblem } from './federation/federation-options.ts'
import { builtInOverlays } from './membership/built-in-overlays.ts'
import { isWildcard, parseAddress, streamAddress } from './network-address.ts'
import { type LogLevel, logLevels } from './observability/logger.ts'
import type { NodeOptions } from './options.ts'
import { splitAddress, transportNames } from './transport/provider.ts'
import { MAX_SECRETS } from './wire/secrets.ts'

/** 128 bits: less can be guessed offline (design rule 17). */
const minSecretBytes = 16
const maxExpect = 1_000
const maxKeepStalledMs = 3_600_000
const maxJoin = 1_000
const maxRoles = 16
const maxOverlays = 16
const maxTransports = 4
const maxOrigins = 64
/** Longest value shown in a message. */
const maxShown = 80

/** A problem of one value, to be put after its name; undefined when there is none. */
type Check = (value: unknown) => string | undefined

const checks: { readonly [Key in keyof Required<NodeOptions>]: Check } = {
  name: (value) => word(value) ?? reservedName(String(value)),
  cluster: word,
  listen: addresses,
  transport: (value) => transportProblem(value),
  advertise: (value) =>
    addresses(value) ?? (isWildcard(hostOf(value) ?? '') ? 'cannot be dialed by others' : undefined),
  join: (value) => joinProblem(value),
  expect: (value) =>
    Number.isInteger(value) && (value as number) >= 1 && (value as number) <= maxExpect
      ? undefined
      : `must be a whole number from 1 to ${maxExpect}`,
  secret: (value) => {
    const keyring = Array.isArray(value) ? value : [value]
    if (keyring.length === 0) return 'is an empty keyring'
    if (keyring.length > MAX_SECRETS) return `must hold at most ${MAX_SECRETS} secrets`
    return keyring.map(secretProblem).find((problem) => problem !== undefined)
  },
  dataDir: (value) => (typeof value === 'string' && value !== '' ? undefined : 'must be a path'),
  admin: (value) => (value === false ? undefined : address(value)),
  clientOrigins: (value) => originsProblem(value),
  dns: address,
  federation: federationProblem,
  adminToken: (value) => tokenProblem(value),
  topology: word,
  topologyAuto: (value) => autoProblem(value),
  overlays: (value) => overlaysProblem(value),
  overlayOptions: (value) => (isObject(value) ? undefined : 'must be an object with the name of each overlay'),
  roles: (value) => {
    if (!Array.isArray(value)) return 'must be a list of words'
    return value.length > maxRoles
      ? `must have at most ${maxRoles} roles`
      : value.map(word).find((problem) => problem !== undefined)
  },
  zone: (value) => (value === '' ? undefined : word(value)),
  profile: oneOf(['local', 'lan', 'wan']),
  keepStalledMs: (value) => wholeNumber(value, 0, maxKeepStalledMs),
  handlerConcurrency: (value) => wholeNumber(value, 1, 4_096),
  voters: (value) => ([1, 3, 5, 7].includes(value as number) ? undefined : 'must be 1, 3, 5 or 7'),
  replaceVoterAfterMs: (value) => wholeNumber(value, 1_000, 86_400_000),
  snapshotEntries: (value) => wholeNumber(value, 100, 10_000_000),
  coordination: (value) => (isEngine(value) ? undefined : 'must be an engine, such as etcd() makes'),
  allowFaults: (value) => (typeof value === 'boolean' ? undefined : 'must be true or false'),
  logger: (value) => (isLogger(value) ? undefined : `must be a logger or ${list(logLevels)}`),
  signal: (value) => (value instanceof AbortSignal ? undefined : 'must be an AbortSignal'),
  timeoutMs: (value) =>
    typeof value === 'number' && value > 0 ? undefined : 'must be a number of milliseconds above 0',
}

/** Every option that `createNode` knows. */
export const optionNames: readonly string[] = Object.freeze(Object.keys(checks))

/** Values that are never shown, not even when they are wrong. */
const hiddenValues: ReadonlySet<string> = new Set(['secret', 'adminToken', 'coordination', 'federation'])

/** One text per key that is no option, with the option that was probably meant. */
export function unknownKeys(raw: object): string[] {
  return Object.keys(raw)
    .filter((key) => !Object.hasOwn(checks, key))
    .map((key) => {
      const meant = closestWord(key, optionNames)
      return `unknown option '${key}'${meant ? `, did you mean '${meant}'?` : ''}`
    })
}

/** One text per value that cannot be, the value shown unless it is a secret. */
export function valueProblems(raw: NodeOptions): string[] {
  const found: string[] = []
  for (const [key, check] of Object.entries(checks)) {
    const value: unknown = raw[key as keyof NodeOptions]
    if (value === undefined) continue
    const problem = check(value)
    if (problem) found.push(hiddenValues.has(key) ? `${key} ${problem}` : `${key} (${show(value)}) ${problem}`)
  }
  return found
}

/** A short word that can stand in a log line, a DNS name and a file name. */
function word(value: unknown): string | undefined {
  if (typeof value !== 'string') return 'must be a text'
  return /^[a-z0-9][a-z0-9._-]{0,62}$/i.test(value)
    ? undefined
    : "must be 1 to 63 letters, digits, '.', '_' or '-', the first a letter or a digit"
}

/** Subsystems and ids are addressed like names, so no member may be called as they are. */
function reservedName(name: string): string | undefined {
  if (/^s[1-5]$/i.test(name)) return 'is reserved for a subsystem'
  return /^12D3KooW/.test(name) ? 'looks like a member id' : undefined
}

function address(value: unknown): string | undefined {
  if (typeof value !== 'string') return 'must be HOST:PORT'
  const parsed = parseAddress(value)
  return typeof parsed === 'string' ? parsed : undefined
}

/** Where members are dialed: by some transports a multiaddr, by several transports a list. */
function addresses(value: unknown): string | undefined {
  if (typeof value !== 'string') return 'must be HOST:PORT'
  const parts = splitAddress(value)
  if (parts.length === 0) return 'must be HOST:PORT'
  return parts
    .map((part) => (part.startsWith('/') ? undefined : address(part)))
    .find((problem) => problem !== undefined)
}

function originsProblem(value: unknown): string | undefined {
  if (!Array.isArray(value) || value.length > maxOrigins) return `must be a list of at most ${maxOrigins} origins`
  const isOrigin = (one: unknown): boolean =>
    typeof one === 'string' && URL.canParse(one) && new URL(one).origin === one && /^https?:/.test(one)
  const wrong = value.find((one) => !isOrigin(one))
  return wrong === undefined ? undefined : `has ${show(wrong)}, which is no origin such as 'https://shop.example'`
}

function transportProblem(value: unknown): string | undefined {
  const given: readonly unknown[] = Array.isArray(value) ? value : [value]
  if (given.length === 0 || given.length > maxTransports) return `must be 1 to ${maxTransports} transports`
  const names = given.map((one) => (typeof one === 'string' ? one : String(Reflect.get(Object(one), 'name'))))
  for (const [position, one] of given.entries()) {
    if (typeof one === 'string') {
      if (!transportNames.some((name) => name === one)) return `must be ${list(transportNames)} or what libp2p() gives`
    } else if (
      !['claims', 'wordsFor', 'create'].every((method) => typeof Reflect.get(Object(one), method) === 'function')
    )
      return `must be ${list(transportNames)} or what libp2p() gives`
    if (names.indexOf(names[position]!) !== position) return `has a second '${names[position]}'`
  }
  return undefined
}

function isEngine(value: unknown): boolean {
  return isObject(value) && typeof value.name === 'string' && typeof value.open === 'function'
}

function joinProblem(value: unknown): string | undefined {
  const isList = typeof value === 'string' || Array.isArray(value) || isProvider(value)
  if (!isList) return 'must be a list of HOST:PORT, dns://NAME:PORT, dns+srv://NAME or providers'
  const entries: readonly unknown[] = splitList(value)
  if (entries.length > maxJoin) return `must have at most ${maxJoin} addresses`
  const [only] = entries
  if (entries.length === 1) return seedProblem(only)
  const wrong = entries.flatMap((entry) => {
    const problem = seedProblem(entry)
    return problem === undefined ? [] : `${show(entry)}, which ${problem}`
  })
  return wrong.length === 0 ? undefined : `has ${wrong.join(', ')}`
}

function seedProblem(entry: unknown): string | undefined {
  if (isProvider(entry))
    return ['undefined', 'function'].includes(typeof entry.announce) ? undefined : 'has an announce that is no function'
  if (typeof entry !== 'string') return 'must be HOST:PORT or a provider with a name and watch()'
  if (isDnsAddress(entry)) {
    const parsed = parseDnsAddress(entry)
    return typeof parsed === 'string' ? parsed : undefined
  }
  if (entry.startsWith('/')) return undefined
  return address(entry) ?? (entry.endsWith(':0') ? 'cannot have port 0' : undefined)
}

function isProvider(value: unknown): value is Discovery {
  if (typeof value !== 'object' || value === null) return false
  const { name, watch } = value as Partial<Discovery>
  return typeof name === 'string' && typeof watch === 'function'
}

function secretProblem(value: unknown): string | undefined {
  if (typeof value !== 'string') return 'must be a text'
  const bytes = Buffer.byteLength(value)
  return bytes < minSecretBytes ? `has ${bytes} bytes, at least ${minSecretBytes} are needed` : undefined
}

/** A token travels in an `Authorization` header, so it can have no space and no letter beyond ASCII. */
function tokenProblem(value: unknown): string | undefined {
  if (typeof value === 'string')
    return secretProblem(value) ?? (/^[!-~]+$/.test(value) ? undefined : 'must be ASCII without spaces')
  if (typeof value !== 'object' || value === null) return 'must be a text or { read, operate, admin }'
  const entries = Object.entries(value)
  if (entries.length === 0) return 'has no token'
  for (const [role, token] of entries) {
    if (!['read', 'operate', 'admin'].includes(role))
      return `has an unknown role '${role}': it must be read, operate or admin`
    const problem = typeof token === 'string' ? tokenProblem(token) : secretProblem(token)
    if (problem) return `for the role ${role} ${problem}`
  }
  return new Set(Object.values(value)).size < entries.length ? 'has the same token for two roles' : undefined
}

function overlaysProblem(value: unknown): string | undefined {
  if (!Array.isArray(value) || value.length > maxOverlays) return `must be a list of at most ${maxOverlays} overlays`
  const names = value.map((overlay: unknown) => Reflect.get(Object(overlay), 'name'))
  const builtIn = builtInOverlays.map(({ name }) => name)
  for (const [position, overlay] of value.entries()) {
    const name: unknown = names[position]
    if (typeof name !== 'string' || word(name) !== undefined) return `has an overlay (at ${position}) without a name`
    const isOverlay = ['problems', 'refusal', 'estimate', 'create'].every(
      (method) => typeof Reflect.get(overlay, method) === 'function',
    )
    if (!isOverlay) return `has '${name}', which is no overlay`
    if (builtIn.includes(name) || names.indexOf(name) !== position) return `has a second '${name}'`
  }
  return undefined
}

function autoProblem(value: unknown): string | undefined {
  if (typeof value === 'boolean') return undefined
  if (!isObject(value)) return 'must be true, false, or parameters of the adviser'
  const problems = adviserProblems(value)
  return problems.length === 0 ? undefined : `is refused: ${problems.join(', ')}`
}

/** A new cluster starts with something that this node can make. */
export function topologyProblems(topology: unknown, overlays: unknown): string[] {
  // What can be no name has been told of already.
  if (
    topology === undefined ||
    word(topology) !== undefined ||
    (overlays !== undefined && overlaysProblem(overlays) !== undefined)
  )
    return []
  const own = (overlays ?? []) as readonly { readonly name: string }[]
  const known = [...builtInOverlays, ...own].map(({ name }) => name)
  return known.includes(topology as string) ? [] : [`topology (${show(topology)}) must be ${list(known)}`]
}

/** Each overlay judges its own parameters; all that is wrong is told. */
export function overlayOptionsProblems(options: unknown, overlays: unknown): string[] {
  if (!isObject(options) || (overlays !== undefined && overlaysProblem(overlays) !== undefined)) return []
  const known = [...builtInOverlays, ...((overlays ?? []) as readonly OverlayDefinition<unknown>[])]
  return Object.entries(options).flatMap(([name, parameters]) => {
    const definition = known.find((candidate) => candidate.name === name)
    if (!definition) return [`overlayOptions.${name} must be of ${list(known.map((each) => each.name))}`]
    if (!isObject(parameters)) return [`overlayOptions.${name} (${show(parameters)}) must be an object`]
    return definition.problems(parameters).map((problem) => `overlayOptions: ${problem}`)
  })
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function oneOf(values: readonly string[]): Check {
  return (value) => (values.includes(value as string) ? undefined : `must be ${list(values)}`)
}

function isLogger(value: unknown): boolean {
  if (typeof value === 'string') return logLevels.includes(value as LogLevel)
  if (typeof value !== 'object' || value === null) return false
  return ['error', 'warn', 'info', 'debug', 'child'].every((name) => typeof Reflect.get(value, name) === 'function')
}

/** The host of `host:port` or of a multiaddr; undefined for anything else. */
export function hostOf(text: unknown): string | undefined {
  return typeof text === 'string' ? streamAddress(text)?.host : undefined
}

/** `a, b,` as `['a', 'b']`, and a single entry as a list of one. */
export function splitList<Entry>(value: string | Entry | readonly Entry[]): readonly (string | Entry)[] {
  if (typeof value === 'string') return value.split(',').flatMap((part) => part.trim() || [])
  return Array.isArray(value) ? value : [value as Entry]
}

function list(values: readonly string[]): string {
  return values.map((value) => `'${value}'`).join(', ')
}

/** A value as messages show it: on one line, and not for ever. */
export function show(value: unknown): string {
  let text: string
  try {
    // JSON says null of a number that is none.
    const isPlain = typeof value !== 'number' || Number.isFinite(value)
    text = typeof value === 'string' ? `'${value}'` : (isPlain && JSON.stringify(value)) || String(value)
  } catch {
    // An object without a prototype is no text either.
    text = typeof value === 'object' ? Object.prototype.toString.call(value) : String(value)
  }
  return text.length > maxShown ? `${text.slice(0, maxShown)}…` : text
}

function wholeNumber(value: unknown, least: number, most: number): string | undefined {
  const isFit = Number.isInteger(value) && (value as number) >= least && (value as number) <= most
  return isFit ? undefined : `must be a whole number from ${least} to ${most}`
}
