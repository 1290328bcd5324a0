// Who holds what in the cluster, of every kind, and who waits for it: what `trellis locks` says.

import type { ClaimView } from '../../../coordination/lease-interface.ts'
import { millisecondsText } from '../panels.ts'
import { Answer, Empty, Table } from './answer.tsx'
import { useAsked } from './asking.ts'

const everyMs = 2_000

export function LocksPanel() {
  const asked = useAsked<{ readonly locks: readonly ClaimView[] }>('/v1/locks', everyMs)
  return (
    <Answer asked={asked}>
      {({ locks }) =>
        locks.length === 0 ? (
          <Empty text="Nobody holds anything, and nobody waits." />
        ) : (
          <Table titles={['Name', 'Kind', 'Held by', 'Token', 'Lease', 'Waiting']}>
            {locks.flatMap((claim) => rowsOf(claim))}
          </Table>
        )
      }
    </Answer>
  )
}

function rowsOf({ kind, name, limit, holders, waiting }: ClaimView) {
  const places = kind === 'semaphore' || kind === 'barrier' ? ` ${holders.length}/${limit}` : ''
  const rows = holders.length === 0 ? [undefined] : holders
  return rows.map((holder, index) => (
    <tr key={`${kind} ${name} ${holder?.token}`} data-claim={name} data-kind={kind}>
      <th scope="row">{name}</th>
      <td>
        <span class="badge">
          {kind}
          {places}
        </span>
      </td>
      <td class="long">{holder ? `● ${holder.owner}` : '○ nobody'}</td>
      <td class="token">{holder?.token ?? '–'}</td>
      <td>{holder ? millisecondsText(holder.leaseMs) : '–'}</td>
      <td class="long">{index > 0 ? '″' : waiting.join(', ') || 'nobody'}</td>
    </tr>
  ))
}
