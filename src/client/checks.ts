// What programs hand in to a client, checked before anything is begun, by the same checks as a node's: all problems at
// once.

import { checkedOptions, checkText, type OptionChecks, problemsOf, trueOrFalse, waitChecks } from '../call-options.ts'
import type { Recipient } from '../channels/channel.ts'
import { sendChecks, withAllProblems } from '../channels/send-options.ts'
import { ClusterError } from '../errors.ts'
import { jsonText } from '../json-text.ts'
import { targetChecks } from '../services/service-checks.ts'
import type { ClientOptions } from './client.ts'

const MAX_URLS = 64
const MAX_TIMEOUT_MS = 3_600_000
const MAX_SHOWN = 200

const connectChecks: OptionChecks<ClientOptions> = {
  token: (value) =>
    typeof value === 'string' || typeof value === 'function' ? undefined : 'must be a text, or what gives one',
  timeoutMs: (value) => {
    const isFit = typeof value === 'number' && value >= 1 && value <= MAX_TIMEOUT_MS
    return isFit ? undefined : `(${String(value)}) must be a number from 1 to ${MAX_TIMEOUT_MS}`
  },
  WebSocket: (value) => (typeof value === 'function' ? undefined : 'must be a class'),
}

/** Of a call with a message; its lane is the node's. */
const { topic: _topic, onFull: _onFull, ...messageChecks } = sendChecks
export const clientSendChecks = messageChecks
export const clientReadChecks = { ...waitChecks, stale: trueOrFalse }

/** Throws what all of these throw against what a caller has given, at once. */
export function checkAll(...checks: readonly (() => unknown)[]): void {
  for (const [index, check] of checks.entries()) {
    try {
      check()
    } catch (error) {
      throw withAllProblems(error, () => checkAll(...checks.slice(index + 1)))
    }
  }
}

/** The addresses as a list. Throws `ERR_BAD_OPTIONS`. */
export function checkedConnect(urls: string | readonly string[], options: ClientOptions): readonly string[] {
  const list = [urls].flat()
  const problems = list.flatMap((url) => urlProblem(url) ?? [])
  if (list.length === 0 || list.length > MAX_URLS) problems.push(`1 to ${MAX_URLS} URLs are needed`)
  problems.push(...problemsOf(options, connectChecks))
  if (options?.WebSocket === undefined && typeof WebSocket !== 'function')
    problems.push('WebSocket is missing: there is none here')
  if (problems.length > 0) throw new ClusterError('ERR_BAD_OPTIONS', problems.join('; '), { problems })
  return list
}

/** Of one that is sent to somebody. */
export function checkRecipient(to: Recipient): void {
  if (typeof to === 'object' && to !== null) checkedOptions(to, targetChecks, ['service'])
  else checkText('the name or id of a member', to)
}

/** What is left out would not travel; all else is looked at when it is said. */
export function checkValue(what: string, value: unknown): void {
  if (value === undefined) jsonText(value, what)
}

function urlProblem(url: unknown): string | undefined {
  if (typeof url !== 'string') return `a URL must be a text, not ${url === null ? 'null' : typeof url}`
  if (URL.canParse(url) && /^(https?|wss?):$/.test(new URL(url).protocol)) return undefined
  const meant = `http://${url}`
  const advice = !url.includes('//') && URL.canParse(meant) ? `, did you mean '${meant.slice(0, MAX_SHOWN)}'?` : ''
  return `'${url.slice(0, MAX_SHOWN)}' is no URL that begins with http:// or https://${advice}`
}
