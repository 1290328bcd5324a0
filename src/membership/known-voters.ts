// Who holds the log, as this node knows it: by the cluster record, else as its disk remembers. It says what the policy
// of voters needs to know of the members, and keeps the disk's memory of the voters up to date.

import { featureLevels, type MemberFacts } from '../../consensus/index.ts'
import type { MemberRecord } from '../../topology/index.ts'
import type { Coordination } from '../coordination/coordination.ts'
import type { Links } from '../links/links.ts'
import type { Self } from '../self.ts'
import type { StoredCluster } from '../storage/node-storage.ts'
import { levelOfFeatures } from '../wire/versions.ts'

/** Members with this role only use the cluster. */
const CLIENT_ROLE = 'client'
/** Members with this role vote, and never host S5: one that leads hands over. */
const WITNESS_ROLE = 'witness'

/** What is asked of the node at the moment it matters. */
export interface VoterSources {
  readonly coordination: Coordination | undefined
  readonly cluster: StoredCluster | undefined
  readonly links: Pick<Links, 'get'>
  members(): readonly MemberRecord[]
}

export class KnownVoters {
  readonly #self: Self
  readonly #sources: VoterSources
  readonly #remember: (cluster: StoredCluster) => void

  /** `remember`: the disk shall hold it from now on. */
  constructor(self: Self, sources: VoterSources, remember: (cluster: StoredCluster) => void) {
    this.#self = self
    this.#sources = sources
    this.#remember = remember
  }

  get voters(): StoredCluster['voters'] {
    return this.#sources.coordination?.record?.voters ?? this.#sources.cluster?.voters ?? []
  }

  /** Ids of all who hold the log, learners too: they keep links to each other. */
  get holders(): readonly string[] {
    const knowledge = this.#sources.coordination?.knowledge()
    return knowledge ? [...knowledge.voters, ...knowledge.learners] : this.voters.map(({ id }) => id)
  }

  includes(id: string): boolean {
    return this.voters.some((voter) => voter.id === id)
  }

  /** Whether somebody else is there, and stays, to whom this node has not yet given up its place. */
  get hasPlaceToGive(): boolean {
    const stays = ({ id, state, condition }: MemberRecord): boolean =>
      id !== this.#self.id && state === 'alive' && condition !== 'draining'
    return this.holders.includes(this.#self.id) && this.#sources.members().some(stays)
  }

  /** Members as the policy sees them. Who stopped may come back: only by draining does a member give its vote up. */
  facts(): readonly MemberFacts[] {
    return this.#sources.members().map(({ id, state, condition, roles }) => ({
      id,
      storeId: this.#storeIdOf(id) ?? '',
      state: state === 'left' ? 'down' : state,
      isDraining: condition === 'draining' && state !== 'left',
      mayVote: !roles.includes(CLIENT_ROLE),
      mayHost: !roles.includes(WITNESS_ROLE),
      level: this.#levelOf(id),
    }))
  }

  /** A restart begins with the voters there are now, whoever founded the cluster. */
  follow(): void {
    const cluster = this.#sources.cluster
    if (cluster?.admitted && !areSame(cluster.voters, this.voters)) {
      this.#remember({ ...cluster, voters: this.voters })
    }
  }

  #levelOf(id: string): number {
    if (id === this.#self.id) return featureLevels.own
    const link = this.#sources.links.get(id)
    return link === undefined ? 0 : levelOfFeatures(link.peer.features)
  }

  #storeIdOf(id: string): string | undefined {
    return id === this.#self.id ? this.#self.storeId : this.#sources.links.get(id)?.peer.storeId
  }
}

function areSame(some: StoredCluster['voters'], others: StoredCluster['voters']): boolean {
  const text = (voters: StoredCluster['voters']): string => voters.map(({ id, storeId }) => `${id} ${storeId}`).join()
  return text(some) === text(others)
}
