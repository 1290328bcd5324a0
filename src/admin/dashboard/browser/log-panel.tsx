// How far everybody who holds the log has it, as the leader says.

import type { Replica, Replication } from '../../../coordination/replication.ts'
import { numberText } from '../panels.ts'
import { Answer, Table } from './answer.tsx'
import { useAsked } from './asking.ts'

const everyMs = 1_000

export function LogPanel() {
  const asked = useAsked<Replication>('/v1/leader', everyMs)
  return (
    <Answer asked={asked}>
      {({ term, commitIndex, level, members }) => (
        <>
          <p class="card empty">
            Committed up to {numberText(commitIndex)}, in term {numberText(term)}; all can apply level {level}.
          </p>
          <Table titles={['Member', 'Part', 'Log durable up to', 'Lacks', 'Caught up']}>
            {members.map((replica) => rowOf(replica))}
          </Table>
        </>
      )}
    </Answer>
  )
}

function rowOf({ member, role, position, lag, isCaughtUp }: Replica) {
  return (
    <tr key={member} data-replica={member} data-role={role}>
      <th scope="row">{member}</th>
      <td>
        <span class="badge">{role}</span>
      </td>
      <td class="token">{position === 0 ? 'not heard in this term' : numberText(position)}</td>
      <td>{lag === 0 ? 'nothing' : `${numberText(lag)} ${lag === 1 ? 'entry' : 'entries'}`}</td>
      <td>{isCaughtUp ? '● yes' : '○ no'}</td>
    </tr>
  )
}
