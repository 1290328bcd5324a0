// The registry as one may ask it: instances by name, seen through membership. An owner that is `down` or `left` has
// none, one that is suspect or stalled keeps its own with that mark, and both are as before as soon as the owner is.

import satisfies from 'semver/functions/satisfies.js'
import type { MemberView } from '../node-interface.ts'
import { Candidates, type Target } from './candidates.ts'
import type { Registry } from './registry.ts'
import type { ServiceFacts } from './service-facts.ts'
import type { ServiceInstance, ServiceQuery } from './service-interface.ts'

interface Indexed {
  readonly owner: string
  readonly number: number
  readonly facts: ServiceFacts
  /** As it is seen now; made when it is asked for, and again when its member has changed. */
  target: Target | undefined
}

const none: ReadonlyMap<string, Indexed> = new Map()

export class ServiceIndex {
  readonly #registry: Registry<ServiceFacts>
  readonly #members = new Map<string, MemberView>()
  readonly #byName = new Map<string, Map<string, Indexed>>()
  readonly #namesOf = new Map<string, Map<string, string>>()
  /** What calls without further conditions choose among, by name of the service; until something changes. */
  readonly #candidates = new Map<string, Candidates>()

  constructor(registry: Registry<ServiceFacts>) {
    this.#registry = registry
  }

  member(view: MemberView): void {
    this.#candidates.clear()
    this.#members.set(view.id, view)
    for (const [id, name] of this.#namesOf.get(view.id) ?? []) {
      const indexed = this.#byName.get(name)?.get(id)
      if (indexed) indexed.target = undefined
    }
  }

  forget(member: string): void {
    this.#members.delete(member)
    this.#registry.forget(member)
    this.refresh([member])
  }

  /** What is known of these owners has changed. */
  refresh(owners: readonly string[]): void {
    if (owners.length > 0) this.#candidates.clear()
    for (const owner of owners) {
      for (const [id, name] of this.#namesOf.get(owner) ?? []) this.#drop(name, id)
      const names = new Map<string, string>()
      for (const { number, facts } of this.#registry.entriesOf(owner)) {
        const id = instanceId(owner, number)
        names.set(id, facts.name)
        const sameName = this.#byName.get(facts.name) ?? new Map<string, Indexed>()
        this.#byName.set(facts.name, sameName.set(id, { owner, number, facts, target: undefined }))
      }
      if (names.size > 0) this.#namesOf.set(owner, names)
      else this.#namesOf.delete(owner)
    }
  }

  /** All that match, of members that are here. */
  find(query: ServiceQuery): Target[] {
    const names = query.name === undefined ? this.#byName.values() : [this.#byName.get(query.name) ?? none]
    const found: Target[] = []
    for (const sameName of names)
      for (const [id, indexed] of sameName) {
        const member = this.#members.get(indexed.owner)
        if (!member || member.state === 'down' || member.state === 'left') continue
        indexed.target ??= targetOf(id, indexed, member)
        if (matches(indexed.target.instance, query)) found.push(indexed.target)
      }
    return found
  }

  /** The same for calls. */
  candidates(name: string, query: Omit<ServiceQuery, 'name'>): Candidates {
    if (!isPlain(query)) return new Candidates(this.find({ ...query, name }))
    const known = this.#candidates.get(name)
    if (known) return known
    const candidates = new Candidates(this.find({ name }))
    if (candidates.targets.length > 0) this.#candidates.set(name, candidates)
    return candidates
  }

  names(): Iterable<string> {
    return this.#byName.keys()
  }

  #drop(name: string, id: string): void {
    const sameName = this.#byName.get(name)
    sameName?.delete(id)
    if (sameName?.size === 0) this.#byName.delete(name)
  }
}

export function instanceId(owner: string, number: number): string {
  return `${owner}.${number}`
}

function targetOf(id: string, { owner, number, facts }: Indexed, { name, state, condition }: MemberView): Target {
  return { instance: Object.freeze({ id, ...facts, member: name, state, condition }), owner, number }
}

function isPlain({ namespace = '', version, capabilities, zone, health, cluster }: ServiceQuery): boolean {
  return namespace === '' && (version ?? capabilities ?? zone ?? health ?? cluster) === undefined
}

function matches(instance: ServiceInstance, query: ServiceQuery): boolean {
  const { namespace = '', capabilities = [], version, zone, health, cluster } = query
  return (
    (namespace === '*' || instance.namespace === namespace) &&
    capabilities.every((each) => instance.capabilities.includes(each)) &&
    (version === undefined || satisfies(instance.version, version)) &&
    (zone === undefined || instance.zone === zone) &&
    (cluster === undefined || instance.cluster === cluster) &&
    (health === undefined || instance.health === health)
  )
}
