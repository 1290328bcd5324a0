// What this node says of its four channels, and how fast messages pass, as this page has measured it between two
// answers.

import { useEffect, useState } from 'preact/hooks'
import type { ChannelStats } from '../../../channels/channel.ts'
import type { ChannelsView } from '../../channels.ts'
import {
  bytesText,
  countText,
  droppedText,
  type Look,
  latencyText,
  maxLooks,
  millisecondsText,
  numberText,
  type Rate,
  rates,
} from '../panels.ts'
import { Answer } from './answer.tsx'
import { useAsked } from './asking.ts'

const everyMs = 1_000

export function ChannelsPanel() {
  const asked = useAsked<ChannelsView>('/v1/channels', everyMs)
  const { answer, at } = asked
  const [looks, setLooks] = useState<ReadonlyMap<string, readonly Look[]>>(new Map())
  useEffect(() => {
    if (answer === undefined) return
    setLooks((before) => {
      const looked = answer.channels.map(({ channel, sent, received }): [string, readonly Look[]] => {
        const look = { at, sent: sent.messages, received: received.messages }
        return [channel, [...(before.get(channel) ?? []), look].slice(-maxLooks)]
      })
      return new Map(looked)
    })
  }, [answer, at])
  return (
    <Answer asked={asked}>
      {({ channels }) => (
        <div class="channels">
          {channels.map((stats) => (
            <Card key={stats.channel} stats={stats} rates={rates(looks.get(stats.channel) ?? [])} />
          ))}
        </div>
      )}
    </Answer>
  )
}

function Card({ stats, rates }: { readonly stats: ChannelStats; readonly rates: readonly Rate[] }) {
  const { channel, queue, credit, connections, unacknowledged, sent, received, handlers, dropped, latency } = stats
  const rate = rates.at(-1)
  const hasDropped = Object.values(dropped).some((count) => count > 0)
  const facts: [string, string, string?][] = [
    ['Rate', rate ? `${numberText(rate.sent)}/s out, ${numberText(rate.received)}/s in` : 'measuring'],
    ['Queue', `${countText(queue.messages, 'message')}, ${bytesText(queue.bytes)}`],
    ['Oldest waits', millisecondsText(queue.oldestMs)],
    ['Credit', `${bytesText(credit)} on ${countText(connections, 'connection')}`],
    ['Unacknowledged', numberText(unacknowledged)],
    ['Sent', `${countText(sent.messages, 'message')}, ${bytesText(sent.bytes)}`],
    ['Received', `${countText(received.messages, 'message')}, ${bytesText(received.bytes)}`],
    ['Handlers', `${numberText(handlers.running)} running, ${numberText(handlers.waiting)} waiting`],
    ['Dropped', `${hasDropped ? '▲ ' : ''}${droppedText(dropped)}`, hasDropped ? 'warn' : ''],
    ['Latency', latencyText(latency)],
  ]
  return (
    <section class="channel card" data-channel={channel} aria-label={`Channel ${channel}`}>
      <h3>{channel}</h3>
      <Curve rates={rates} />
      <dl>
        {facts.map(([name, text, tone = '']) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd class={tone}>{text}</dd>
          </div>
        ))}
      </dl>
    </section>
  )
}

/** Out as a line, in as an area below it. The rate stands beside it in words, so this is decoration. */
function Curve({ rates }: { readonly rates: readonly Rate[] }) {
  const top = Math.max(1, ...rates.map(({ sent, received }) => Math.max(sent, received)))
  const points = (of: (rate: Rate) => number): string =>
    rates
      .map((rate, index) => `${maxLooks - rates.length + index},${(29 - (of(rate) / top) * 27).toFixed(1)}`)
      .join(' ')
  const start = maxLooks - rates.length
  return (
    <svg class="curve" viewBox={`0 0 ${maxLooks - 1} 30`} preserveAspectRatio="none" aria-hidden="true">
      <path class="base" d={`M0 29H${maxLooks}`} />
      {rates.length > 1 && (
        <>
          <polygon points={`${start},29 ${points(({ received }) => received)} ${maxLooks - 1},29`} />
          <polyline points={points(({ sent }) => sent)} />
        </>
      )}
    </svg>
  )
}
