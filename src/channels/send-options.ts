// The options of one call, checked: all problems are told at once, as `ERR_BAD_OPTIONS`. A call without options costs
// nothing here.

import { aboveZero, type OptionCheck, trueOrFalse, waitChecks } from '../call-options.ts'
import { closestWord } from '../closest-word.ts'
import { ClusterError, isClusterError } from '../errors.ts'
import { fitsIn } from '../text-bytes.ts'
import { MAX_KEY_BYTES } from '../wire/limits.ts'
import type { OnFull, SendOptions } from './channel.ts'
import { type ChannelDefaults, DEFAULT_TIMEOUT_MS } from './channel-defaults.ts'
import { isTopic } from './topics.ts'

/** What a message is sent by. */
export interface ResolvedSendOptions {
  readonly ack: boolean
  readonly key: string | undefined
  readonly monotonic: boolean
  readonly causal: boolean
  readonly topic: string | undefined
  readonly deadlineMs: number | undefined
  readonly signal: AbortSignal | undefined
  readonly timeoutMs: number
  readonly onFull: OnFull
}

const policies: readonly OnFull[] = ['wait', 'fail', 'drop-oldest']

/** Of each option. Clients check theirs by it, too, in browsers. */
export const sendChecks: { readonly [Key in keyof Required<SendOptions>]: OptionCheck } = {
  ack: trueOrFalse,
  key: (value) => {
    const isFit = typeof value === 'string' && value !== '' && fitsIn(value, MAX_KEY_BYTES)
    return isFit ? undefined : `must be a text of 1 to ${MAX_KEY_BYTES} bytes`
  },
  monotonic: trueOrFalse,
  causal: trueOrFalse,
  topic: (value) => (isTopic(value) ? undefined : 'must be words with dots between'),
  deadlineMs: aboveZero,
  ...waitChecks,
  onFull: (value) =>
    policies.includes(value as OnFull) ? undefined : `must be one of ${policies.map((each) => `'${each}'`).join(', ')}`,
}

/** Options that a channel's defaults make, one object for each channel. */
export function defaultSendOptions({ ack, onFull }: ChannelDefaults): ResolvedSendOptions {
  return {
    ack,
    key: undefined,
    monotonic: false,
    causal: false,
    topic: undefined,
    deadlineMs: undefined,
    signal: undefined,
    timeoutMs: DEFAULT_TIMEOUT_MS,
    onFull,
  }
}

/** Throws `ERR_BAD_OPTIONS` with all problems. */
export function resolveSendOptions(
  options: SendOptions | undefined,
  defaults: ResolvedSendOptions,
  channel: ChannelDefaults,
): ResolvedSendOptions {
  if (options === undefined) return defaults
  const problems = problemsOf(options)
  if (problems !== undefined) throw badOptions(problems)
  const key = options.key ?? defaults.key
  const causal = options.causal ?? defaults.causal
  // A channel's newest wins among messages of one key; those without one are all wanted, unless their sender says
  // otherwise.
  const monotonic = options.monotonic ?? (channel.monotonic && key !== undefined && !causal)
  if (causal && (monotonic || key !== undefined))
    throw badOptions([
      `causal messages are ordered by their topic: '${monotonic ? 'monotonic' : 'key'}' contradicts that`,
    ])
  // Field by field: this runs for every message of whoever gives options.
  return {
    ack: options.ack ?? defaults.ack,
    // The newest of a topic: it is told from others by that.
    key: key ?? (monotonic ? options.topic : undefined),
    monotonic,
    causal,
    topic: options.topic ?? defaults.topic,
    deadlineMs: options.deadlineMs ?? defaults.deadlineMs,
    signal: options.signal ?? defaults.signal,
    timeoutMs: options.timeoutMs ?? defaults.timeoutMs,
    onFull: options.onFull ?? defaults.onFull,
  }
}

const noObject = 'the options must be an object'
const isObject = (options: unknown): boolean =>
  typeof options === 'object' && options !== null && !Array.isArray(options)

/** Throws `ERR_BAD_OPTIONS` when they are none: for what is put together of them. */
export function checkOptions(options: SendOptions): void {
  if (!isObject(options)) throw badOptions([noObject])
}

/** Undefined: none. */
function problemsOf(options: SendOptions): string[] | undefined {
  if (!isObject(options)) return [noObject]
  let problems: string[] | undefined
  for (const name of Object.keys(options)) {
    const problem = problemOf(name, options[name as keyof SendOptions])
    if (problem === undefined) continue
    problems ??= []
    problems.push(problem)
  }
  return problems
}

function problemOf(name: string, value: unknown): string | undefined {
  if (!Object.hasOwn(sendChecks, name)) {
    const meant = closestWord(name, Object.keys(sendChecks))
    return `unknown option '${name}'${meant === undefined ? '' : `, did you mean '${meant}'?`}`
  }
  const problem = value === undefined ? undefined : sendChecks[name as keyof SendOptions](value)
  return problem === undefined ? undefined : `${name} ${problem}`
}

/** All problems as one error. */
export function badOptions(problems: readonly string[]): ClusterError {
  return new ClusterError('ERR_BAD_OPTIONS', problems.join('; '), { problems })
}

/** `error`, which refuses arguments of a call, with whatever else `check` throws against them: all problems at once. */
export function withAllProblems(error: unknown, check: () => unknown): unknown {
  const problems = problemsIn(error)
  if (problems.length === 0) return error
  try {
    check()
  } catch (other) {
    problems.push(...problemsIn(other))
  }
  return problems.length === 1 ? error : badOptions(problems)
}

function problemsIn(error: unknown): string[] {
  if (isClusterError(error, 'ERR_BAD_OPTIONS')) return [...error.details.problems]
  return isClusterError(error, 'ERR_BAD_REQUEST') ? [error.details.problem] : []
}
