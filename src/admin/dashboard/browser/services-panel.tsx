// Who offers what: the instances of services on members that are here, as this node knows them.

import type { ServiceInstance } from '../../../services/service-interface.ts'
import { compareNames, isPresent } from '../model.ts'
import { conditionSign, healthSign, healthTone, stateSign } from '../words.ts'
import { Answer, Empty, Table } from './answer.tsx'
import { useAsked } from './asking.ts'

const everyMs = 2_000

export function ServicesPanel() {
  const asked = useAsked<{ readonly instances: readonly ServiceInstance[] }>('/v1/services', everyMs)
  return (
    <Answer asked={asked}>
      {({ instances }) =>
        instances.length === 0 ? (
          <Empty text="No service is offered." />
        ) : (
          <Table titles={['Name', 'Version', 'Member', 'Health', 'State', 'Address', 'Capabilities', 'Zone']}>
            {[...instances]
              .sort((a, b) => compareNames(a, b) || compareNames({ name: a.member }, { name: b.member }))
              .map((instance) => (
                <Row key={instance.id} {...instance} />
              ))}
          </Table>
        )
      }
    </Answer>
  )
}

function Row(instance: ServiceInstance) {
  const { id, name, namespace, version, member, health, state, condition, address, capabilities, zone } = instance
  const hasCondition = condition !== 'ok' && isPresent({ state })
  return (
    <tr data-service={id}>
      <th scope="row">
        {namespace && <span class="namespace">{namespace}/</span>}
        {name}
      </th>
      <td>{version}</td>
      <td>{member}</td>
      <td class={healthTone[health]}>
        {healthSign[health]} {health}
      </td>
      <td class={`state ${state} ${condition}`}>
        {stateSign[state]} {state}
        {hasCondition && `, ${conditionSign[condition]} ${condition}`}
      </td>
      <td>{address || 'by calls only'}</td>
      <td>{capabilities.join(', ')}</td>
      <td>{zone}</td>
    </tr>
  )
}
