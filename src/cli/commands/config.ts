// `trellis config`: keys and values that the whole cluster agrees on. A value is JSON; what is not JSON is taken as the
// text that it is, so that nobody needs to quote quotes.

import type { Command } from 'commander'
import type { ConfigEntry, ConfigEvent, ConfigList } from '../../coordination/config-interface.ts'
import { isClusterError } from '../../errors.ts'
import { systemClock } from '../../runtime/clock.ts'
import { pause } from '../../wait.ts'
import { type AdminCall, type AdminClientOptions, askFor } from '../admin-client.ts'
import { addClientFlags, type ClientFlags, clientOptions } from '../client-flags.ts'
import type { CommandContext } from '../context.ts'
import { RemoteError, usageError } from '../failure.ts'
import { printable, table } from '../output.ts'
import { watchSignals } from '../signals.ts'
import { watchStream } from '../top/event-stream.ts'
import { wholeNumber as wholeNumberFrom } from './argument-values.ts'
import { importKeys } from './config-import.ts'

interface ReadFlags extends ClientFlags {
  readonly stale?: boolean
  readonly prefix?: boolean
}
interface WriteFlags extends ClientFlags {
  readonly ifRevision?: number
  readonly ifAbsent?: boolean
}
interface WatchFlags extends ClientFlags {
  readonly from?: number
}

/** What is known of a key's changes. */
interface HistoryAnswer {
  readonly events: readonly ConfigEvent[]
  readonly ageMs?: number
}

/** Between two tries to go on with a watch whose stream has ended. */
const retryMs = 500
const wholeNumber = wholeNumberFrom(0)
/** Before the first revision there was nothing to go back to. */
const pastRevision = wholeNumberFrom(1)
/** Keys asked for at a time. */
const pageKeys = 1_000

const examples = `
Examples:
  trellis config set limits.rate 100
  trellis config get limits.rate
  trellis config get --prefix limits.
  trellis config set limits.rate 120 --if-revision 17
  trellis config watch limits. --json
  trellis config rollback limits.rate 17
  trellis config export > config.json && trellis config import config.json`

export function addConfig(program: Command, context: CommandContext): void {
  const config = addClientFlags(
    program.command('config').description('read and write what the whole cluster agrees on'),
  )
    .addHelpText('after', examples)
    .action((flags: ClientFlags) => list('', flags, context))
  const verb = (usage: string, description: string): Command =>
    addClientFlags(config.command(usage).description(description))
  const stale = ['--stale', 'whatever the node asked has, in a minority too'] as const

  verb('get <key>', 'print a value')
    .option(...stale)
    .option('--prefix', 'every key that begins so')
    .action((key: string, flags: ReadFlags) => (flags.prefix ? list(key, flags, context) : get(key, flags, context)))
  verb('list [prefix]', 'print every key that begins so')
    .option(...stale)
    .action((prefix: string | undefined, flags: ReadFlags) => list(prefix ?? '', flags, context))
  verb('set <key> <value>', 'set a value: JSON, or else a text')
    .option('--if-revision <N>', 'only if the key has this revision', wholeNumber)
    .option('--if-absent', 'only if there is no such key')
    .action((key: string, value: string, flags: WriteFlags) => set(key, value, flags, context))
  verb('delete <key>', 'delete a key')
    .option('--if-revision <N>', 'only if the key has this revision', wholeNumber)
    .action((key: string, flags: WriteFlags) => remove(key, flags, context))
  verb('history <key>', 'print the changes of a key, oldest first')
    .option(...stale)
    .action((key: string, flags: ReadFlags) => history(key, flags, context))
  verb('rollback <key>', 'give a key back what it was at a revision')
    .argument('<revision>', 'one of its history; before it was there, it is deleted', pastRevision)
    .action((key: string, revision: number, flags: ClientFlags) => rollback(key, revision, flags, context))
  verb('watch [prefix]', 'print changes as they come, without a gap')
    .option('--from <N>', 'from this revision on (default: from now on)', wholeNumber)
    .action((prefix: string | undefined, flags: WatchFlags) => watch(prefix ?? '', flags, context))
  verb('export [prefix]', 'print all keys and values as one JSON object').action(
    (prefix: string | undefined, flags: ClientFlags) => exportKeys(prefix ?? '', flags, context),
  )
  verb('import <file>', "set all keys of a JSON object; '-' reads it from the standard input").action(
    (file: string, flags: ClientFlags) => importFile(file, flags, context),
  )
}

async function get(key: string, flags: ReadFlags, context: CommandContext): Promise<void> {
  const entry = await askFor<ConfigEntry>(
    ['value', 'revision'],
    `${pathOf(key)}${flags.stale ? '?consistency=stale' : ''}`,
    clientOptions(flags, context),
  )
  context.out(`${JSON.stringify(flags.json ? entry : entry.value)}\n`)
  tellAge(entry, flags, context)
}

async function list(prefix: string, flags: ReadFlags, context: CommandContext): Promise<void> {
  const found = await all(prefix, flags.stale === true, clientOptions(flags, context))
  if (flags.json) return context.out(`${JSON.stringify(found)}\n`)
  const rows = found.entries.map(({ key, value, revision }) => [key, String(revision), JSON.stringify(value)])
  context.out(table(['KEY', 'REVISION', 'VALUE'], rows))
  tellAge(found, flags, context)
}

async function set(key: string, value: string, flags: WriteFlags, context: CommandContext): Promise<void> {
  const call = { method: 'PUT', body: { value: parsedValue(value) }, headers: preconditions(flags) } as const
  const entry = await askFor<ConfigEntry>(['revision'], pathOf(key), clientOptions(flags, context), call)
  context.out(flags.json ? `${JSON.stringify(entry)}\n` : `${printable(key)} has revision ${entry.revision}\n`)
}

async function remove(key: string, flags: WriteFlags, context: CommandContext): Promise<void> {
  const call: AdminCall = { method: 'DELETE', headers: preconditions(flags) }
  const deletion = await askFor<{ revision: number }>(['revision'], pathOf(key), clientOptions(flags, context), call)
  context.out(flags.json ? `${JSON.stringify(deletion)}\n` : `${printable(key)} is deleted\n`)
}

async function history(key: string, flags: ReadFlags, context: CommandContext): Promise<void> {
  const path = `${pathOf(key)}/history${flags.stale ? '?consistency=stale' : ''}`
  const answer = await askFor<HistoryAnswer>(['events'], path, clientOptions(flags, context))
  if (flags.json) return context.out(`${JSON.stringify(answer)}\n`)
  const rows = answer.events.map((event) => [
    String(event.revision),
    event.type === 'set' ? JSON.stringify(event.value) : '(deleted)',
  ])
  context.out(table(['REVISION', 'VALUE'], rows))
  tellAge(answer, flags, context)
}

/** Beside the answer, which scripts read. With --json it stands in it. */
function tellAge({ ageMs }: { readonly ageMs?: number }, flags: ReadFlags, context: CommandContext): void {
  if (!flags.stale || flags.json) return
  context.err(ageMs === undefined ? 'how old this is is not known\n' : `this is up to ${ageMs} ms old\n`)
}

async function rollback(key: string, revision: number, flags: ClientFlags, context: CommandContext): Promise<void> {
  const call = { method: 'POST', body: { revision } } as const
  const entry = await askFor<ConfigEntry>(['revision'], `${pathOf(key)}/rollback`, clientOptions(flags, context), call)
  const deleted = entry.revision === 0
  const described = deleted ? 'is deleted' : `is ${JSON.stringify(entry.value)}, with revision ${entry.revision}`
  context.out(flags.json ? `${JSON.stringify({ ...entry, deleted })}\n` : `${printable(key)} ${described}\n`)
}

/** Goes on where it was when the stream ends, until it is stopped. */
async function watch(prefix: string, flags: WatchFlags, context: CommandContext): Promise<void> {
  using signals = watchSignals()
  const signal = AbortSignal.any(
    [signals.stop, context.parentGone, context.outputGone].filter((it) => it !== undefined),
  )
  const options = clientOptions(flags, context)
  // The first call says whether there is anybody, and from where on to watch.
  const { revision } = await askFor<ConfigList>(['revision'], '/v1/config?limit=1&consistency=stale', {
    ...options,
    signal,
  })
  let from = flags.from ?? revision + 1
  while (!signal.aborted) {
    const path = `/v1/watch?prefix=${encodeURIComponent(prefix)}&from=${from}`
    try {
      for await (const { event, data } of watchStream({ ...options, path }, signal)) {
        if (event === 'error') throw remoteErrorOf(data)
        const change = data as ConfigEvent
        context.out(flags.json ? `${JSON.stringify(change)}\n` : lineOf(change))
        if (!change.more) from = change.revision + 1
      }
    } catch (error) {
      if (error instanceof RemoteError && !error.failure.retryable) throw error
      if (isClusterError(error, 'ERR_USAGE')) throw error
    }
    await pause(systemClock, retryMs, signal)
  }
}

async function exportKeys(prefix: string, flags: ClientFlags, context: CommandContext): Promise<void> {
  const { entries } = await all(prefix, false, clientOptions(flags, context))
  const values = Object.fromEntries(entries.map(({ key, value }) => [key, value]))
  context.out(`${flags.json ? JSON.stringify(values) : JSON.stringify(values, undefined, 2)}\n`)
}

async function importFile(file: string, flags: ClientFlags, context: CommandContext): Promise<void> {
  const imported = await importKeys(file, clientOptions(flags, context))
  context.out(flags.json ? `${JSON.stringify({ imported })}\n` : `${imported} keys are set\n`)
}

/**
 * Every page. A write between two of them is no matter: each key is as it was at one moment. The age is that of the
 * oldest.
 */
async function all(prefix: string, stale: boolean, options: AdminClientOptions): Promise<ConfigList> {
  const entries: ConfigEntry[] = []
  let oldest: { ageMs?: number } = {}
  const query = `prefix=${encodeURIComponent(prefix)}&limit=${pageKeys}${stale ? '&consistency=stale' : ''}`
  for (let after = ''; ; ) {
    const page = await askFor<ConfigList & { next?: string }>(
      ['entries'],
      `/v1/config?${query}&after=${encodeURIComponent(after)}`,
      options,
    )
    entries.push(...page.entries)
    const { next, ...rest } = page
    if (page.ageMs !== undefined) oldest = { ageMs: Math.max(page.ageMs, oldest.ageMs ?? 0) }
    if (next === undefined) return { ...rest, ...oldest, entries }
    after = next
  }
}

function pathOf(key: string): string {
  if (key === '') throw usageError('a key has at least one character')
  return `/v1/config/${encodeURIComponent(key)}`
}

function preconditions({ ifRevision, ifAbsent }: WriteFlags): Record<string, string> {
  if (ifRevision !== undefined && ifAbsent) throw usageError('--if-revision and --if-absent exclude each other')
  if (ifAbsent) return { 'if-none-match': '*' }
  return ifRevision === undefined ? {} : { 'if-match': String(ifRevision) }
}

function parsedValue(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

function remoteErrorOf(data: unknown): RemoteError {
  return new RemoteError(data as ConstructorParameters<typeof RemoteError>[0])
}

function lineOf(change: ConfigEvent): string {
  const value = change.type === 'set' ? JSON.stringify(change.value) : '(deleted)'
  return `${change.revision}  ${printable(change.key)}  ${value}\n`
}
