// Spreads the cluster record (design rule 1). The leader makes it when what it says changes, and repeats it every
// second while its lease holds; everyone gives it to a peer whose link comes up. So a member without a log knows the
// leader within a moment, and notices within three beats when no leader has a majority. Where the overlay is sparse,
// whoever hears a newer one passes it on.

import { isJoint } from '../../consensus/index.ts'
import type { Links } from '../links/links.ts'
import type { Time, Timer } from '../runtime/clock.ts'
import type { Turn } from '../runtime/turn.ts'
import type { Link } from '../wire/link.ts'
import type { ClusterRecord } from '../wire/record.ts'
import { type ClusterRecordKeeper, RECORD_BEAT_MS } from './cluster-record.ts'
import type { Voter } from './voter.ts'

export interface RecordSpreaderOptions {
  readonly self: string
  readonly clusterId: string
  readonly voters: readonly { readonly id: string; readonly storeId: string }[]
  readonly keeper: ClusterRecordKeeper
  readonly links: Links
  readonly clock: Time
  readonly turn: Turn
  /** Linked peers that are in no cluster yet. */
  readonly strangers: () => readonly string[]
  /** Not everybody is linked to the leader: who hears a newer record passes it on. */
  readonly isSparse: () => boolean
  /** The kept record is a newer one; it came over the link of `from`, undefined: it was made here. */
  readonly onNewer: (record: ClusterRecord, from: string | undefined) => void
}

export class RecordSpreader {
  readonly #options: RecordSpreaderOptions
  #voter: Voter | undefined
  #beat = 0
  #said = ''
  /** Links over which it was said which cluster this is, when nothing else was known. */
  readonly #named = new WeakSet<Link>()
  readonly #timer: Timer

  constructor(options: RecordSpreaderOptions) {
    this.#options = options
    this.#timer = options.clock.setInterval(() => options.turn.enter(() => this.#repeat()), RECORD_BEAT_MS)
  }

  /** This node holds the log, or no more: it makes the record whenever it leads. */
  follow(voter: Voter | undefined): void {
    this.#voter = voter
  }

  /**
   * What a peer is told when its link comes up, and when it is in this cluster: what is known, or at least which
   * cluster this is; that once.
   */
  greet(peer: string): void {
    const { keeper, links } = this.#options
    const link = links.get(peer)
    if (!link) return
    const record = keeper.record ?? this.#first()
    if (record.leader === '' && this.#named.has(link)) return
    if (record.leader === '') this.#named.add(link)
    links.send(peer, { type: 'record', record })
  }

  receive(record: ClusterRecord, from?: string): void {
    const { keeper, clock, strangers, isSparse, onNewer } = this.#options
    const before = keeper.record
    if (!keeper.offer(record, clock.now())) return
    // Whoever looks for a cluster joins one that has a leader: now it can be told.
    if ((before?.leader ?? '') !== record.leader) for (const peer of strangers()) this.greet(peer)
    if (from !== undefined && isSparse()) this.#send(record, from)
    onNewer(record, from)
  }

  /** To everybody but the one that it came from. */
  #send(record: ClusterRecord, from?: string): void {
    const { links } = this.#options
    for (const { peer } of links.all()) if (peer.id !== from) links.send(peer.id, { type: 'record', record })
  }

  /** Something about this voter changed: say so at once if the record does. */
  refresh(): void {
    const record = this.#make()
    if (!record) return
    const { leader, term, topology, s5, voters, learners } = record
    const said = JSON.stringify([leader, term, topology, s5, voters, learners])
    if (said !== this.#said) this.#publish(record, said)
  }

  close(): void {
    this.#timer?.[Symbol.dispose]()
  }

  #repeat(): void {
    const record = this.#make()
    if (record && this.#voter?.hasLease()) this.#publish(record, this.#said)
  }

  #publish(record: ClusterRecord, said: string): void {
    this.#said = said
    this.#beat += 1
    const numbered = { ...record, beat: this.#beat }
    this.receive(numbered)
    this.#send(numbered)
  }

  /** Only a leader whose own term's first entry is applied speaks for the cluster. */
  #make(): ClusterRecord | undefined {
    const voter = this.#voter
    if (!voter) return undefined
    const { role, term } = voter.view()
    if (role !== 'leader' || voter.applied.term !== term) return undefined
    const s5 = voter.machine.singleton('s5')
    const { name, epoch, isFounded } = voter.machine.topology
    return {
      clusterId: this.#options.clusterId,
      index: voter.applied.index,
      term,
      leader: this.#options.self,
      ...this.#holders(voter),
      // Until the first leader has said it, everybody begins with what it was told itself.
      topology: { name: isFounded ? name : '', epoch },
      s5: { host: s5?.host ?? '', token: s5?.token ?? 0, active: s5 !== undefined && voter.holds(s5.token) },
      beat: 0,
    }
  }

  /** Who holds the log by the last settled configuration. While one is on its way: as said before. */
  #holders(voter: Voter): Pick<ClusterRecord, 'voters' | 'learners'> {
    const { configuration, configurationSettled } = voter.view()
    const said = this.#options.keeper.record
    const { voters, learners } =
      !configurationSettled || isJoint(configuration) ? (said ?? configuration) : configuration
    return { voters, learners }
  }

  #first(): ClusterRecord {
    const { clusterId, voters } = this.#options
    const s5 = { host: '', token: 0, active: false }
    return {
      clusterId,
      index: 0,
      term: 0,
      leader: '',
      voters,
      learners: [],
      topology: { name: '', epoch: 0 },
      s5,
      beat: 0,
    }
  }
}
