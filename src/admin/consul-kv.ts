// Config in the form of Consul's keys and values: reads only. A text is its own bytes, anything else its JSON; indexes
// are revisions, so they are the same on every node.

import type { ConfigEntry, ConfigReadOptions } from '../coordination/config-interface.ts'
import { asked } from './config.ts'
import { type Blocking, blockingOf, withIndex } from './consul-blocking.ts'
import type { Answer, Context } from './http-call.ts'
import type { Resource } from './resource.ts'
import type { AdminNode } from './server.ts'

type Config = AdminNode['config']

interface Found {
  readonly entries: readonly ConfigEntry[]
  /** The revision of the key, or of the last write there was. */
  readonly index: number
  /** Of a stale read. */
  readonly ageMs?: number | undefined
}

export function consulKeyResources(node: Pick<AdminNode, 'config' | 'status'>): Resource[] {
  const read = (path: string): Resource => ({
    path,
    calls: { GET: { needs: 'read', handle: (context) => get(node, context) } },
  })
  return [read('/v1/kv/'), read('/v1/kv/:key{.+}')]
}

async function get(node: Pick<AdminNode, 'config' | 'status'>, context: Context): Promise<Answer> {
  const { req } = context
  const key = req.param('key') ?? ''
  const isPrefix = has(context, 'recurse') || has(context, 'keys')
  const { entries, index, ageMs } = await asked(() => find(node.config, key, isPrefix, context))
  // The leader itself has vouched for what is not stale.
  withIndex(context, index, ageMs === undefined || node.status().consensus.leader !== null, ageMs)
  if (entries.length === 0) return context.body(null, 404)
  if (has(context, 'keys')) return context.json(keysOf(entries, key, req.query('separator') ?? ''))
  if (has(context, 'raw') && !isPrefix) {
    context.header('content-security-policy', 'sandbox')
    return context.body(bytesOf(entries[0]!).toString('utf8'), 200, { 'content-type': 'text/plain' })
  }
  return context.json(entries.map(rowOf))
}

async function find(config: Config, key: string, isPrefix: boolean, context: Context): Promise<Found> {
  const { signal } = context.req
  const options: ConfigReadOptions = { consistency: has(context, 'stale') ? 'stale' : 'linearizable', signal }
  const look = async (): Promise<Found> => {
    if (!isPrefix && key === '') return { entries: [], index: 1 }
    const entry = isPrefix ? undefined : await config.get(key, options)
    if (entry) return { entries: [entry], index: entry.revision, ageMs: entry.ageMs }
    // When keys have gone only the whole store knows: its revision is never too low.
    const { entries, revision, ageMs } = await config.list(key, options)
    return { entries: isPrefix ? entries : entries.filter((other) => other.key === key), index: revision, ageMs }
  }
  const blocking = blockingOf(context)
  const found = await look()
  // Whoever has seen less is answered at once; so is who comes with an index of another cluster.
  if (blocking.index === undefined || found.index !== blocking.index) return found
  await changed(config, key, isPrefix, blocking, signal)
  return look()
}

/** Resolves at the first change after the index, after the time to wait, or when the client leaves. */
async function changed(
  config: Config,
  key: string,
  isPrefix: boolean,
  { index = 0, waitMs }: Blocking,
  leaving: AbortSignal,
): Promise<void> {
  const signal = AbortSignal.any([leaving, AbortSignal.timeout(Math.ceil(waitMs))])
  for await (const event of config.watch(key, { from: index + 1, signal })) if (isPrefix || event.key === key) return
}

function rowOf(entry: ConfigEntry) {
  const { key, revision, createRevision } = entry
  const bytes = bytesOf(entry)
  return {
    LockIndex: 0,
    Key: key,
    Flags: 0,
    Value: bytes.length === 0 ? null : bytes.toString('base64'),
    CreateIndex: createRevision,
    ModifyIndex: revision,
  }
}

function bytesOf({ value }: ConfigEntry): Buffer {
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value))
}

/** Up to the first separator after the prefix, each once. */
function keysOf(entries: readonly ConfigEntry[], prefix: string, separator: string): string[] {
  const cut = entries.map(({ key }) => {
    const end = separator === '' ? -1 : key.indexOf(separator, prefix.length)
    return end === -1 ? key : key.slice(0, end + separator.length)
  })
  return [...new Set(cut)]
}

/** Consul's flags need no value. */
function has({ req }: Context, flag: string): boolean {
  const value = req.query(flag)
  return value !== undefined && value !== 'false'
}
