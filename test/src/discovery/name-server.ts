// A name server for tests: a few records, and faults on request. It writes names in full, as RFC 2782 wants for SRV
// targets.

import { createSocket, type Socket } from 'node:dgram'
import type { AddressInfo } from 'node:net'

export type Mood = 'well' | 'silent' | 'refuses' | 'fails' | 'knows-nothing' | 'babbles'

export interface ServiceRecord {
  readonly target: string
  readonly port: number
}

const types = { 1: 'A', 28: 'AAAA', 33: 'SRV' } as const
const codes = { well: 0, fails: 2, 'knows-nothing': 3, refuses: 5 } as const

export class NameServer {
  mood: Mood = 'well'
  /** Seconds. */
  ttl = 1
  questions = 0
  /** What becomes of each answer on its way. */
  garbled = (answer: Buffer): Buffer => answer
  readonly hosts = new Map<string, readonly string[]>()
  readonly services = new Map<string, readonly ServiceRecord[]>()
  readonly #socket: Socket = createSocket('udp4')

  static async open(): Promise<NameServer> {
    const server = new NameServer()
    server.#socket.on('message', (query, { address, port }) => {
      const answer = server.#answer(query)
      if (answer) server.#socket.send(server.garbled(answer), port, address)
    })
    await new Promise<void>((resolve) => server.#socket.bind(0, '127.0.0.1', resolve))
    return server
  }

  get address(): string {
    return `127.0.0.1:${(this.#socket.address() as AddressInfo).port}`
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.#socket.close(() => resolve()))
  }

  #answer(query: Buffer): Buffer | undefined {
    this.questions += 1
    if (this.mood === 'silent') return undefined
    const end = query.indexOf(0, 12) + 5
    const question = query.subarray(12, end)
    const name = nameOf(question)
    const type = types[query.readUInt16BE(end - 4) as keyof typeof types]
    const records = this.mood === 'well' ? this.#records(name, type) : []
    const head = Buffer.alloc(12)
    query.copy(head, 0, 0, 2)
    const isKnown = this.mood !== 'well' || this.hosts.has(name) || this.services.has(name)
    const code = this.mood === 'babbles' ? 0 : isKnown ? codes[this.mood] : codes['knows-nothing']
    head.writeUInt16BE(0x8580 | code, 2)
    head.writeUInt16BE(1, 4)
    head.writeUInt16BE(this.mood === 'babbles' ? 9 : records.length, 6)
    return Buffer.concat([head, question, ...records])
  }

  #records(name: string, type: 'A' | 'AAAA' | 'SRV' | undefined): Buffer[] {
    const record = (number: number, data: Buffer): Buffer => {
      const fixed = Buffer.alloc(10)
      fixed.writeUInt16BE(number, 0)
      fixed.writeUInt16BE(1, 2)
      fixed.writeUInt32BE(this.ttl, 4)
      fixed.writeUInt16BE(data.length, 8)
      return Buffer.concat([encodeName(name), fixed, data])
    }
    if (type === 'A')
      return (this.hosts.get(name) ?? []).map((host) => record(1, Buffer.from(host.split('.').map(Number))))
    if (type !== 'SRV') return []
    return (this.services.get(name) ?? []).map(({ target, port }) => {
      const numbers = Buffer.alloc(6)
      numbers.writeUInt16BE(port, 4)
      return record(33, Buffer.concat([numbers, encodeName(target)]))
    })
  }
}

function nameOf(question: Buffer): string {
  const labels: string[] = []
  for (let at = 0; question[at]; at += question[at]! + 1)
    labels.push(question.subarray(at + 1, at + 1 + question[at]!).toString())
  return labels.join('.').toLowerCase()
}

function encodeName(name: string): Buffer {
  const labels = name.split('.').map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label)]))
  return Buffer.concat([...labels, Buffer.alloc(1)])
}
