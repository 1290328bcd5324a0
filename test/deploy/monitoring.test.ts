import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { before, describe, it } from 'node:test'
import { load } from 'js-yaml'
import { countedFamilies } from '../../src/observability/counted.ts'
import { families } from '../../src/observability/families.ts'
import { createMetrics } from '../../src/observability/metrics.ts'
import { fakeNode } from '../src/admin/fake-node.ts'
import { type ReadFamily, readExposition } from '../src/observability/exposition.ts'
import { readings } from './metric-names.ts'

interface Panel {
  readonly id: number
  readonly type: string
  readonly title: string
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  readonly targets?: readonly { readonly expr: string }[]
}

interface Board {
  readonly panels: readonly Panel[]
  readonly templating: { readonly list: readonly { readonly query: { readonly query?: string } }[] }
  readonly annotations: { readonly list: readonly { readonly expr: string }[] }
}

interface Rule {
  readonly alert: string
  readonly expr: string
  readonly for?: string
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
}

const file = (path: string): string => readFileSync(new URL(`../../deploy/${path}`, import.meta.url), 'utf8')
const board = JSON.parse(file('grafana/trellis-cluster.json')) as Board
const rules = load(file('prometheus/trellis-alerts.yml')) as { groups: { name: string; rules: Rule[] }[] }
const alerts = rules.groups.flatMap((group) => group.rules)

/** What Prometheus itself adds. */
const ofThePrometheus = ['up']
const labelsOfThePrometheus = ['job', 'instance']

describe('the dashboard and the alert rules', () => {
  let read: ReadonlyMap<string, ReadFamily>
  const labelsOf = new Map([...families, ...countedFamilies].map(({ name, labels }) => [name, labels]))
  before(async () => {
    read = readExposition(await createMetrics(fakeNode()).text())
  })

  const exists = (metric: string): boolean => {
    const family = metric.replace(/_(?:bucket|sum|count)$/, '')
    const isHistogram = read.get(family)?.type === 'histogram'
    return ofThePrometheus.includes(metric) || (isHistogram ? metric !== family : read.has(metric))
  }
  const check = (expression: string): void => {
    const found = readings(expression)
    assert.ok(found.length > 0, `no metric in ${expression}`)
    for (const { metric, labels } of found) {
      assert.ok(exists(metric), `${metric} does not exist, in ${expression}`)
      const known = [...labelsOfThePrometheus, ...(labelsOf.get(metric) ?? [])]
      if (labelsOf.has(metric)) for (const label of labels) assert.ok(known.includes(label), `${label} of ${metric}`)
    }
  }

  it('read metrics and labels that exist', () => {
    const panels = board.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr))
    const variables = board.templating.list.flatMap(
      ({ query }) => /label_values\((\w+),/.exec(query.query ?? '')?.[1] ?? [],
    )
    for (const expression of [...panels, ...variables, ...board.annotations.list.map(({ expr }) => expr)])
      check(expression)
    for (const { expr } of alerts) check(expr)
  })

  it('would be refused with a metric or a label that does not exist', () => {
    for (const wrong of [
      'trellis_gone',
      'sum(rate(trellis_raft_elections[5m]))',
      'trellis_log_flush_duration_seconds',
      'trellis_raft_role{stage="leader"}',
      'up == 0 and trellis_build',
      '1 + 1',
    ])
      assert.throws(() => check(wrong), assert.AssertionError, wrong)
  })

  it('show every metric of a node somewhere, but for those that only say who it is', () => {
    const shown = new Set(
      [...board.panels.flatMap(({ targets = [] }) => targets), ...alerts].flatMap(({ expr }) =>
        readings(expr).map(({ metric }) => metric.replace(/_(?:bucket|sum|count)$/, '')),
      ),
    )
    const unseen = [...read.keys()].filter((name) => name.startsWith('trellis_') && !shown.has(name)).sort()
    assert.deepEqual(unseen, [
      'trellis_cluster_size',
      'trellis_condition',
      'trellis_node_info',
      'trellis_raft_has_quorum',
      'trellis_raft_voters',
      'trellis_topology_epoch',
      'trellis_topology_info',
    ])
  })

  it('have panels with ids of their own that do not overlap', () => {
    assert.equal(new Set(board.panels.map(({ id }) => id)).size, board.panels.length)
    for (const { gridPos: a, title } of board.panels) {
      assert.ok(a.x + a.w <= 24, title)
      const over = board.panels.filter(
        ({ gridPos: b }) => b !== a && a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h,
      )
      assert.deepEqual(over, [], title)
    }
  })

  it('have alerts with a name of their own, a severity, and words for whoever is woken', () => {
    assert.equal(new Set(alerts.map(({ alert }) => alert)).size, alerts.length)
    for (const { alert, labels, annotations, for: duration = '1m' } of alerts) {
      assert.match(alert, /^Trellis[A-Za-z0-9]+$/)
      assert.match(duration, /^\d+[smh]$/)
      assert.match(labels.severity ?? '', /^(warning|critical)$/)
      assert.ok((annotations.summary?.length ?? 0) > 10 && (annotations.description?.length ?? 0) > 20, alert)
    }
  })
})

describe('readings', () => {
  it('finds metrics, and no function, label, grouping or string', () => {
    const expression =
      'sum by (job, le) (rate(a_bucket{job=~"$job", kind!="b c"}[5m])) / on (x) group_left () d > 0 and e'
    assert.deepEqual(readings(expression), [
      { metric: 'a_bucket', labels: ['job', 'kind'] },
      { metric: 'd', labels: [] },
      { metric: 'e', labels: [] },
    ])
  })

  it('refuses what Prometheus would refuse', () => {
    for (const wrong of ['sum(rate(x[5m])', 'x{a=}', 'sum by x', 'rate(x[5])) > ', 'x y'])
      assert.throws(() => readings(wrong), SyntaxError, wrong)
  })
})
