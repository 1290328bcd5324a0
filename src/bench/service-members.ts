// Starts the processes of the benchmark of services, and ends them.

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePorts } from '../free-ports.ts'
import { type Broker, moleculer } from './moleculer.ts'
import type { Propagation, ServiceMemberQuestion, ServiceMemberRole } from './service-member.ts'

const program = fileURLToPath(new URL(`service-member${extname(import.meta.url)}`, import.meta.url))

export class ServiceMembers implements AsyncDisposable {
  readonly #processes: ChildProcess[] = []

  /** Resolves to its address when it is what it was told to be. Rejects when it ended before. */
  async start(role: ServiceMemberRole): Promise<{ readonly address: string; readonly process: ChildProcess }> {
    const member = fork(program, { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] })
    this.#processes.push(member)
    member.send(role)
    return { address: String(await answerOf(member)), process: member }
  }

  /**
   * Moleculer here and in a process of its own, whose service `echo` gives back what it gets; undefined: it is not
   * installed.
   */
  async moleculer(): Promise<Broker | undefined> {
    const ports = (await freePorts(2)) as [number, number]
    const broker = await moleculer('near', ports).catch(() => undefined)
    if (broker === undefined) return undefined
    await this.start({ type: 'moleculer', ports })
    await broker.start()
    await broker.waitForServices('echo')
    return broker
  }

  propagation(member: ChildProcess): Promise<Propagation> {
    return this.#ask(member, 'propagation') as Promise<Propagation>
  }

  /** Resolves when each member there finds so many instances. */
  async holds(member: ChildProcess, instances: number): Promise<void> {
    await this.#ask(member, { type: 'holds', instances })
  }

  #ask(member: ChildProcess, question: ServiceMemberQuestion): Promise<unknown> {
    member.send(question)
    return answerOf(member)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(
      this.#processes.map(async (member) => {
        if (member.exitCode !== null || member.signalCode !== null) return
        member.disconnect()
        await once(member, 'exit')
      }),
    )
  }
}

async function answerOf(member: ChildProcess): Promise<unknown> {
  const over = new AbortController()
  const { signal } = over
  try {
    const ended = once(member, 'exit', { signal }).then(() => {
      throw new Error('a process of the benchmark has ended')
    })
    const [answer] = (await Promise.race([once(member, 'message', { signal }), ended])) as [unknown]
    return answer
  } finally {
    over.abort()
  }
}
