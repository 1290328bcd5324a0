// What the names of the cluster's own zone stand for. Pure: from the services and members that this node knows to
// records.
//
//   NAME.service.trellis            A, AAAA   addresses of the instances that can be called
//                                   SRV       their ports; targets are members
//   _NAME._tcp.service.trellis      SRV       the same in the form of RFC 2782
//   CAPABILITY.NAME.service.trellis           only instances with that capability
//   MEMBER.node.trellis             A, AAAA   the address of a member that is here
//   0a000001.addr.trellis           A         the address 10.0.0.1: the target of an instance elsewhere than its owner

import { isIP } from 'node:net'
import { parseAddress, streamAddress } from '../network-address.ts'
import type { MemberView } from '../node-interface.ts'
import type { ServiceInstance, ServiceQuery } from '../services/service-interface.ts'

/** What this node knows. */
export interface ZoneFacts {
  readonly members: () => readonly MemberView[]
  /** Of all services. */
  readonly names: () => Iterable<string>
  /** Best first. */
  readonly find: (query: ServiceQuery) => readonly ServiceInstance[]
}

export type ZoneRecord =
  | { readonly type: 'A' | 'AAAA'; readonly name: string; readonly data: string }
  | { readonly type: 'SRV'; readonly name: string; readonly data: { readonly target: string; readonly port: number } }

/** `unknown`: there is no such name. Otherwise its records of all types; addresses of SRV targets besides. */
export interface ZoneAnswer {
  readonly isKnown: boolean
  readonly answers: readonly ZoneRecord[]
  readonly additionals: readonly ZoneRecord[]
}

export const ZONE = 'trellis'
const nothing: ZoneAnswer = { isKnown: false, answers: [], additionals: [] }

/** The records of a name, in lower case, without its last dot. Undefined: it is not in the zone. */
export function lookUp(name: string, facts: ZoneFacts): ZoneAnswer | undefined {
  const labels = name.split('.')
  if (labels.pop() !== ZONE) return undefined
  const kind = labels.pop()
  if (kind === undefined) return { ...nothing, isKnown: true }
  if (kind === 'addr') return hexRecords(labels.join('.'), name)
  if (kind === 'node') return memberRecords(labels.join('.'), name, facts)
  if (kind !== 'service' || labels.length === 0) return { ...nothing, isKnown: kind === 'service' || kind === 'node' }
  return serviceRecords(labels, name, facts)
}

interface Called {
  readonly service: string
  readonly capability?: string
}

function calledBy(labels: readonly string[]): Called {
  const [first = ''] = labels
  if (labels.at(-1) === '_tcp') return { service: labels.slice(0, -1).join('.').replace(/^_/, '') }
  return labels.length > 1 ? { service: labels.slice(1).join('.'), capability: first } : { service: first }
}

/** Case tells names of services apart, but not those of DNS (RFC 4343): all that read the same are meant. */
function instancesOf({ service, capability }: Called, { names, find }: ZoneFacts): ServiceInstance[] {
  const meant = [...names()].filter((name) => name.toLowerCase() === service)
  // Those of other clusters are only reached by calls.
  const found = meant.flatMap((name) => find({ name, cluster: '' })).filter(({ health }) => health !== 'critical')
  if (capability === undefined) return found
  return found.filter(({ capabilities }) => capabilities.some((each) => each.toLowerCase() === capability))
}

function memberRecords(called: string, name: string, { members }: ZoneFacts): ZoneAnswer {
  const member = members().find((each) => each.name.toLowerCase() === called && isHere(each))
  return member ? { isKnown: true, answers: addressRecords(name, hostOf(member.address)), additionals: [] } : nothing
}

function serviceRecords(labels: readonly string[], name: string, facts: ZoneFacts): ZoneAnswer {
  // A name may have dots itself, and comes before what they stand for otherwise.
  const whole = instancesOf({ service: labels.join('.') }, facts)
  const instances = whole.length > 0 ? whole : instancesOf(calledBy(labels), facts)
  if (instances.length === 0) return nothing
  const hosts = new Map(facts.members().map((member) => [member.name, hostOf(member.address)]))
  const answers: ZoneRecord[] = []
  const additionals = new Map<string, ZoneRecord>()
  for (const { member, address } of instances) {
    const host = address === '' ? hosts.get(member) : hostOf(address)
    answers.push(...addressRecords(name, host))
    const parsed = parseAddress(address)
    if (typeof parsed === 'string') continue
    const isOfMember = hosts.get(member) === parsed.host && isIP(parsed.host) !== 0
    const target = isOfMember ? `${member.toLowerCase()}.node.${ZONE}` : targetOf(parsed.host)
    answers.push({ type: 'SRV', name, data: { target, port: parsed.port } })
    for (const record of addressRecords(target, host)) additionals.set(`${target} ${record.data}`, record)
  }
  return { isKnown: true, answers: distinct(answers), additionals: [...additionals.values()] }
}

/** A name for a host: SRV records point to names only. */
function targetOf(host: string): string {
  if (isIP(host) === 0) return host
  const bytes = isIP(host) === 4 ? host.split('.').map(Number) : ipv6Bytes(host)
  return `${Buffer.from(bytes).toString('hex')}.addr.${ZONE}`
}

function hexRecords(hex: string, name: string): ZoneAnswer {
  if (!/^([0-9a-f]{8}|[0-9a-f]{32})$/.test(hex)) return nothing
  const host = hex.length === 8 ? [...Buffer.from(hex, 'hex')].join('.') : hex.match(/.{4}/g)!.join(':')
  return { isKnown: true, answers: addressRecords(name, host), additionals: [] }
}

function ipv6Bytes(host: string): number[] {
  // The URL parser writes every form of an address in one: hexadecimal groups, at most one `::`.
  const [head = '', tail = ''] = new URL(`http://[${host}]`).hostname.slice(1, -1).split('::')
  const groups = (text: string): string[] => (text === '' ? [] : text.split(':'))
  const zeros = Array<string>(8 - groups(head).length - groups(tail).length).fill('0')
  const all = [...groups(head), ...zeros, ...groups(tail)].map((group) => Number.parseInt(group, 16))
  return all.flatMap((group) => [group >> 8, group & 255])
}

function addressRecords(name: string, host: string | undefined): ZoneRecord[] {
  const version = isIP(host ?? '')
  return version === 0 ? [] : [{ type: version === 4 ? 'A' : 'AAAA', name, data: host! }]
}

function distinct(records: readonly ZoneRecord[]): ZoneRecord[] {
  return [...new Map(records.map((record) => [JSON.stringify(record), record])).values()]
}

function hostOf(address: string): string | undefined {
  return streamAddress(address)?.host
}

function isHere({ state }: MemberView): boolean {
  return state === 'alive' || state === 'suspect'
}
