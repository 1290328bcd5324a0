import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { oncePer, silentLogger } from '../../../src/observability/logger.ts'
import { createLogger } from '../../../src/observability/pino-logger.ts'

function recorded(level: 'error' | 'warn' | 'info' | 'debug' = 'info') {
  const lines: string[] = []
  const logger = createLogger({ level, write: (line) => void lines.push(line) })
  return { logger, records: () => lines.map((line) => JSON.parse(line)) }
}

describe('the logger', () => {
  it('writes one JSON object per line, with level, message and fields', () => {
    const { logger, records } = recorded()
    logger.info('link up', { peer: 'node-2' })
    const [{ level, message, peer, pid, time }] = records()
    assert.deepEqual([level, message, peer, pid, typeof time], ['info', 'link up', 'node-2', process.pid, 'number'])
  })

  it('says what its level lets it, and nothing below', () => {
    const { logger, records } = recorded('warn')
    for (const level of ['debug', 'info', 'warn', 'error'] as const) logger[level](level)
    assert.deepEqual(
      records().map(({ level }) => level),
      ['warn', 'error'],
    )
  })

  it('adds the fields of a child to each of its records', () => {
    const { logger, records } = recorded()
    logger.child({ name: 'a' }).child({ part: 'raft' }).warn('x', { term: 2 })
    const [{ name, part, term }] = records()
    assert.deepEqual({ name, part, term }, { name: 'a', part: 'raft', term: 2 })
  })

  it('writes the message and the cause of an error', () => {
    const { logger, records } = recorded()
    logger.error('failed', { error: new Error('outer', { cause: new Error('inner') }) })
    assert.match(JSON.stringify(records()[0]), /outer.*inner/)
  })

  it('blanks secrets wherever they stand, and leaves fencing tokens', () => {
    const { logger, records } = recorded()
    logger.info('x', {
      secret: 'hunter1',
      options: { secret: 'hunter2', adminToken: 'hunter3', deeper: { adminTokens: { read: 'hunter4' } } },
      headers: { authorization: 'Bearer hunter5', cookie: 'hunter6' },
      token: 7,
    })
    assert.doesNotMatch(JSON.stringify(records()), /hunter/)
    assert.equal(records()[0].token, 7)
  })

  it('is silent when it is told to be', () => {
    assert.equal(createLogger({ level: 'silent' }), silentLogger)
    assert.equal(silentLogger.child({}), silentLogger)
  })
})

describe('oncePer', () => {
  it('says a reason once per interval, and then how often it was held back', () => {
    let now = 0
    const limit = oncePer({ intervalMs: 1_000, now: () => now })
    assert.equal(limit('wrong-secret'), 0)
    assert.equal(limit('wrong-secret'), undefined)
    assert.equal(limit('version'), 0, 'another reason has its own interval')
    now = 999
    assert.equal(limit('wrong-secret'), undefined)
    now = 1_000
    assert.equal(limit('wrong-secret'), 2)
    now = 2_000
    assert.equal(limit('wrong-secret'), 0)
  })

  it('remembers a bounded number of reasons', () => {
    const limit = oncePer({ intervalMs: 1_000, maxReasons: 2, now: () => 0 })
    for (const reason of ['a', 'b', 'c']) assert.equal(limit(reason), 0)
    assert.equal(limit('c'), undefined)
    assert.equal(limit('a'), 0, 'the oldest was forgotten')
  })
})
