// Answers DNS (RFC 1035, SRV of RFC 2782) for the cluster's zone, over UDP and TCP, so that any program finds services
// by name. What is not in the zone is refused: this is no resolver. Whatever comes is hostile until it is read:
// bounded, and never an exception.
//
// `dns-packet` reads and writes the messages: it writes the target of an SRV record in full, as RFC 2782 demands and
// c-ares, hence Node, insists on; `dns2` compresses it, which only lenient readers take.

import { createSocket, type Socket } from 'node:dgram'
import { type AddressInfo, createServer, type Server, type Socket as TcpSocket } from 'node:net'
import packet, { type Answer, type Packet } from 'dns-packet'
import { formatAddress } from '../network-address.ts'
import { listenError, usableAddress } from '../transport/address-errors.ts'
import { lookUp, type ZoneFacts, type ZoneRecord } from './zone.ts'

/** Without EDNS (RFC 1035 section 4.2.1), and the most that is believed of a client that has it. */
const PLAIN_UDP_BYTES = 512
const MAX_UDP_BYTES = 1_232
const MAX_QUERY_BYTES = 4_096
const MAX_TCP_CLIENTS = 64
const TCP_IDLE_MS = 5_000
/** Membership changes within a second; nobody should remember longer. */
const TTL_SECONDS = 1
const REFUSED = 5
const NAME_ERROR = 3
const FORMAT_ERROR = 1
const NOT_IMPLEMENTED = 4
const AUTHORITATIVE = packet.AUTHORITATIVE_ANSWER

export interface DnsServer {
  /** `HOST:PORT`, the same for UDP and TCP. */
  readonly address: string
  /** Idempotent; afterwards no socket is left. */
  close(): Promise<void>
}

/** Begins to answer. Rejects with `ERR_ADDRESS_IN_USE` or `ERR_ADDRESS_UNUSABLE`. */
export async function startDns(address: string, facts: ZoneFacts, count: (reason: string) => void): Promise<DnsServer> {
  const parsed = usableAddress(address)
  const tcp = createServer({ noDelay: true }, (client) => serveTcp(client, facts, count))
  tcp.maxConnections = MAX_TCP_CLIENTS
  const clients = new Set<TcpSocket>()
  tcp.on('connection', (client) => {
    clients.add(client)
    client.once('close', () => clients.delete(client))
  })
  const udp = createSocket({ type: parsed.host.includes(':') ? 'udp6' : 'udp4' })
  try {
    await listening(tcp, parsed.host, parsed.port)
    await bound(udp, parsed.host, (tcp.address() as AddressInfo).port)
  } catch (error) {
    tcp.close()
    udp.close()
    throw listenError(address, error as NodeJS.ErrnoException)
  }
  udp.on('message', (query, { address: from, port }) => {
    const reply = answer(query, facts, 'udp', count)
    if (reply) udp.send(reply, port, from, (error) => error && count('dns-unsent'))
  })
  udp.on('error', () => count('dns-socket'))
  let closed: Promise<void> | undefined
  return {
    address: formatAddress({ host: parsed.host, port: udp.address().port }),
    close: () => {
      closed ??= close(tcp, udp, clients)
      return closed
    },
  }
}

/** The reply to one message; undefined where there is nothing to reply to. */
export function answer(
  query: Buffer,
  facts: ZoneFacts,
  transport: 'udp' | 'tcp',
  count: (reason: string) => void,
): Buffer | undefined {
  if (query.length < 12 || query.length > MAX_QUERY_BYTES) return undefined
  let asked: Packet
  try {
    asked = packet.decode(query)
  } catch {
    count('dns-malformed')
    return errorReply(query, FORMAT_ERROR)
  }
  if (asked.type !== 'query') return undefined
  const [question, ...more] = asked.questions ?? []
  if (!question || more.length > 0) return errorReply(query, FORMAT_ERROR)
  if ((query[2]! & 0x78) !== 0) return errorReply(query, NOT_IMPLEMENTED)
  const name = question.name.toLowerCase().replace(/\.$/, '')
  const found = lookUp(name, facts)
  if (!found) return packet.encode({ type: 'response', id: asked.id ?? 0, flags: REFUSED, questions: [question] })
  const wanted = ({ type }: ZoneRecord): boolean => question.type === type || question.type === ('ANY' as string)
  const answers = shuffled(found.answers.filter(wanted))
  const reply: Packet = {
    type: 'response',
    id: asked.id ?? 0,
    flags: AUTHORITATIVE | ((asked.flags ?? 0) & packet.RECURSION_DESIRED) | (found.isKnown ? 0 : NAME_ERROR),
    questions: [question],
    answers: answers.map(resource),
    additionals: answers.some(({ type }) => type === 'SRV') ? found.additionals.map(resource) : [],
  }
  return transport === 'tcp' ? packet.encode(reply) : fitting(reply, udpLimit(asked))
}

/** Too long for UDP: first without what is only kind, then cut, with the flag that says: ask again over TCP. */
function fitting(reply: Packet, limit: number): Buffer {
  for (const shorter of [reply, { ...reply, additionals: [] }]) {
    const bytes = packet.encode(shorter)
    if (bytes.length <= limit) return bytes
  }
  const cut = { ...reply, flags: (reply.flags ?? 0) | packet.TRUNCATED_RESPONSE, additionals: [] as Answer[] }
  let answers = reply.answers ?? []
  while (answers.length > 0) {
    answers = answers.slice(0, answers.length >> 1)
    const bytes = packet.encode({ ...cut, answers })
    if (bytes.length <= limit) return bytes
  }
  return packet.encode({ ...cut, answers: [] })
}

function udpLimit({ additionals = [] }: Packet): number {
  const edns = additionals.find(({ type }) => type === 'OPT') as { udpPayloadSize?: number } | undefined
  return Math.min(Math.max(edns?.udpPayloadSize ?? PLAIN_UDP_BYTES, PLAIN_UDP_BYTES), MAX_UDP_BYTES)
}

function resource(record: ZoneRecord): Answer {
  const common = { name: record.name, ttl: TTL_SECONDS, class: 'IN' as const }
  if (record.type === 'SRV') return { ...common, type: 'SRV', data: { ...record.data, priority: 0, weight: 1 } }
  return { ...common, type: record.type, data: record.data }
}

/** The head of the question with a code: of what cannot be read nothing is repeated. */
function errorReply(query: Buffer, code: number): Buffer {
  const head = Buffer.alloc(12)
  query.copy(head, 0, 0, 2)
  head.writeUInt16BE(0x8000 | (query.readUInt16BE(2) & 0x7900) | code, 2)
  return head
}

function serveTcp(client: TcpSocket, facts: ZoneFacts, count: (reason: string) => void): void {
  let pending = Buffer.alloc(0)
  client.setTimeout(TCP_IDLE_MS, () => client.destroy())
  client.on('error', () => count('dns-socket'))
  client.on('data', (chunk: Buffer) => {
    pending = Buffer.concat([pending, chunk])
    while (pending.length >= 2) {
      const length = pending.readUInt16BE(0)
      if (length > MAX_QUERY_BYTES) return void client.destroy()
      if (pending.length < 2 + length) return
      const reply = answer(pending.subarray(2, 2 + length), facts, 'tcp', count)
      pending = pending.subarray(2 + length)
      if (!reply) return void client.destroy()
      const head = Buffer.alloc(2)
      head.writeUInt16BE(reply.length)
      client.write(Buffer.concat([head, reply]))
    }
  })
}

/** So that who takes the first one spreads over all. */
function shuffled<Item>(items: readonly Item[]): Item[] {
  const result = [...items]
  for (let at = result.length - 1; at > 0; at--) {
    const other = Math.floor(Math.random() * (at + 1))
    ;[result[at], result[other]] = [result[other]!, result[at]!]
  }
  return result
}

function listening(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => resolve())
  })
}

function bound(socket: Socket, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('error', reject)
    socket.bind(port, host, () => {
      socket.off('error', reject)
      resolve()
    })
  })
}

async function close(tcp: Server, udp: Socket, clients: ReadonlySet<TcpSocket>): Promise<void> {
  for (const client of clients) client.destroy()
  await Promise.all([
    new Promise<void>((resolve) => tcp.close(() => resolve())),
    new Promise<void>((resolve) => udp.close(() => resolve())),
  ])
}
