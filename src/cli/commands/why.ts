// `trellis why NAME`: what the members believe of one of them, and the evidence for it as one story. With `--json`
// exactly the answer of `GET /v1/members/:name/why`.

import type { Command } from 'commander'
import type { Accuser, Belief, Evidence, WhyView } from '../../why/why-interface.ts'
import { askFor } from '../admin-client.ts'
import { addClientFlags, type ClientFlags, clientOptions } from '../client-flags.ts'
import type { CommandContext } from '../context.ts'
import { printable, table } from '../output.ts'
import { notEmpty } from './argument-values.ts'

const examples = `
Entries stand in causal order: what one rests on stands before it. Times are of each observer's own clock.

Examples:
  trellis why node-3
  trellis why node-3 --json | jq '.evidence[] | select(.type == "verdict")'`

export function addWhy(program: Command, context: CommandContext): void {
  addClientFlags(program.command('why').description('show the evidence for what is believed of a member'))
    .argument('<NAME>', 'the member, by name or id', notEmpty)
    .addHelpText('after', examples)
    .action(async (name: string, flags: ClientFlags) => {
      const path = `/v1/members/${encodeURIComponent(name)}/why`
      const answer = await askFor<WhyView>(['member', 'beliefs', 'evidence'], path, clientOptions(flags, context))
      context.out(flags.json ? `${JSON.stringify(answer)}\n` : describe(answer))
    })
}

function describe({ member, beliefs, unanswered, notAsked, evidence }: WhyView): string {
  const rows = [
    ...beliefs.map((belief) => [belief.name, belief.state ?? 'unknown', belief.condition ?? '', suspicionOf(belief)]),
    ...unanswered.map(({ name, problem }) => [name, 'no answer', '', problem]),
  ]
  const story = evidence.map((entry) => [timeOf(entry), entry.observer, tell(entry, member.name)])
  const rest = notAsked === 0 ? '' : `${notAsked} more were not asked.\n`
  const isHere = member.state === 'alive' || member.state === 'suspect'
  const heading = `${member.name} is ${member.state}${isHere ? `, ${member.condition}` : ''}\n\n`
  return `${printable(heading.trim())}\n\n${table(['MEMBER', 'BELIEVES', 'CONDITION', 'HOLDS AGAINST IT'], rows)}${rest}
${story.length === 0 ? 'Nobody has any evidence.\n' : table(['TIME', 'OBSERVER', 'SAW'], story)}`
}

function suspicionOf({ suspicion }: Belief): string {
  if (suspicion === null) return ''
  const verdict = suspicion.remainingMs === null ? 'the verdict stands' : `a verdict in ${suspicion.remainingMs} ms`
  return `${accusersOf(suspicion.accusers)} for ${suspicion.forMs} ms, ${verdict}`
}

function tell(entry: Evidence, name: string): string {
  switch (entry.type) {
    case 'verdict': {
      const from = entry.previous === null ? '' : `${entry.previous.state}, ${entry.previous.condition} -> `
      const grounds = entry.accusers.length === 0 ? '' : ` (${accusersOf(entry.accusers)})`
      const slow = entry.loopDelayMs > 0 ? `; own event loop ${entry.loopDelayMs} ms late` : ''
      const led = `; term ${entry.term}${entry.leader === null ? ', no leader' : ` of ${entry.leader}`}`
      return `${entry.reason}: ${from}${entry.state}, ${entry.condition}${grounds}${slow}${led}`
    }
    case 'link':
      return `its link to ${name} ${entry.state === 'up' ? 'came up' : `went: ${entry.reason ?? ''}`}`
    case 'absence':
      return `it did not run for ${entry.ms} ms${entry.suspendedMs > 0 ? `, suspended for ${entry.suspendedMs}` : ''}`
    case 'leader':
      return `${name} ${entry.isLeader ? 'leads' : 'leads no longer'} in term ${entry.term}`
    default:
      return entry satisfies never
  }
}

function accusersOf(accusers: readonly Accuser[]): string {
  return accusers.map(({ by, kind, agoMs }) => `${by}: ${kind} ${agoMs} ms ago`).join(', ')
}

function timeOf({ at }: Evidence): string {
  return new Date(at).toISOString().slice(11, 23)
}
