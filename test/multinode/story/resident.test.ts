import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { arenasResident, arenasResidentIn } from './resident.ts'

const mapping = (head: string, kilobytes: number): string => `${head}\nSize: 1 kB\nRss:   ${kilobytes} kB\nPss: 1 kB\n`

describe('what the arenas of the C library hold', () => {
  it('is the heap of the program and what begins at multiples of 64 MiB and is closed up to the next', () => {
    const smaps = [
      mapping('00400000-00500000 r-xp 00000000 00:1f 10 /usr/bin/node', 900),
      mapping('01000000-02000000 rw-p 00000000 00:00 0 [heap]', 10),
      mapping('7f0000000000-7f0000200000 rw-p 00000000 00:00 0 ', 20),
      mapping('7f0000200000-7f0004000000 ---p 00000000 00:00 0 ', 0),
      mapping('7f0004000000-7f0008000000 rw-p 00000000 00:00 0 ', 40),
      // Pages of V8, though one begins where an arena might.
      mapping('7f0008000000-7f0008040000 rw-p 00000000 00:00 0 ', 100),
      mapping('7f0009040000-7f0009080000 rw-p 00000000 00:00 0 ', 200),
    ].join('')
    assert.equal(arenasResidentIn(smaps), 70 * 1_024)
  })

  it('is something in this process', { skip: process.platform !== 'linux' && 'there is no /proc' }, () => {
    assert.ok(arenasResident() > 100_000)
    assert.ok(arenasResident() < process.memoryUsage().rss)
  })
})
