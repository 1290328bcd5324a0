import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { errorAnswer } from '../../src/admin/http-errors.ts'
import { ClusterError, type ErrorCode, isClusterError } from '../../src/errors.ts'
import { silentLogger } from '../../src/observability/logger.ts'

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')

/** The codes of `ErrorDetails`, as its text lists them: types are gone at run time. */
function declaredCodes(): string[] {
  const text = read('src/errors.ts')
  const start = text.indexOf('interface ErrorDetails {')
  const body = text.slice(start, text.indexOf('\n}', start))
  return [...body.matchAll(/^ {2}(ERR_[A-Z0-9_]+):/gm)].map((match) => match[1]!)
}

/** One section of docs/errors.md per code. */
function documentedCodes(): Map<string, { readonly status: number | undefined; readonly text: string }> {
  const sections = read('docs/errors.md').split(/^### /m).slice(1)
  return new Map(
    sections.map((section) => {
      const [, code, status] =
        /^`(ERR_[A-Z0-9_]+)`(?: \((\d{3})\))?\n/.exec(section) ?? assert.fail(section.slice(0, 60))
      const text = section
        .slice(section.indexOf('\n') + 1)
        .split(/^## /m, 1)[0]!
        .replace(/\s+/g, ' ')
      return [code!, { status: status === undefined ? undefined : Number(status), text }]
    }),
  )
}

const example = (code: string): ClusterError => new ClusterError(code as ErrorCode, '', { allowed: [] } as never)

describe('docs/errors.md', () => {
  const documented = documentedCodes()

  it('explains every code, and no other', () => {
    assert.ok(declaredCodes().length > 40)
    assert.deepEqual([...documented.keys()].sort(), declaredCodes().sort())
  })

  it('says of each whether to retry, as the error itself does', () => {
    for (const [code, { text }] of documented)
      assert.match(text, new RegExp(`Retry: ${example(code).retryable ? 'yes' : 'no'}\\.`), code)
  })

  it('says of each whether it may have happened', () => {
    for (const [code, { text }] of documented) assert.match(text, /May have happened: (no|depends)\b/, code)
  })

  it('has the HTTP status that the admin API answers with', () => {
    for (const [code, { status }] of documented)
      assert.equal(status ?? 500, errorAnswer(example(code), silentLogger).status, code)
  })

  it('has an explanation wherever code names a code', () => {
    for (const path of [
      'docs/guarantees.md',
      'docs/guarantees-data.md',
      'docs/guarantees-services.md',
      'docs/options.md',
      'README.md',
      'docs/architecture.md',
    ])
      for (const [code] of read(path).matchAll(/\bERR_[A-Z0-9_]+/g)) assert.ok(documented.has(code), `${path}: ${code}`)
  })
})

describe('ClusterError', () => {
  it('is JSON without its stack and cause', () => {
    const error = new ClusterError(
      'ERR_NOT_LEADER',
      'text',
      { leader: 'a' },
      { cause: 'secret', mayHaveHappened: true },
    )
    assert.deepEqual(JSON.parse(JSON.stringify(error)), {
      code: 'ERR_NOT_LEADER',
      message: 'text',
      details: { leader: 'a' },
      retryable: true,
      mayHaveHappened: true,
    })
    assert.equal(error.cause, 'secret')
  })

  it('is told apart by its code', () => {
    const error: unknown = new ClusterError('ERR_DISK', '', { path: '/x' })
    assert.ok(isClusterError(error, 'ERR_DISK') && error.details.path === '/x')
    assert.ok(!isClusterError(error, 'ERR_TIMEOUT'))
    assert.ok(!isClusterError({ code: 'ERR_DISK' }, 'ERR_DISK'))
  })
})
