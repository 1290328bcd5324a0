// Who offers what, as this node knows it, and who calls whom, as all members have measured it.

import type { CallEdge } from '../../../services/call-edges.ts'
import type { CallGraph, ServiceInstance } from '../../../services/service-interface.ts'
import { callDrawing } from '../call-graph.ts'
import { compareNames, isPresent } from '../model.ts'
import { maxShownEntries, millisecondsText, numberText } from '../panels.ts'
import { conditionSign, healthSign, healthTone, stateSign } from '../words.ts'
import { Answer, Empty, Problem, Table } from './answer.tsx'
import { type Asked, useAsked } from './asking.ts'
import { CallsGraph } from './calls-graph.tsx'

const everyMs = 2_000
const callsEveryMs = 3_000

export function ServicesPanel() {
  const asked = useAsked<{ readonly instances: readonly ServiceInstance[] }>('/v1/services', everyMs)
  const instances = asked.answer?.instances ?? []
  return (
    <>
      <Instances asked={asked} />
      <Calls instances={instances} />
    </>
  )
}

function Instances({ asked }: { readonly asked: Asked<{ readonly instances: readonly ServiceInstance[] }> }) {
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

function Calls({ instances }: { readonly instances: readonly ServiceInstance[] }) {
  const asked = useAsked<CallGraph>('/v1/calls', callsEveryMs)
  return (
    <>
      <h3 class="calls-title">Who calls whom</h3>
      <Answer asked={asked}>
        {({ edges, missing }) => (
          <>
            {missing.length > 0 && <Problem text={`Not told by ${missing.join(', ')}`} />}
            {edges.length === 0 ? (
              <Empty text="Nobody has called anybody in the last five minutes." />
            ) : (
              <>
                <CallsGraph {...callDrawing(edges, instances)} />
                <Table titles={['Caller', 'On', 'Service', 'Rate', 'Latency', 'Failing', 'Calls', 'Errors']}>
                  {edges.slice(0, maxShownEntries).map((edge) => (
                    <Edge key={`${edge.from} ${edge.member} ${edge.to}`} {...edge} />
                  ))}
                </Table>
              </>
            )}
          </>
        )}
      </Answer>
    </>
  )
}

function Edge({ from, member, to, rate, latencyMs, errorShare, calls, errors }: CallEdge) {
  return (
    <tr data-call={`${from}>${to}@${member}`}>
      <th scope="row">{from || <span class="namespace">program</span>}</th>
      <td>{member}</td>
      <td>{to}</td>
      <td>{numberText(rate)}/s</td>
      <td>{millisecondsText(latencyMs)}</td>
      <td class={errorShare >= 0.01 ? 'bad' : ''}>{numberText(errorShare * 100)} %</td>
      <td>{numberText(calls)}</td>
      <td>{numberText(errors)}</td>
    </tr>
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
      <td class="long">{address || 'by calls only'}</td>
      <td class={capabilities.length > 2 ? 'long' : ''}>{capabilities.join(', ')}</td>
      <td>{zone}</td>
    </tr>
  )
}
