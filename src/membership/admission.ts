// Admission (design rule 8): a name belongs to one id, by an entry of the log. Both ends are here. The newcomer asks
// any member of the cluster, again and again, until a leader has answered; the member passes the question on to the
// leader; the leader binds the name, moves it away from a holder that is gone, or says that it is taken.

import type { ClusterReply } from '../../consensus/index.ts'
import type { MemberRecord } from '../../topology/index.ts'
import type { Payload } from '../channels/payload.ts'
import type { IncomingRequest, RequestOptions, Requests } from '../channels/requests.ts'
import { ClusterError } from '../errors.ts'
import type { Time } from '../runtime/clock.ts'

export const ADMIT_SUBJECT = 'trellis.admit'

/** How long the leader waits for its entry, and how long a question may take on its way. */
const COMMIT_TIMEOUT_MS = 2_000
const ADMIT_TIMEOUT_MS = 3_000

/** What is asked: whose name. */
export interface AdmissionRequest {
  readonly id: string
  readonly name: string
}

/** `later`: nobody can say at the moment, or the holder of the name may be gone and nobody is sure yet. */
export type AdmissionAnswer =
  | { readonly outcome: 'admitted' }
  | { readonly outcome: 'taken'; readonly holder: string }
  | { readonly outcome: 'later'; readonly reason: string }

/** What the leader knows of the present holder of a name. */
export type HolderState = 'present' | 'gone' | 'unsure'

export interface AdmissionDeskOptions {
  readonly clock: Time
  readonly self: string
  /** The leader's id as this node knows it. */
  readonly leader: () => string | undefined
  /** The holder of a name, from the machine; only asked while this node leads. */
  readonly holder: (name: string) => string | undefined
  readonly stateOf: (id: string) => HolderState
  readonly isMember: (id: string) => boolean
  readonly propose: (
    request: AdmissionRequest,
    replaces: string | undefined,
    signal: AbortSignal,
  ) => Promise<ClusterReply>
  readonly forward: (leader: string, request: AdmissionRequest, options: RequestOptions) => Promise<Payload>
}

/** A leader that does not know the holder of a name waits this long for it before it takes it for gone. */
const UNKNOWN_HOLDER_PATIENCE_MS = 10_000

/** A verdict counts for more than a socket that lingers; without one a link says that the holder is there. */
export function holderState(member: MemberRecord | undefined, isHere: boolean, knownForMs: number): HolderState {
  if (member?.state === 'down' || member?.state === 'left') return 'gone'
  if (isHere) return 'present'
  return member === undefined && knownForMs > UNKNOWN_HOLDER_PATIENCE_MS ? 'gone' : 'unsure'
}

/** The member's side. */
export class AdmissionDesk {
  readonly #options: AdmissionDeskOptions

  constructor(options: AdmissionDeskOptions) {
    this.#options = options
  }

  /** Handler of {@link ADMIT_SUBJECT}. */
  async answer({ from, payload }: IncomingRequest): Promise<Payload> {
    const request = parseRequest(payload)
    // A newcomer speaks for itself; a member may pass on what it was asked.
    if (request.id !== from && !this.#options.isMember(from)) throw new TypeError('a newcomer asks for itself only')
    return { ...(await this.decide(request, from)) }
  }

  /** `from`: who asked; the question is not passed back to it. */
  async decide(request: AdmissionRequest, from: string): Promise<AdmissionAnswer> {
    const { self, leader, forward } = this.#options
    const known = leader()
    if (known === undefined) return { outcome: 'later', reason: 'no leader is known' }
    if (known === self) return this.#bind(request)
    if (known === from) return { outcome: 'later', reason: 'the leader is changing' }
    return parseAnswer(await forward(known, request, { timeoutMs: COMMIT_TIMEOUT_MS }))
  }

  async #bind(request: AdmissionRequest): Promise<AdmissionAnswer> {
    const holder = this.#options.holder(request.name)
    if (holder === request.id) return { outcome: 'admitted' }
    if (holder !== undefined) {
      const state = this.#options.stateOf(holder)
      if (state === 'present') return { outcome: 'taken', holder }
      if (state === 'unsure')
        return { outcome: 'later', reason: `nobody is sure that ${holder}, who holds the name, is gone` }
    }
    const reply = await this.#options.propose(request, holder, this.#options.clock.timeout(COMMIT_TIMEOUT_MS))
    switch (reply.type) {
      case 'ok':
        return { outcome: 'admitted' }
      case 'name-taken':
        return { outcome: 'later', reason: 'another claimant was faster' }
      default:
        throw new ClusterError('ERR_BAD_REQUEST', `the cluster refuses the name: ${reply.type}`, {
          problem: reply.type,
        })
    }
  }
}

/** The newcomer's side: asks `member`, who knows the leader or is it. Rejects when it cannot say. */
export async function askMember(
  requests: Pick<Requests, 'request'>,
  member: string,
  request: AdmissionRequest,
  signal: AbortSignal,
): Promise<AdmissionAnswer> {
  const options = { signal, timeoutMs: ADMIT_TIMEOUT_MS }
  return parseAnswer(await requests.request(member, ADMIT_SUBJECT, encodeRequest(request), options))
}

/** Any member passes the question on; another one each time, for one may not know the way either. */
export async function askAnyone(
  requests: Pick<Requests, 'request'>,
  members: readonly string[],
  random: () => number,
  request: AdmissionRequest,
  signal: AbortSignal,
): Promise<AdmissionAnswer> {
  const member = members[Math.floor(random() * members.length)]
  if (member === undefined) return { outcome: 'later', reason: 'no member of the cluster is linked' }
  return askMember(requests, member, request, signal)
}

/** A newcomer's question as JSON. */
export function encodeRequest({ id, name }: AdmissionRequest): Payload {
  return { id, name }
}

/** Throws on anything else. */
export function parseAnswer(payload: Payload): AdmissionAnswer {
  const answer = payload as { outcome?: unknown; holder?: unknown; reason?: unknown } | null
  if (answer?.outcome === 'admitted') return { outcome: 'admitted' }
  if (answer?.outcome === 'taken' && typeof answer.holder === 'string')
    return { outcome: 'taken', holder: answer.holder }
  if (answer?.outcome === 'later' && typeof answer.reason === 'string')
    return { outcome: 'later', reason: answer.reason }
  throw new TypeError('not an answer to an admission')
}

function parseRequest(payload: Payload): AdmissionRequest {
  const request = payload as { id?: unknown; name?: unknown } | null
  if (typeof request?.id !== 'string' || typeof request.name !== 'string') throw new TypeError('not an admission')
  return { id: request.id, name: request.name }
}
