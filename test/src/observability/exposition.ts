// Prometheus' text as a scraper reads it, strict where a scraper is: every sample belongs to a family that has said its
// type.

import assert from 'node:assert/strict'

export interface ReadFamily {
  readonly type: string
  readonly help: string
  readonly samples: readonly ReadSample[]
}

export interface ReadSample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** Families by name. Fails on a line that is none of the format, on a family told twice and on a sample told twice. */
export function readExposition(text: string): ReadonlyMap<string, ReadFamily> {
  const families = new Map<string, { type: string; help: string; samples: ReadSample[] }>()
  const seen = new Set<string>()
  let current = ''
  for (const line of text.split('\n').filter((it) => it !== '')) {
    const told = /^# (HELP|TYPE) ([a-zA-Z_:][\w:]*) (.+)$/.exec(line)
    if (told?.[1] === 'HELP') {
      current = told[2]!
      assert.ok(!families.has(current), `${current} is told twice`)
      families.set(current, { type: '', help: told[3]!, samples: [] })
    } else if (told) {
      assert.equal(told[2], current)
      families.get(current)!.type = told[3]!
    } else {
      const sample = readSample(line)
      const family = families.get(current)
      assert.ok(family && sample.name.replace(/_(bucket|sum|count)$/, '') === current.replace(/_(count)$/, ''), line)
      const key = line.slice(0, line.lastIndexOf(' '))
      assert.ok(!seen.has(key), `${key} is told twice`)
      seen.add(key)
      family.samples.push(sample)
    }
  }
  return families
}

function readSample(line: string): ReadSample {
  const match = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/.exec(line)
  assert.ok(match, `not a sample: ${line}`)
  const pairs = [...(match[2] ?? '').matchAll(/([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"(?:,|$)/g)]
  assert.equal(pairs.map(([pair]) => pair).join(''), match[2] ?? '', line)
  const value = match[3] === '+Inf' ? Number.POSITIVE_INFINITY : Number(match[3])
  return { name: match[1]!, labels: Object.fromEntries(pairs.map(([, name, text]) => [name!, text!])), value }
}
