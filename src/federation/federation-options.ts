// What makes a member a gateway to other clusters, as users write it, and what is wrong with that.

import { parseAddress } from '../network-address.ts'
import { MIN_SECRET_BYTES } from '../wire/secrets.ts'

/**
 * This member is a gateway: it offers services of its cluster to the gateways of others, and theirs to its own cluster.
 */
export interface FederationOptions {
  /**
   * What gateways of both clusters prove to know, at least 16 bytes; not the secret of any cluster. A list is a
   * keyring.
   */
  readonly secret: string | readonly string[]
  /**
   * `HOST:PORT` where gateways of other clusters connect; port 0 takes a free one. Default none: this one only
   * connects.
   */
  readonly listen?: string
  /** `HOST:PORT` of gateways of other clusters, at most 64. Default none. */
  readonly gateways?: readonly string[]
  /**
   * Names of services that others may find and call, at most 256; with `*` at the end: all that begin so. Default none.
   */
  readonly exports?: readonly string[]
  /** What the others call this cluster; no two that are linked may have the same. Default: the option `cluster`. */
  readonly name?: string
}

const MAX_GATEWAYS = 64
const MAX_EXPORTS = 256
const word = /^[a-z0-9][a-z0-9._/-]{0,62}$/i
const pattern = /^(?:[a-z0-9][a-z0-9._/-]{0,127})?\*?$/i
const known = ['secret', 'listen', 'gateways', 'exports', 'name']

/** Every problem. Undefined: it is well. Values are not shown, for a secret may be among them. */
export function federationProblem(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'must be an object with a secret'
  const { secret, listen, gateways = [], exports = [], name } = value as Record<string, unknown>
  const secrets: unknown[] = Array.isArray(secret) ? secret : [secret]
  const found = Object.keys(value)
    .filter((key) => !known.includes(key))
    .map((key) => `has no '${key}', only ${known.join(', ')}`)
  const rule = (holds: boolean, text: string): void => void (holds || found.push(text))
  rule(secrets.length > 0 && secrets.every(isLong), `needs a secret of at least ${MIN_SECRET_BYTES} bytes`)
  rule(listen === undefined || isAddress(listen), 'must have HOST:PORT to listen at')
  rule(isListOf(gateways, MAX_GATEWAYS, isAddress), `must have at most ${MAX_GATEWAYS} gateways, each HOST:PORT`)
  rule(isListOf(exports, MAX_EXPORTS, isPattern), `must have at most ${MAX_EXPORTS} names of services as exports`)
  rule(name === undefined || (typeof name === 'string' && word.test(name)), 'must have a word as name')
  return found.length === 0 ? undefined : found.join('; ')
}

const isLong = (text: unknown): boolean => typeof text === 'string' && Buffer.byteLength(text) >= MIN_SECRET_BYTES
const isAddress = (text: unknown): boolean => typeof text === 'string' && typeof parseAddress(text) !== 'string'
const isPattern = (text: unknown): boolean => typeof text === 'string' && text !== '' && pattern.test(text)

function isListOf(value: unknown, atMost: number, check: (item: unknown) => boolean): boolean {
  return Array.isArray(value) && value.length <= atMost && value.every(check)
}
