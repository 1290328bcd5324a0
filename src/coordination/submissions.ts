// Commands of clients, from any member: the leader proposes them, everyone else sends them to it. Each stands in a
// session of this process, so that one whose answer was lost is sent again and still applied once.

import { type ClientCommand, type ClusterCommand, type ClusterReply, featureLevels } from '../../consensus/index.ts'
import type { Payload } from '../channels/payload.ts'
import type { IncomingRequest, Requests } from '../channels/requests.ts'
import { ClusterError } from '../errors.ts'
import type { Time } from '../runtime/clock.ts'
import { beginWait, rejectedBy, withoutEffect } from '../wait.ts'
import { decodeCommand, encodeCommand } from '../wire/command.ts'
import { MAX_COMMAND_BYTES } from '../wire/limits.ts'
import { WireError } from '../wire/wire-error.ts'
import { CallLimit } from './call-limit.ts'
import type { Coordination } from './coordination.ts'
import { type CallOptions, DEFAULT_CALL_TIMEOUT_MS, type LeaderCalls, limited, noQuorum } from './leader-calls.ts'
import { upgradePending } from './refusal.ts'

export interface SubmissionsOptions {
  readonly clock: Time
  readonly self: string
  readonly coordination: () => Coordination | undefined
  readonly requests: () => Requests
  readonly calls: LeaderCalls
}

export const SUBMIT_SUBJECT = 'trellis.submit'
/** Commands of this process under way at once: the machine keeps as many answers for its session. */
const MAX_IN_FLIGHT = 1_000
/**
 * A leader that does not answer for so long may be gone or stopped; the question is put again, to whoever leads then.
 */
const ATTEMPT_TIMEOUT_MS = 1_500
/** How long the leader itself waits for an entry that somebody else has sent. */
const SERVE_TIMEOUT_MS = 5_000
/** Room for the session around a command. */
const SESSION_BYTES = 64

/** A session, and which of its commands are not answered yet. */
interface Session {
  readonly index: number
  next: number
  readonly open: Set<number>
}

export class Submissions {
  readonly #options: SubmissionsOptions
  #session: Promise<Session> | undefined
  /** The same, once it is there. */
  #opened: Session | undefined
  #inFlight = 0

  constructor(options: SubmissionsOptions) {
    this.#options = options
  }

  /** Takes what other members submit, from now on. */
  serve(): void {
    this.#options.requests().handle(SUBMIT_SUBJECT, (request) => this.#serve(request))
  }

  /**
   * The machine's reply. Rejects with `ERR_PAYLOAD_TOO_LARGE`, `ERR_BUFFER_FULL`, `ERR_NO_QUORUM`, `ERR_TIMEOUT`,
   * `ERR_ABORTED`, `ERR_SHUTTING_DOWN`; `mayHaveHappened` says whether the command may still be applied.
   */
  async submit(operation: string, command: ClientCommand, options: CallOptions = {}): Promise<ClusterReply> {
    beginWait(operation, { signal: options.signal, timeoutMs: options.timeoutMs })
    // With a session it is encoded, and so checked, at once; nobody waits for one with what cannot be sent.
    if (this.#session === undefined) checkSize(command)
    if (this.#inFlight >= MAX_IN_FLIGHT) throw tooMany()
    this.#inFlight += 1
    try {
      return await this.#inSession(operation, command, options)
    } finally {
      this.#inFlight -= 1
    }
  }

  async #inSession(operation: string, command: ClientCommand, options: CallOptions): Promise<ClusterReply> {
    const { timeoutMs = DEFAULT_CALL_TIMEOUT_MS, signal, isPatient } = options
    const deadline = this.#options.clock.now() + timeoutMs
    for (;;) {
      const { clock } = this.#options
      const session = this.#opened ?? (await inTime(clock, this.#open(), operation, deadline - clock.now(), signal))
      const left = { signal, isPatient, timeoutMs: Math.max(1, deadline - clock.now()) }
      const reply = await this.#once(operation, session, command, left)
      if (reply.type !== 'unknown-session') return reply
      if (this.#opened === session) this.#opened = this.#session = undefined
    }
  }

  /** `unknown-session`: nothing has happened under it. */
  async #once(
    operation: string,
    session: Session,
    command: ClientCommand,
    options: CallOptions,
  ): Promise<ClusterReply> {
    const sequence = session.next++
    session.open.add(sequence)
    let wasTried = false
    try {
      // In the order in which they began: the first is the smallest.
      const [floor = sequence] = session.open
      const wrapped: ClusterCommand = { type: 'in-session', session: session.index, sequence, floor, command }
      checkSize(wrapped)
      return await this.#options.calls.call(operation, options, async (leader, leftMs) => {
        const isFirst = !wasTried
        wasTried = true
        const answer = await this.#send(operation, leader, wrapped, leftMs, options.signal)
        // An earlier copy may have been applied before the session had to go; then nobody knows.
        if (answer.type === 'unknown-session' && !isFirst) throw lostSession()
        return answer
      })
    } finally {
      session.open.delete(sequence)
    }
  }

  /**
   * The session of this process, opened when it is first needed, for whoever asks. One that nobody uses changes
   * nothing.
   */
  #open(): Promise<Session> {
    if (this.#session) return this.#session
    const opening = this.#options.calls
      .call('open-session', {}, (leader, leftMs) =>
        this.#send('open-session', leader, { type: 'open-session' }, leftMs),
      )
      .then((reply) => {
        if (reply.type !== 'ok') throw new ClusterError('ERR_INTERNAL', `no session: ${reply.type}`, {})
        this.#opened = { index: reply.index, next: 1, open: new Set<number>() }
        return this.#opened
      })
    this.#session = opening
    opening.catch(() => {
      if (this.#session === opening) this.#session = undefined
    })
    return opening
  }

  #send(
    operation: string,
    leader: string,
    command: ClusterCommand,
    leftMs: number,
    signal?: AbortSignal,
  ): Promise<ClusterReply> {
    if (leader === this.#options.self) return this.#propose(operation, command, leftMs, signal)
    return this.#ask(leader, command, leftMs, signal)
  }

  async #ask(leader: string, command: ClusterCommand, leftMs: number, signal?: AbortSignal): Promise<ClusterReply> {
    const { requests } = this.#options
    const timeoutMs = Math.min(leftMs, ATTEMPT_TIMEOUT_MS)
    const answer = await requests().request(leader, SUBMIT_SUBJECT, encodeCommand(command), { signal, timeoutMs })
    return answer as unknown as ClusterReply
  }

  async #propose(operation: string, command: ClusterCommand, ms: number, signal?: AbortSignal): Promise<ClusterReply> {
    const coordination = this.#options.coordination()
    if (!coordination) throw new ClusterError('ERR_NOT_LEADER', 'this node is in no cluster', { leader: undefined })
    // What cannot be committed is not begun: then it cannot happen later, either.
    if (!coordination.reachesMajority) throw noQuorum(coordination.knowledge().voters, false)
    const limit = new CallLimit(this.#options.clock, operation, ms, signal)
    try {
      return await coordination.propose(command, limit)
    } finally {
      limit[Symbol.dispose]()
    }
  }

  async #serve({ payload }: IncomingRequest): Promise<Payload> {
    const command = clientCommandOf(payload)
    return (await this.#propose(SUBMIT_SUBJECT, command, SERVE_TIMEOUT_MS)) as unknown as Payload
  }
}

/** Members send each other what clients may say, and nothing else. */
function clientCommandOf(payload: Payload): ClusterCommand {
  if (!(payload instanceof Uint8Array) || payload.length > MAX_COMMAND_BYTES) throw new TypeError('not a command')
  const command = known(payload)
  if (command.type !== 'open-session' && command.type !== 'in-session') throw new TypeError('not a command of a client')
  return command
}

/** A member of a later release may ask for what a leader of this one does not know. */
function known(payload: Uint8Array): ClusterCommand {
  try {
    return decodeCommand(payload)
  } catch (error) {
    if (!(error instanceof WireError) || error.kind !== 'unknown-number') throw error
    throw upgradePending(featureLevels.own + 1, featureLevels.own)
  }
}

/** `ERR_PAYLOAD_TOO_LARGE` when it does not fit into one entry of a log; other engines keep the same bound. */
export function checkSize(command: ClusterCommand): void {
  const limit = command.type === 'in-session' ? MAX_COMMAND_BYTES : MAX_COMMAND_BYTES - SESSION_BYTES
  let bytes: number
  try {
    bytes = encodeCommand(command).length
  } catch (cause) {
    if (!(cause instanceof WireError)) throw cause
    throw new ClusterError(
      'ERR_PAYLOAD_TOO_LARGE',
      `it does not fit into one entry: ${cause.message}`,
      { bytes: limit + 1, limit },
      { cause },
    )
  }
  if (bytes <= limit) return
  throw new ClusterError('ERR_PAYLOAD_TOO_LARGE', `it takes ${bytes} bytes of ${limit} in one entry`, { bytes, limit })
}

/**
 * What opening a session comes to within a caller's own time; it goes on for the others. Nothing of the caller's has
 * happened.
 */
async function inTime<Value>(
  clock: Time,
  opening: Promise<Value>,
  operation: string,
  ms: number,
  signal?: AbortSignal,
): Promise<Value> {
  using limit = limited(clock, operation, ms, signal)
  return await withoutEffect(() => Promise.race([opening, rejectedBy(limit.signal)]))
}

function tooMany(): ClusterError {
  const details = { queue: 'submissions', limit: MAX_IN_FLIGHT }
  return new ClusterError('ERR_BUFFER_FULL', `${MAX_IN_FLIGHT} commands are under way already`, details)
}

function lostSession(): ClusterError {
  const message = 'the session of this node had to go while the command was under way'
  return new ClusterError('ERR_INTERNAL', message, {}, { mayHaveHappened: true })
}
