// `trellis channels`: queues, rates, drops and latency of the four channels of one node. On a terminal a table that
// stays and is drawn anew each second; elsewhere once. With `--json` exactly the answer of `GET /v1/channels`.

import type { Command } from 'commander'
import type { ChannelStats } from '../../channels/channel.ts'
import { systemClock } from '../../runtime/clock.ts'
import { pause } from '../../wait.ts'
import { askFor } from '../admin-client.ts'
import { addClientFlags, type ClientFlags, clientOptions } from '../client-flags.ts'
import type { CommandContext } from '../context.ts'
import { printable, table } from '../output.ts'
import { watchSignals } from '../signals.ts'

const notes = `
With --lanes one row for each channel and neighbor: its latency is from sending to the credit for it, so with the time that handlers take.
On a terminal the table stays; q or Ctrl-C quits. Rates are of the last second; where it is printed once there are none.

Examples:
  trellis channels
  trellis channels --once
  trellis channels --json | jq '.channels[] | select(.channel == "data") | .dropped'`

const INTERVAL_MS = 1_000

interface Flags extends ClientFlags {
  readonly once?: boolean
  readonly lanes?: boolean
}

export function addChannels(program: Command, context: CommandContext): void {
  addClientFlags(program.command('channels').description('show queues, rates, drops and latency of the channels'))
    .option('--once', 'print the table once')
    .option('--lanes', 'one row for each channel and neighbor')
    .addHelpText('after', notes)
    .action((flags: Flags) => channels(flags, context))
}

type Describe = typeof describeChannels

async function channels(flags: Flags, context: CommandContext): Promise<void> {
  const options = clientOptions(flags, context)
  const ask = () => askFor<{ channels: ChannelStats[] }>(['channels'], '/v1/channels', options)
  const describe = flags.lanes ? describeLanes : describeChannels
  const first = await ask()
  if (flags.json) context.out(`${JSON.stringify(first)}\n`)
  else if (flags.once || !context.isTerminal) context.out(describe(first.channels))
  else await stay(ask, first.channels, describe, context)
}

async function stay(
  ask: () => Promise<{ channels: ChannelStats[] }>,
  first: readonly ChannelStats[],
  describe: Describe,
  context: CommandContext,
): Promise<void> {
  using signals = watchSignals()
  const quit = new AbortController()
  const signal = AbortSignal.any(
    [signals.stop, context.parentGone, context.outputGone, quit.signal].filter((it) => it !== undefined),
  )
  const { openScreen } = await import('../top/screen.ts')
  let lines: readonly string[] = []
  using screen = openScreen({ resize: () => screen.show(lines), quit: () => quit.abort() })
  let [before, at] = [first, performance.now()]
  lines = describe(before).split('\n')
  while (!signal.aborted) {
    screen.show(lines)
    await pause(systemClock, INTERVAL_MS, signal)
    try {
      const { channels: now } = await ask()
      const seconds = (performance.now() - at) / 1_000
      lines = describe(now, { before, seconds }).split('\n')
      ;[before, at] = [now, performance.now()]
    } catch (error) {
      lines = [...lines.slice(0, 6), '', `not there: ${printable((error as Error).message)}`]
    }
  }
}

/** One row for each channel; with what was `before`, rates in place of sums. */
export function describeChannels(
  channels: readonly ChannelStats[],
  since?: { readonly before: readonly ChannelStats[]; readonly seconds: number },
): string {
  const rows = channels.map((now, index) => {
    const before = since?.before[index]
    const rate = (of: 'sent' | 'received'): string => rateOf(now[of], before?.[of], since?.seconds)
    const { queue, latency, handlers } = now
    return [
      now.channel,
      rate('sent'),
      rate('received'),
      `${short(queue.messages)} (${short(queue.bytes)}B)`,
      `${Math.round(queue.oldestMs)}ms`,
      `${short(now.credit)}B`,
      short(now.unacknowledged),
      `${handlers.running}+${short(handlers.waiting)}`,
      latency.p50Ms === undefined ? '-' : `${milliseconds(latency.p50Ms)}/${milliseconds(latency.p99Ms ?? 0)}`,
      dropped(now.dropped),
    ]
  })
  const heads = ['CHANNEL', 'SENT', 'RECEIVED', 'QUEUE', 'AGE', 'CREDIT', 'UNACKED', 'HANDLERS', 'P50/P99', 'DROPPED']
  return table(heads, rows)
}

/** One row for each channel and neighbor, likewise. */
export function describeLanes(
  channels: readonly ChannelStats[],
  since?: { readonly before: readonly ChannelStats[]; readonly seconds: number },
): string {
  const rows = channels.flatMap(({ channel, lanes }, index) =>
    lanes.map((now) => {
      const before = since?.before[index]?.lanes.find(({ peer }) => peer === now.peer)
      const { queue, latencyMs } = now
      return [
        channel,
        printable(now.peer),
        rateOf(now.sent, before?.sent, since?.seconds),
        rateOf(now.received, before?.received, since?.seconds),
        `${short(queue.messages)} (${short(queue.bytes)}B)`,
        `${Math.round(queue.oldestMs)}ms`,
        `${short(now.credit)}B`,
        String(now.connections),
        latencyMs === undefined ? '-' : milliseconds(latencyMs),
        dropped(now.dropped),
      ]
    }),
  )
  const heads = ['CHANNEL', 'TO', 'SENT', 'RECEIVED', 'QUEUE', 'AGE', 'CREDIT', 'SOCKETS', 'LATENCY', 'DROPPED']
  return table(heads, rows)
}

type Counted = ChannelStats['sent']

function rateOf({ messages }: Counted, before: Counted | undefined, seconds: number | undefined): string {
  // A link that was lost and came back counts from the beginning.
  const isRate = before !== undefined && seconds !== undefined && before.messages <= messages
  return isRate ? `${short((messages - before.messages) / seconds)}/s` : short(messages)
}

function dropped(reasons: ChannelStats['dropped']): string {
  const found = Object.entries(reasons).filter(([, count]) => count > 0)
  return found.length === 0 ? '-' : found.map(([reason, count]) => `${reason} ${short(count)}`).join(', ')
}

function milliseconds(ms: number): string {
  return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)}ms`
}

/** Three or four digits and a unit of thousands. */
function short(value: number): string {
  if (value < 1_000) return String(Math.round(value))
  if (value < 1_000_000) return `${(value / 1_000).toFixed(value < 10_000 ? 1 : 0)}k`
  if (value < 1_000_000_000) return `${(value / 1_000_000).toFixed(value < 10_000_000 ? 1 : 0)}M`
  return `${(value / 1_000_000_000).toFixed(1)}G`
}
