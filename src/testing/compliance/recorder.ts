// What one end of a connection heard.

import { Buffer } from 'node:buffer'
import type { Connection, ConnectionHandler } from '../../transport/transport.ts'

/** Remembers what a connection told its owner. */
export class Recorder implements ConnectionHandler {
  #chunks: Uint8Array[] = []
  readonly closes: (Error | undefined)[] = []
  drains = 0
  calledAfterClose = false

  constructor(connection: Connection) {
    connection.start(this)
  }

  get bytes(): Buffer {
    const all = Buffer.concat(this.#chunks)
    this.#chunks = [all]
    return all
  }

  data(bytes: Uint8Array): void {
    this.calledAfterClose ||= this.closes.length > 0
    this.#chunks.push(Uint8Array.from(bytes))
  }

  drain(): void {
    this.calledAfterClose ||= this.closes.length > 0
    this.drains += 1
  }

  close(error: Error | undefined): void {
    this.closes.push(error)
  }
}
