// Topics and patterns: words with dots between, `orders.created`. In a pattern `*` stands for exactly one word and `**`
// for any number of them, none included.

import { checkText } from '../call-options.ts'
import { ClusterError } from '../errors.ts'
import { MAX_SUBJECT_BYTES } from '../wire/limits.ts'

const topicShape = /^[\w-]+(\.[\w-]+)*$/
const patternShape = /^(?:[\w-]+|\*\*?)(?:\.(?:[\w-]+|\*\*?))*$/

/** Throws `ERR_BAD_OPTIONS` for what is no text, else `ERR_BAD_REQUEST`. */
export function checkTopic(topic: string): void {
  checkText('a topic', topic)
  if (!isTopic(topic))
    throw badTopic(
      `a topic is words of letters, digits, '_' and '-' with dots between, at most ${MAX_SUBJECT_BYTES} bytes`,
    )
}

/** Throws `ERR_BAD_OPTIONS` for what is no text, else `ERR_BAD_REQUEST`. */
export function checkPattern(pattern: string): void {
  checkText('a topic pattern', pattern)
  if (!isShort(pattern) || !patternShape.test(pattern))
    throw badTopic(`a topic pattern is words, '*' and '**' with dots between, at most ${MAX_SUBJECT_BYTES} bytes`)
}

/** Whether `topic` can be published to. */
export function isTopic(topic: unknown): boolean {
  return isShort(topic) && topicShape.test(topic)
}

function isShort(text: unknown): text is string {
  return typeof text === 'string' && text.length <= MAX_SUBJECT_BYTES
}

function badTopic(problem: string): ClusterError {
  return new ClusterError('ERR_BAD_REQUEST', problem, { problem })
}

/** What tells whether a topic fits `pattern`, in time proportional to the lengths of both at most. */
export function topicMatcher(pattern: string): (topic: string) => boolean {
  if (!pattern.includes('*')) return (topic) => topic === pattern
  if (pattern === '**') return () => true
  const words = pattern.split('.')
  return (topic) => fits(words, topic.split('.'))
}

/** On a mismatch after `**` only the last one has to be tried again, one word further. */
function fits(pattern: readonly string[], topic: readonly string[]): boolean {
  let at = 0
  let retryPattern = -1
  let retryTopic = 0
  for (let index = 0; index < topic.length; ) {
    const word = pattern[at]
    if (word === '**') {
      retryPattern = ++at
      retryTopic = index
    } else if (word !== undefined && (word === '*' || word === topic[index])) {
      at += 1
      index += 1
    } else if (retryPattern >= 0) {
      at = retryPattern
      retryTopic += 1
      index = retryTopic
    } else return false
  }
  while (pattern[at] === '**') at += 1
  return at === pattern.length
}
