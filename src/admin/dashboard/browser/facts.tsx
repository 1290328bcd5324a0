// The facts in words: the strip above the picture, the time line beside it and the table below, which says in rows all
// that the picture says.

import type { MemberView, NodeStatus } from '../../../node-interface.ts'
import { compareNames, type Dot, linkCount, type Picture, partsOf, stateText } from '../model.ts'
import { linkSign } from '../words.ts'
import type { Entry } from './feed.ts'

export function Strip({ status, picture }: { readonly status: NodeStatus; readonly picture: Picture }) {
  const { cluster, consensus, s5, topology } = status
  const isQuorate = consensus.quorum ? 'with a quorum' : 'no quorum'
  const missing = picture.dots.filter(({ ownLink }) => ownLink === 'missing').length
  return (
    <section class="facts" aria-label="Cluster">
      <Fact
        id="leader"
        name="Leader"
        sign="♛"
        value={consensus.leader ?? 'none'}
        detail={`term ${consensus.term}, ${isQuorate}`}
      />
      <Fact
        id="s5"
        name="S5"
        sign="◆"
        value={s5.host ?? 'none'}
        detail={s5.phase + (s5.fencingToken === null ? '' : `, fencing token ${s5.fencingToken}`)}
      />
      <Fact
        id="alive"
        name="Members alive"
        sign="●"
        value={`${cluster.alive} of ${cluster.size}`}
        detail={troubles(picture.dots)}
      />
      <Fact
        id="voters"
        name="Voters"
        sign="◎"
        value={String(consensus.voters.length)}
        detail={`commit index ${consensus.commitIndex}`}
      />
      <Fact
        id="topology"
        name="Topology"
        sign="⬡"
        value={topology.name}
        detail={`epoch ${topology.epoch}, ${topology.phase}; ${linkCount(picture.ownLinks)}${missing > 0 ? `, ${missing} missing` : ''}`}
      />
    </section>
  )
}

interface FactProps {
  readonly id: string
  readonly name: string
  readonly sign: string
  readonly value: string
  readonly detail: string
}

function Fact({ id, name, sign, value, detail }: FactProps) {
  return (
    <dl class={`card fact-${id}`}>
      <dt>
        <span aria-hidden="true">{sign}</span> {name}
      </dt>
      <dd id={id}>{value}</dd>
      <dd id={`${id}-detail`} class="small">
        {detail}
      </dd>
    </dl>
  )
}

function troubles(dots: readonly Dot[]): string {
  const count = (text: string, isSo: (member: MemberView) => boolean): string[] => {
    const found = dots.filter(({ member }) => isSo(member)).length
    return found === 0 ? [] : [`${found} ${text}`]
  }
  const found = [
    ...count('suspect', ({ state }) => state === 'suspect'),
    ...count('down', ({ state }) => state === 'down'),
    ...count('left', ({ state }) => state === 'left'),
    ...count('stalled', ({ state, condition }) => state === 'alive' && condition === 'stalled'),
    ...count('draining', ({ state, condition }) => state === 'alive' && condition === 'draining'),
  ]
  return found.join(', ') || 'all is well'
}

export function TimeLine({ entries }: { readonly entries: readonly Entry[] }) {
  return (
    <section class="time-line card" aria-labelledby="what-happened">
      <h2 id="what-happened">What happened</h2>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: whatever scrolls must be reachable by keyboard. */}
      <div class="entries" role="log" aria-label="Events, newest first" tabIndex={0}>
        <ol id="events" reversed>
          {entries.map(({ key, kind, sign, text, at }) => (
            <li key={key} class={kind}>
              <span class="sign" aria-hidden="true">
                {sign}
              </span>
              <span class="text">{text}</span>
              <time dateTime={new Date(at).toISOString()}>{new Date(at).toLocaleTimeString()}</time>
            </li>
          ))}
        </ol>
      </div>
    </section>
  )
}

export function MemberTable({
  dots,
  onSelect,
}: {
  readonly dots: readonly Dot[]
  readonly onSelect: (id: string) => void
}) {
  const sorted = [...dots].sort((a, b) => compareNames(a.member, b.member))
  return (
    <div class="scroll card">
      <table>
        <thead>
          <tr>
            {['Name', 'State', 'Part', 'Link to this node', 'Address', 'Roles', 'Zone', 'Id'].map((title) => (
              <th key={title} scope="col">
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody id="members">
          {sorted.map((dot) => (
            <Row key={dot.member.id} dot={dot} onSelect={onSelect} />
          ))}
        </tbody>
      </table>
    </div>
  )
}

function Row({ dot, onSelect }: { readonly dot: Dot; readonly onSelect: (id: string) => void }) {
  const { member } = dot
  return (
    <tr data-row={member.name} data-state={member.state}>
      <th scope="row">
        <button type="button" class="plain" onClick={() => onSelect(member.id)}>
          {member.name}
        </button>
      </th>
      <td class={`state ${member.state} ${member.condition}`}>{stateText(member)}</td>
      <td>
        {partsOf(dot).map((part) => (
          <span key={part} class="badge">
            {part}
          </span>
        ))}
      </td>
      <td>{dot.isSelf ? '' : linkText(dot)}</td>
      <td class="long">{member.address}</td>
      <td class={member.roles.length > 2 ? 'long' : ''}>{member.roles.join(', ')}</td>
      <td>{member.zone}</td>
      <td class="id" title={member.id}>
        …{member.id.slice(-8)}
      </td>
    </tr>
  )
}

function linkText({ link, ownLink }: Dot): string {
  if (link) return `${linkSign[link.kind]} ${link.kind}${link.pinned && link.kind !== 'pinned' ? ', pinned' : ''}`
  return ownLink === 'missing' ? '┄ missing' : 'none'
}
