// The engine of a node, before and after it is open: what stands on it is made first.

import type { ClientCommand, ClusterReply } from '../../consensus/index.ts'
import { ClusterError } from '../errors.ts'
import type { CallOptions } from './leader-calls.ts'
import type { AnswerTo, Query } from './queries.ts'
import type { Aged } from './reads.ts'
import type { Commands, OpenEngine, Questions } from './store.ts'

export class EngineGate implements Commands, Questions {
  #engine: OpenEngine | undefined

  open(engine: OpenEngine): void {
    this.#engine = engine
  }

  /** Throws `ERR_SHUTTING_DOWN` before the node has started. */
  get engine(): OpenEngine {
    if (this.#engine) return this.#engine
    throw new ClusterError('ERR_SHUTTING_DOWN', 'the node has not started', {})
  }

  get isOpen(): boolean {
    return this.#engine !== undefined
  }

  submit(operation: string, command: ClientCommand, options?: CallOptions): Promise<ClusterReply> {
    return this.engine.submit(operation, command, options)
  }

  linearizable<Q extends Query>(operation: string, query: Q, options: CallOptions): Promise<AnswerTo<Q>> {
    return this.engine.linearizable(operation, query, options)
  }

  stale<Q extends Query>(query: Q, options: CallOptions): Promise<Aged<AnswerTo<Q>>> {
    return this.engine.stale(query, options)
  }

  awaited<Q extends Query>(query: Q, signal: AbortSignal): Promise<AnswerTo<Q> | undefined> {
    return this.engine.awaited(query, signal)
  }

  pause(signal: AbortSignal): Promise<void> {
    return this.engine.pause(signal)
  }
}
