// Questions to the replicated machine, and their answers, as they travel: JSON, bounded. Every voter can answer them from its own copy; how
// fresh that copy has to be is the business of `reads.ts`.

import type { ClusterMachine, Compacted, ConfigChange, ConfigChanges, ConfigRecord } from '../../consensus/index.ts'

export type Query =
  | { readonly type: 'config-get'; readonly key: string }
  /** One page: keys after `after` that begin with `prefix`. */
  | { readonly type: 'config-list'; readonly prefix: string; readonly after: string; readonly limit: number }
  | { readonly type: 'config-history'; readonly key: string }
  | { readonly type: 'config-revision' }
  | { readonly type: 'config-changes'; readonly prefix: string; readonly from: number; readonly limit: number }

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
}

export type AnswerTo<Q extends Query> = Answers[Q['type']]

/** UTF-16 units of keys and values in one answer, about: it has to fit one envelope, three bytes each in the worst case. */
const MAX_ANSWER_LENGTH = 256 * 1_024

/** From the machine as it is. */
export function answer<Q extends Query>(machine: ClusterMachine, query: Q): AnswerTo<Q> {
  return answerAny(machine, query) as AnswerTo<Q>
}

function answerAny({ config }: ClusterMachine, query: Query): Answers[keyof Answers] {
  switch (query.type) {
    case 'config-get':
      return { record: config.get(query.key) ?? null }
    case 'config-list': {
      const found = config.list(query.prefix, query.limit + 1, query.after)
      const records = fitting(found.slice(0, query.limit))
      return { records, revision: config.revision, isWhole: records.length === found.length }
    }
    case 'config-history': {
      const { changes, compacted } = config.historyOf(query.key)
      return { changes: fitting([...changes].reverse()).reverse(), compacted }
    }
    case 'config-revision':
      return { revision: config.revision, compacted: config.compacted }
    case 'config-changes':
      return config.changes(query.from, query.prefix, query.limit)
    default:
      query satisfies never
      throw new TypeError('not a question')
  }
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
  switch (query?.type) {
    case 'config-get':
    case 'config-history':
      if (isText('key')) return query as unknown as Query
      break
    case 'config-list':
      if (isText('prefix') && isText('after') && isWhole('limit')) return query as unknown as Query
      break
    case 'config-changes':
      if (isText('prefix') && isWhole('from') && isWhole('limit')) return query as unknown as Query
      break
    case 'config-revision':
      return { type: 'config-revision' }
  }
  throw new TypeError('not a question')
}
