// The rules of CONTRIBUTING.md, executed. Each one is also shown trees that break it, for a rule that cannot fail
// checks nothing, and trees that only look like that.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { codeRules } from './tidy/code-rules.ts'
import { docRules } from './tidy/doc-rules.ts'
import { fileRules } from './tidy/file-rules.ts'
import { numberRules } from './tidy/number-rules.ts'
import { type Rule, repositoryTree, sampleTree } from './tidy/tree.ts'

const rules: readonly Rule[] = [...fileRules, ...codeRules, ...docRules, ...numberRules]

describe('the repository', () => {
  const tree = repositoryTree()

  it('is really looked at', () => {
    for (const path of ['README.md', 'src/index.ts', 'topology/index.ts', 'consensus/index.ts', 'package-lock.json']) {
      assert.ok(tree.has(path), path)
    }
  })

  for (const rule of rules) {
    it(rule.name, () => assert.deepEqual(rule.problems(tree), []))
  }
})

describe('a rule', () => {
  for (const { name, problems, bad, good } of rules) {
    it(`sees what breaks it: ${name}`, () => {
      assert.ok(bad.length > 0)
      for (const sample of bad) assert.notDeepEqual(problems(sampleTree(sample)), [], JSON.stringify(sample))
      for (const sample of good) assert.deepEqual(problems(sampleTree(sample)), [], JSON.stringify(sample))
    })
  }
})
