// Each address of `--join`, as a node would meet it: is anything there, does it prove an identity, and then a whole
// handshake with the cluster's secret, under a name and a key of the doctor's own that nobody keeps. The link is closed
// in order at once: it joins nothing, and its goodbye makes it evidence of nothing.

import { randomBytes } from 'node:crypto'
import { systemClock } from '../../runtime/clock.ts'
import { helloOf, type Self } from '../../self.ts'
import { createIdentity } from '../../transport/identity.ts'
import { inWords, type TransportProvider, tcpProvider } from '../../transport/provider.ts'
import { SeveralTransports } from '../../transport/several-transports.ts'
import type { Transport } from '../../transport/transport.ts'
import { pause } from '../../wait.ts'
import { INSTANCE_BYTES } from '../../wire/hello.ts'
import { establishLink } from '../../wire/link-handshake.ts'
import { Keyring } from '../../wire/secrets.ts'
import { printable } from '../output.ts'
import type { CallbackListener } from './callback.ts'
import { type Finding, ms } from './finding.ts'
import { judgeOffset, readClocks } from './machine.ts'
import { explain } from './refusals.ts'

export interface JoinQuestion {
  /** One address of `--join`. */
  readonly address: string
  readonly cluster: string
  readonly secrets: readonly string[]
  /** Where members will dial this node; undefined when nothing could listen there, so that it cannot be asked. */
  readonly callback: { readonly address: string; readonly listener: CallbackListener } | undefined
  readonly timeoutMs?: number
  /** How members connect. Default: by tcp. */
  readonly providers?: readonly TransportProvider[]
}

const defaultTimeoutMs = 5_000
/** A knock comes within a round trip. */
const callbackTimeoutMs = 1_500
const callbackLookMs = 10

/** What was found at one address; and, where a handshake came to its end, how the clocks stand. */
export async function checkJoin(question: JoinQuestion): Promise<readonly Finding[]> {
  const { address, providers = [tcpProvider] } = question
  const context = { identity: createIdentity(), onRefused: () => {} }
  const transport = new SeveralTransports(
    providers.map((provider) => ({ provider, transport: provider.create(context) })),
  )
  const signal = AbortSignal.timeout(question.timeoutMs ?? defaultTimeoutMs)
  try {
    const knockedAt = performance.now()
    const answer = await transport.reach(inWords(providers, address), signal)
    const knockMs = performance.now() - knockedAt
    if (answer !== 'accepts') return [explain(address, answer)]
    return await shakeHands(transport, question, signal, knockMs)
  } catch (error) {
    return [explain(address, error)]
  } finally {
    await transport.close()
  }
}

async function shakeHands(
  transport: Transport,
  question: JoinQuestion,
  signal: AbortSignal,
  knockMs: number,
): Promise<readonly Finding[]> {
  const { address, cluster, secrets, callback, providers = [tcpProvider] } = question
  const dialedAt = performance.now()
  const connection = await transport.dial(inWords(providers, address), signal)
  const dialedBack = inWords(providers, callback?.address ?? address)
  const self = helloOf(doctor(transport.id, cluster, dialedBack), undefined, undefined)
  const heardBefore = callback?.listener.heard.count ?? 0
  const sent = readClocks()
  const link = await establishLink(connection, { clock: systemClock, self, keyring: new Keyring(secrets) }, signal)
  const clock = judgeOffset(address, link.peerWall, sent, readClocks())
  const handshakeMs = performance.now() - dialedAt
  link.start({ message: () => {}, drain: () => {}, close: () => {} })
  const called = callback && (await hears(callback.listener, heardBefore))
  await link.goodbye('leaving')
  const { name, clusterName, clusterId } = link.peer
  const where = clusterId === '' ? `which is in no cluster yet (${clusterName})` : `of ${clusterName}`
  const text = printable(`${address}: ${name} ${where}, knock ${ms(knockMs)}, handshake ${ms(handshakeMs)}`)
  const measured = { knockMs, handshakeMs }
  if (callback === undefined) {
    const unknown = 'not checked: whether it can dial this node, as nothing could listen there'
    return [{ check: 'join', level: 'ok', text: `${text}; ${unknown}`, measured }, clock]
  }
  if (called) {
    const way = `${callback.address} was knocked at by ${callback.listener.heard.from}`
    return [{ check: 'join', level: 'ok', text: `${text}; ${way}`, measured }, clock]
  }
  const advice = 'open the way from there to here (firewall, NAT), or give --advertise with an address that it can dial'
  const missed = `${text}; no knock from it came at ${callback.address}`
  return [{ check: 'join', level: 'problem', text: missed, advice, measured }, clock]
}

/** A newcomer of no cluster, without a log, that will never be seen again. */
function doctor(id: string, cluster: string, address: string): Self {
  const name = `doctor-${randomBytes(4).toString('hex')}`
  const instance = randomBytes(INSTANCE_BYTES)
  return { id, name, cluster, generation: 1, instance, storeId: '', address, roles: [], zone: '' }
}

async function hears({ heard }: CallbackListener, before: number): Promise<boolean> {
  const deadline = performance.now() + callbackTimeoutMs
  while (heard.count <= before) {
    if (performance.now() > deadline) return false
    await pause(systemClock, callbackLookMs)
  }
  return true
}
