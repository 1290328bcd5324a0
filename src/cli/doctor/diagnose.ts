// All checks, for the node that the same flags, variables and file would start: nothing is left behind, nothing is
// joined.

import { type ClusterError, isClusterError } from '../../errors.ts'
import { formatAddress, isWildcard, parseAddress, streamAddress } from '../../network-address.ts'
import { type NodeOptions, type ResolvedOptions, resolveOptions, type StoredOptions } from '../../options.ts'
import { readSecretFile, readSeedsFile, upFiles } from '../../storage/up-files.ts'
import { providerOf } from '../../transport/provider.ts'
import { type CallbackListener, openListener } from './callback.ts'
import { checkData } from './data.ts'
import { checkDisk } from './disk.ts'
import type { Finding } from './finding.ts'
import { checkJoin } from './join.ts'
import { checkClock, checkNodeVersion, checkOpenFiles } from './machine.ts'

/** Yields what it finds, as it finds it. */
export async function* diagnose(raw: NodeOptions): AsyncGenerator<Finding, void, undefined> {
  yield checkNodeVersion()
  yield checkOpenFiles()
  yield await checkClock()
  const data = await checkData(raw.dataDir)
  if (data !== undefined) yield data
  // A hundred flushes beside a node that runs there are too many.
  if (data?.code !== 'ERR_DATA_IN_USE') yield await checkDisk(raw.dataDir)
  const options = await resolved(raw)
  if ('check' in options) {
    yield options
    return
  }
  yield describeSecret(options)
  if (options.admin !== undefined) {
    const { finding, listener } = await openListener('admin', options.admin)
    await using _listener = listener
    yield finding
  }
  const { finding, listener } = await openListener('listen', placeOf(options.listen))
  await using _listener = listener
  yield finding
  const { join, cluster, secrets } = options
  if (join.length === 0) {
    yield { check: 'join', level: 'ok', text: 'no --join: no member was dialed, and nobody was asked to dial back' }
  }
  const callback = callbackOf(options, listener)
  const providers = await Promise.all(options.transports.map(providerOf))
  // One after the other, so that it is known whose knock is heard.
  for (const address of join) yield* await checkJoin({ address, cluster, secrets, callback, providers })
}

/** The options a node would run with, what its data directory holds included; or why there are none. */
async function resolved(raw: NodeOptions): Promise<ResolvedOptions | Finding> {
  try {
    const options = resolveOptions(raw, raw.dataDir === undefined ? {} : await storedIn(raw.dataDir))
    // A transport whose packages are missing is a problem of the options.
    await Promise.all(options.transports.map(providerOf))
    return options
  } catch (error) {
    const codes = ['ERR_BAD_OPTIONS', 'ERR_SECRET_REQUIRED', 'ERR_ADMIN_TOKEN_REQUIRED', 'ERR_LOG_CORRUPT'] as const
    const unwritable = isClusterError(error, 'ERR_DATA_UNWRITABLE') || isClusterError(error, 'ERR_DISK')
    if (!unwritable && !codes.some((code) => isClusterError(error, code))) throw error
    const { code, message } = error as ClusterError
    const advice = 'correct that first: ports and --join were not checked'
    return { check: 'options', level: 'problem', code, text: message, advice }
  }
}

/** What an earlier start left there. */
export async function storedIn(dataDir: string): Promise<StoredOptions> {
  const files = upFiles(dataDir)
  const secret = await readSecretFile(files.secret)
  const seeds = await readSeedsFile(files.seeds)
  return {
    ...(secret === undefined ? {} : { secret }),
    ...(seeds === undefined ? {} : { join: seeds.addresses }),
    ...(seeds?.expect === undefined ? {} : { expect: seeds.expect }),
  }
}

/** Of several addresses the first, as a port that can be tried. */
function placeOf(listen: string): string {
  const place = streamAddress(listen)
  return place === undefined ? listen : formatAddress(place)
}

function describeSecret({ developmentSecret, secrets, warnings }: ResolvedOptions): Finding {
  if (!developmentSecret) {
    const text = secrets.length === 1 ? 'good, with a secret' : `good, with a keyring of ${secrets.length} secrets`
    return { check: 'options', level: 'ok', text }
  }
  const advice = 'give --secret-file before another machine is to join'
  return { check: 'options', level: 'warning', text: warnings[0] ?? 'the development secret is used', advice }
}

function callbackOf(
  { advertise }: ResolvedOptions,
  listener: CallbackListener,
): { address: string; listener: CallbackListener } | undefined {
  const { address: bound } = listener
  if (bound === undefined) return undefined
  const port = bound.slice(bound.lastIndexOf(':') + 1)
  const address = advertise?.replace(/:0$/, `:${port}`) ?? bound
  const parsed = parseAddress(address)
  return typeof parsed === 'string' || isWildcard(parsed.host) ? undefined : { address, listener }
}
