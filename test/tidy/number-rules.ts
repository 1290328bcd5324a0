// Wire and disk numbers are append only. The record beside this file says which number ever meant what: a number in the
// code that is not in the record, or means something else there, breaks the rule. A new number is added to both.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as inCode from '../../src/wire/message-numbers.ts'
import type { Rule } from './tree.ts'

type Tables = Readonly<Record<string, Readonly<Record<string, number>>>>

const source = 'src/wire/message-numbers.ts'
const recordPath = 'test/tidy/message-numbers.json'
const record = JSON.parse(readFileSync(join(import.meta.dirname, 'message-numbers.json'), 'utf8')) as Tables

export const numberRules: readonly Rule[] = [
  {
    name: 'a message number never changes its meaning',
    // The samples carry tables of their own; the repository's are imported, not parsed.
    problems: (tree) => {
      const sample = tree.get('numbers.json')
      return numberProblems(sample === undefined ? { ...inCode } : (JSON.parse(sample.text) as Tables), record)
    },
    bad: [
      { 'numbers.json': JSON.stringify({ ...record, frameNumbers: { ...record.frameNumbers, hello: 2, accept: 1 } }) },
      { 'numbers.json': JSON.stringify({ ...record, frameNumbers: { ...record.frameNumbers, brandNew: 250 } }) },
      { 'numbers.json': JSON.stringify({ ...record, frameNumbers: {} }) },
    ],
    good: [{ 'numbers.json': JSON.stringify(record) }],
  },
]

/** A retired name stays in the record under `retired <name>`, so that its number stays taken. */
function numberProblems(tables: Tables, known: Tables): string[] {
  const names = new Set([...Object.keys(tables), ...Object.keys(known)])
  return [...names].flatMap((table) => {
    const now = tables[table] ?? {}
    const ever = known[table] ?? {}
    const numbers = Object.values(ever)
    return [
      ...Object.entries(now)
        .filter(([name, number]) => ever[name] !== number)
        .map(([name, number]) => `${source}:1: ${table}.${name} = ${number}, but ${recordPath} has ${ever[name]}`),
      ...Object.keys(ever)
        .filter((name) => now[name] === undefined && !name.startsWith('retired '))
        .map((name) => `${source}:1: ${table}.${name} is gone; ${recordPath} must say "retired ${name}"`),
      ...numbers
        .filter((number, index) => numbers.indexOf(number) !== index)
        .map((number) => `${recordPath}:1: ${table} has the number ${number} twice`),
    ]
  })
}
