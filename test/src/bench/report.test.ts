import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { describeResult, resultsAsJson, resultsAsMarkdown, shorten } from '../../../src/bench/report.ts'

const result = {
  name: 'log',
  problem: undefined,
  figures: [
    { name: 'append', unit: 'us', samples: [60, 30, 90], goal: '<= 1.5 x', baseline: 'bare' },
    { name: 'bare', unit: 'us', samples: [40] },
    { name: 'nothing', unit: 'ms', samples: [] },
  ],
} as const
const machine = { cpu: 'C', cores: 2, memoryGb: 4, system: 'linux 6', node: '24.0.0', fileSystem: 'ext4', load: 1 }

describe('the report of a benchmark', () => {
  it('shows each figure with its range, and how many times the median of its baseline it is', () => {
    const lines = describeResult(result).trimEnd().split('\n')
    assert.equal(lines[0], 'log')
    assert.match(lines[2]!, /^append +us +3 +30 +60 +90 +90 +1\.50 x +<= 1\.5 x$/)
    assert.match(lines[3]!, /^bare +us +1 +40 +40 +40 +40$/)
    assert.match(lines[4]!, /^nothing +ms +0$/)
  })

  it('is a table for the documentation, too', () => {
    const lines = resultsAsMarkdown(machine, [result, { name: 'up', figures: [], problem: 'no port' }]).split('\n')
    assert.ok(lines.includes('| `log` | append, us | 3 | 30 | 60 | 90 | 1.50 x | <= 1.5 x |'), lines.join('\n'))
    assert.ok(lines.includes('| `up` | not run: no port | | | | | | |'))
  })

  it('says why there are no figures', () => {
    assert.equal(describeResult({ name: 'log', figures: [], problem: 'no disk' }), 'log: no disk\n')
  })

  it('keeps three digits, and whole numbers whole', () => {
    assert.deepEqual([0.01234, 1.234, 12.34, 123.4, 123_456.7].map(shorten), [
      '0.0123',
      '1.23',
      '12.3',
      '123',
      '123457',
    ])
  })

  it('gives programs every sample beside the summary', () => {
    assert.deepEqual(JSON.parse(JSON.stringify(resultsAsJson(machine, 3, [result]))), {
      machine,
      runs: 3,
      benches: [
        {
          name: 'log',
          problem: null,
          figures: [
            { ...result.figures[0], count: 3, min: 30, median: 60, p99: 90, max: 90 },
            { ...result.figures[1], count: 1, min: 40, median: 40, p99: 40, max: 40 },
            { ...result.figures[2] },
          ],
        },
      ],
    })
  })
})
