// All that this node knows of one member, and what the others say of it when they are asked: their beliefs with the
// evidence, and its own place in the log.

import type { ComponentChildren } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import type { NodeStatus } from '../../../node-interface.ts'
import type { WhyView } from '../../../why/why-interface.ts'
import { type Dot, lifeOf, type Picture, partsOf, stateText } from '../model.ts'
import { Grounds, useWhy } from './grounds.tsx'

export interface PanelProps {
  readonly dot: Dot
  readonly picture: Picture
  readonly status: NodeStatus
  readonly onClose: () => void
}

export function Panel({ dot, picture, status, onClose }: PanelProps) {
  const heading = useRef<HTMLHeadingElement>(null)
  const { member } = dot
  useEffect(() => heading.current?.focus(), [member.id])
  const { generation, refutation } = lifeOf(member)
  const why = useWhy(member.name, `${member.state} ${member.condition} ${member.incarnation}`)
  return (
    <aside class="panel card" aria-label={`Member ${member.name}`}>
      <h2 ref={heading} tabIndex={-1}>
        {member.name}
      </h2>
      <button type="button" class="close" aria-label="Close" onClick={onClose}>
        ✕
      </button>
      <dl>
        <Row name="State">
          <span class={`state ${member.state}`}>{stateText(member)}</span>
        </Row>
        <Row name="Part">{partsOf(dot).join(', ') || 'none'}</Row>
        <Row name="Link">{linkText(dot, status.node.name)}</Row>
        <Row name="Other links">{linksText(dot, picture)}</Row>
        <Row name="Log">{logText(dot, status, why)}</Row>
        <Row name="Incarnation">
          life {generation}, {refutation === 0 ? 'no' : refutation} refutation{refutation === 1 ? '' : 's'} in it
        </Row>
        <Row name="Address">{member.address}</Row>
        <Row name="Roles">{member.roles.join(', ') || 'none'}</Row>
        <Row name="Zone">{member.zone || 'none given'}</Row>
        <Row name="Id">
          <code>{member.id}</code>
        </Row>
      </dl>
      <Grounds why={why} />
    </aside>
  )
}

function Row({ name, children }: { readonly name: string; readonly children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  )
}

function linkText({ isSelf, link, ownLink }: Dot, self: string): string {
  if (isSelf) return 'this is the node that serves this page'
  if (link) return `up, measured by ${self}: ${link.kind}${link.pinned ? ', pinned' : ''}; ${link.channels.join(', ')}`
  return ownLink === 'missing' ? `none from ${self}, though the overlay wants one` : `none from ${self}`
}

function linksText({ member, isSelf }: Dot, { ownLinks, otherLinks }: Picture): string {
  if (isSelf) return `${ownLinks} up, measured`
  const own = otherLinks.filter(({ ends }) => ends.includes(member.id))
  const counts = (['up', 'missing', 'expected'] as const).flatMap((state) => {
    const count = own.filter((link) => link.state === state).length
    return count === 0 ? [] : [`${count} ${state}`]
  })
  return counts.join(', ') || 'none'
}

function logText({ isSelf, member }: Dot, { consensus, node }: NodeStatus, why: WhyView | undefined): string {
  const log = isSelf ? consensus : why?.beliefs.find(({ name }) => name === member.name)?.log
  if (!log) return `not known to ${node.name}`
  return `commit index ${log.commitIndex}, ${log.role === 'none' ? 'no voter' : log.role} in term ${log.term}`
}
