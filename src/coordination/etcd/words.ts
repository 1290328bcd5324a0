// What etcd says, in the words of questions and answers.

import type { IEvent, IKeyValue } from 'etcd3'
import type { ClaimedThing, ClaimKind, ConfigChange, ConfigRecord } from '../../../consensus/index.ts'
import type { Answers } from '../queries.ts'
import { claimOf, type Keys, type StoredClaim } from './keys.ts'

export function recordOf(key: string, { value, mod_revision, create_revision }: IKeyValue): ConfigRecord {
  const createRevision = Number(create_revision)
  return { key, value: value.toString('utf8'), revision: Number(mod_revision), createRevision }
}

/** The key of config that stands there. */
export function keyOf(keys: Keys, { key }: IKeyValue): string {
  const place = keys.placeOf(key)
  return place?.room === 'config' ? place.key : ''
}

/** What etcd tells of a key of config. */
export function changeOf(key: string, { type, kv, prev_kv }: IEvent): ConfigChange {
  const revision = Number(kv.mod_revision)
  if (type === 'Put')
    return { key, value: kv.value.toString('utf8'), revision, createRevision: Number(kv.create_revision) }
  return { key, value: undefined, revision, createRevision: Number(prev_kv?.create_revision ?? 0) }
}

/** As the questions about claims are answered. Of a barrier nobody holds. */
export function thingOf(kind: ClaimKind, name: string, claims: readonly StoredClaim[]): ClaimedThing {
  const limit = claims[0]?.limit ?? 1
  const holders = kind === 'barrier' ? 0 : limit
  return {
    kind,
    name,
    limit,
    since: 0,
    claims: claims.map(({ claim, owner, leaseMs, value }, place) => ({
      ...{ claim, owner, leaseMs, value },
      renewedAt: claim,
      token: place < holders ? claim : 0,
    })),
  }
}

/** All that is claimed, of the keys of a whole stretch. */
export function thingsIn(keys: Keys, kvs: readonly IKeyValue[]): ClaimedThing[] {
  const found = new Map<string, { readonly kind: ClaimKind; readonly name: string; readonly claims: StoredClaim[] }>()
  for (const kv of kvs) {
    const place = keys.placeOf(kv.key)
    const claim = claimOf(kv)
    if (place?.room !== 'claims' || claim === undefined) continue
    const { kind, name } = place
    const thing = found.get(`${kind}/${name}`) ?? { kind, name, claims: [] }
    thing.claims.push(claim)
    found.set(`${kind}/${name}`, thing)
  }
  return [...found.values()].map(({ kind, name, claims }) =>
    thingOf(
      kind,
      name,
      claims.sort((a, b) => a.claim - b.claim),
    ),
  )
}

/** The first who holds it. */
export function holderOf(
  claims: readonly StoredClaim[],
  { kind, name, known }: { readonly kind: ClaimKind; readonly name: string; readonly known: number },
): Answers['holder'] {
  const holder = thingOf(kind, name, claims).claims.find(({ token }) => token > 0) ?? null
  return { holder, isKnown: (holder?.token ?? 0) === known }
}

/** A deletion without what was deleted: etcd had dropped that, so changes are missing. */
export function changesAnswer(changes: readonly ConfigChange[], next: number): Answers['config-changes'] {
  const blind = changes.findLast(({ createRevision }) => createRevision === 0)
  if (blind) return { type: 'compacted', compacted: blind.revision }
  return { type: 'changes', changes, next }
}
