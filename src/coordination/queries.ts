// Questions to the replicated machine, and their answers, as they travel: JSON, bounded. Every voter can answer them
// from its own copy; how fresh that copy has to be is the business of `reads.ts`.

import type {
  Claim,
  ClaimedThing,
  ClaimKind,
  ClusterMachine,
  Compacted,
  ConfigChange,
  ConfigChanges,
  ConfigRecord,
} from '../../consensus/index.ts'
import { claimKindNumbers } from '../wire/message-numbers.ts'
import type { ClaimView } from './lease-interface.ts'

export type Query =
  | { readonly type: 'config-get'; readonly key: string }
  /** One page: keys after `after` that begin with `prefix`. */
  | { readonly type: 'config-list'; readonly prefix: string; readonly after: string; readonly limit: number }
  /**
   * `until`: no later changes, for the answer is full after as many of the newest as fit. Earlier releases tell those
   * all the same.
   */
  | { readonly type: 'config-history'; readonly key: string; readonly until?: number }
  | { readonly type: 'config-revision' }
  | { readonly type: 'config-changes'; readonly prefix: string; readonly from: number; readonly limit: number }
  /** What became of a claim. `since`: the round of the barrier that it belongs to. */
  | {
      readonly type: 'claim'
      readonly kind: ClaimKind
      readonly name: string
      readonly claim: number
      readonly since: number
    }
  /** Who holds it; awaited: when that is no longer the holder of the token `known` (0: nobody; -1: whoever). */
  | { readonly type: 'holder'; readonly kind: ClaimKind; readonly name: string; readonly known: number }
  /** One page, after so many. */
  | { readonly type: 'claims'; readonly after: number }
  | { readonly type: 'counter'; readonly name: string }

export interface Answers {
  readonly 'config-get': { readonly record: ConfigRecord | null }
  readonly 'config-list': {
    readonly records: readonly ConfigRecord[]
    readonly revision: number
    readonly isWhole: boolean
  }
  readonly 'config-history': { readonly changes: readonly ConfigChange[]; readonly compacted: number }
  readonly 'config-revision': { readonly revision: number; readonly compacted: number }
  readonly 'config-changes': ConfigChanges | Compacted
  readonly claim: { readonly state: 'waiting' | 'granted' | 'passed' | 'gone'; readonly token: number }
  readonly holder: { readonly holder: Claim | null; readonly isKnown: boolean }
  readonly claims: { readonly things: readonly ClaimView[]; readonly isWhole: boolean }
  readonly counter: { readonly value: number }
}

export type AnswerTo<Q extends Query> = Answers[Q['type']]

/**
 * UTF-16 units of keys and values in one answer, about: it has to fit one envelope, three bytes each in the worst case.
 */
const MAX_ANSWER_LENGTH = 256 * 1_024

/** A machine, and the last entry that it has seen. */
export interface Copy {
  readonly machine: ClusterMachine
  readonly appliedIndex: number
}

/**
 * Claims in one answer, about; those of one thing are not parted. A claim shows a name and an owner, of 128 bytes at
 * most.
 */
const MAX_ANSWER_CLAIMS = 1_000

/** From the machine as it is. */
export function answer<Q extends Query>(copy: Copy, query: Q): AnswerTo<Q> {
  return answerAny(copy, query) as AnswerTo<Q>
}

function answerAny(
  { machine: { config, claims, counters }, appliedIndex }: Copy,
  query: Query,
): Answers[keyof Answers] {
  switch (query.type) {
    case 'config-get':
      return { record: config.get(query.key) ?? null }
    case 'config-list': {
      const found = config.list(query.prefix, query.limit + 1, query.after)
      const records = fitting(found.slice(0, query.limit))
      return { records, revision: config.revision, isWhole: records.length === found.length }
    }
    case 'config-history': {
      const { until = Number.POSITIVE_INFINITY } = query
      const { changes, compacted } = config.historyOf(query.key)
      const asked = changes.filter(({ revision }) => revision <= until)
      return { changes: fitting(asked.reverse()).reverse(), compacted }
    }
    case 'config-revision':
      return { revision: config.revision, compacted: config.compacted }
    case 'config-changes':
      return config.changes(query.from, query.prefix, query.limit)
    case 'claim':
      return stateOf(claims.get(query.kind, query.name), query, appliedIndex)
    case 'holder': {
      const holder = claims.get(query.kind, query.name)?.claims.find(({ token }) => token > 0) ?? null
      return { holder, isKnown: (holder?.token ?? 0) === query.known }
    }
    case 'claims': {
      const following = [...claims.all()].slice(query.after)
      const things = fittingThings(following)
      return { things: things.map(viewOf), isWhole: things.length === following.length }
    }
    case 'counter':
      return { value: counters.get(query.name)?.value ?? 0 }
    default:
      query satisfies never
      throw new TypeError('not a question')
  }
}

function stateOf(
  thing: ClaimedThing | undefined,
  query: Extract<Query, { type: 'claim' }>,
  appliedIndex: number,
): Answers['claim'] {
  const found = thing?.claims.find(({ claim }) => claim === query.claim)
  if (found) return { state: found.token > 0 ? 'granted' : 'waiting', token: found.token }
  // A copy that has not seen the claim yet knows nothing of it.
  if (appliedIndex < query.claim) return { state: 'waiting', token: 0 }
  return { state: query.kind === 'barrier' && thing?.since !== query.since ? 'passed' : 'gone', token: 0 }
}

/** As users see it. */
export function viewOf({ kind, name, limit, claims }: ClaimedThing): ClaimView {
  const holders = claims.filter(({ token }) => token > 0)
  const waiting = claims.filter(({ token }) => token === 0)
  return {
    kind,
    name,
    limit,
    holders: holders.map(({ owner, token, leaseMs }) => ({ owner, token, leaseMs })),
    waiting: waiting.map(({ owner }) => owner),
  }
}

function fittingThings(things: readonly ClaimedThing[]): readonly ClaimedThing[] {
  let claims = 0
  const end = things.findIndex(({ claims: more }) => {
    claims += more.length
    return claims > MAX_ANSWER_CLAIMS
  })
  return end < 0 ? things : things.slice(0, Math.max(1, end))
}

/** As many from the front as fit one answer, at least one. */
function fitting<Item extends { readonly key: string; readonly value?: string | undefined }>(
  items: readonly Item[],
): Item[] {
  let length = 0
  const end = items.findIndex(({ key, value }) => {
    length += key.length + (value?.length ?? 0)
    return length > MAX_ANSWER_LENGTH
  })
  return end < 0 ? [...items] : items.slice(0, Math.max(1, end))
}

/** Throws on anything that no member of this release asks. */
export function parseQuery(value: unknown): Query {
  const query = value as Record<string, unknown> | null
  const isText = (name: string): boolean => typeof query?.[name] === 'string'
  const isWhole = (name: string): boolean => Number.isSafeInteger(query?.[name]) && (query?.[name] as number) >= 0
  const isKind = Object.keys(claimKindNumbers).includes(String(query?.kind))
  switch (query?.type) {
    case 'config-get':
      if (isText('key')) return query as unknown as Query
      break
    case 'config-history':
      if (isText('key') && (query.until === undefined || isWhole('until'))) return query as unknown as Query
      break
    case 'config-list':
      if (isText('prefix') && isText('after') && isWhole('limit')) return query as unknown as Query
      break
    case 'config-changes':
      if (isText('prefix') && isWhole('from') && isWhole('limit')) return query as unknown as Query
      break
    case 'config-revision':
      return { type: 'config-revision' }
    case 'claim':
      if (isKind && isText('name') && isWhole('claim') && isWhole('since')) return query as unknown as Query
      break
    case 'holder':
      if (isKind && isText('name') && Number.isSafeInteger(query.known)) return query as unknown as Query
      break
    case 'claims':
      if (isWhole('after')) return query as unknown as Query
      break
    case 'counter':
      if (isText('name')) return query as unknown as Query
      break
  }
  throw new TypeError('not a question')
}
