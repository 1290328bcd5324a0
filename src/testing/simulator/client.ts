// Somebody who uses the cluster: proposes commands at whoever seems to lead, believes nothing but an acknowledgement,
// and remembers every one of them for the oracle.

import type { ClusterCommand, LogIndex, Term } from '../../../consensus/index.ts'
import type { Prng } from './random.ts'

/** A node as a client sees it. */
export interface Server {
  readonly id: string
  /** It takes calls: it runs and is not stopped. */
  readonly isRunning: boolean
  readonly isLeading: boolean
  /** The token of S5 as this node knows it; 0: none yet. */
  knownToken(): number
  /** `acknowledged` is called at most once, when the command was applied where it was appended. */
  propose(command: ClusterCommand, acknowledged: (index: LogIndex, term: Term) => void): void
  /** `served` is called at most once, with the index that the machine stood at when it was read. */
  read(served: (index: LogIndex) => void): void
}

/** Chance that a client asks a random node instead of one that believes it leads. */
const ASKS_ANYBODY = 0.2

/** Chance that a client reads at a random node: followers serve reads too. */
const READS_ANYWHERE = 0.6

/** Chance that a client binds a name instead of asking for a decision. */
const BINDS_NAME = 0.3

/** Names come from a small set, so that claims meet. */
const NAMES = 12

export class Client {
  readonly #servers: readonly Server[]
  readonly #random: Prng
  readonly #acknowledged: (command: ClusterCommand, index: LogIndex, term: Term) => void
  #proposed = 0

  constructor(
    servers: readonly Server[],
    random: Prng,
    acknowledged: (command: ClusterCommand, index: LogIndex, term: Term) => void,
  ) {
    this.#servers = servers
    this.#random = random
    this.#acknowledged = acknowledged
  }

  /** Proposes one command somewhere. `done` is called if it is acknowledged. */
  act(done?: () => void): void {
    const running = this.#servers.filter((server) => server.isRunning)
    const leading = running.filter((server) => server.isLeading)
    const choice = leading.length === 0 || this.#random.chance(ASKS_ANYBODY) ? running : leading
    if (choice.length === 0) return
    const server = this.#random.pick(choice)
    const command = this.#drawCommand(server)
    server.propose(command, (index, term) => {
      this.#acknowledged(command, index, term)
      done?.()
    })
  }

  /**
   * Reads somewhere, where somebody leads or anywhere else. `begins` is called first, what it gives with the answer.
   */
  read(begins: () => (at: string, index: LogIndex) => void): void {
    const running = this.#servers.filter((server) => server.isRunning)
    const leading = running.filter((server) => server.isLeading)
    const choice = leading.length === 0 || this.#random.chance(READS_ANYWHERE) ? running : leading
    if (choice.length === 0) return
    const server = this.#random.pick(choice)
    const answered = begins()
    server.read((index) => answered(server.id, index))
  }

  #drawCommand(server: Server): ClusterCommand {
    const number = this.#proposed++
    if (this.#random.chance(BINDS_NAME)) {
      const holder = this.#random.pick(this.#servers).id
      return { type: 'bind-name', name: `name-${this.#random.integer(NAMES)}`, id: holder, replaces: undefined }
    }
    const payload = new Uint8Array([number & 255, (number >> 8) & 255, (number >> 16) & 255])
    return { type: 'decide', singleton: 's5', token: server.knownToken(), payload }
  }
}
