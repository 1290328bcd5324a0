// The files that the rules look at, and how a rule is written down. A rule sees a whole tree, so that a bad example of
// it is a tree too: every rule is shown one that breaks it, because a rule that cannot fail checks nothing.

import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { mask } from './mask.ts'

export interface SourceFile {
  readonly path: string
  readonly text: string
  /** The text with the contents of comments blanked; offsets and lines are those of `text`. */
  readonly uncommented: string
  /** The text with the contents of comments, strings and regular expressions blanked. */
  readonly code: string
}

export type Tree = ReadonlyMap<string, SourceFile>

/** A small tree for a self-test, by path. */
export type Sample = Readonly<Record<string, string>>

export interface Rule {
  /** A fact that holds when the rule is kept. */
  readonly name: string
  /** What breaks it, each as `path:line: what`. */
  readonly problems: (tree: Tree) => string[]
  /** Trees that break it, each in one way. */
  readonly bad: readonly Sample[]
  /** Trees that look like it and do not. */
  readonly good: readonly Sample[]
}

export function sourceFile(path: string, text: string): SourceFile {
  const isCode = /\.[jt]sx?$/.test(path)
  return {
    path,
    text,
    get uncommented() {
      return isCode ? mask(text, { strings: false }) : text
    },
    get code() {
      return isCode ? mask(text, { strings: true }) : text
    },
  }
}

export function sampleTree(sample: Sample): Tree {
  return new Map(Object.entries(sample).map(([path, text]) => [path, sourceFile(path, text)]))
}

const root = resolve(import.meta.dirname, '../..')

/** Every text file that is or would be committed. */
export function repositoryTree(): Tree {
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: root })
  const paths = listed
    .toString()
    .split('\0')
    .filter((path) => path !== '' && existsSync(join(root, path)))
  return new Map(paths.map((path) => [path, sourceFile(path, readFileSync(join(root, path), 'utf8'))]))
}

/** A rule that looks at one file at a time. `check` gives offset and text of each problem. */
export function eachFile(
  paths: RegExp,
  check: (file: SourceFile) => Iterable<readonly [offset: number, what: string]>,
): (tree: Tree) => string[] {
  return (tree) =>
    [...tree.values()]
      .filter(({ path }) => paths.test(path))
      .flatMap((file) => [...check(file)].map(([offset, what]) => `${file.path}:${lineAt(file.text, offset)}: ${what}`))
}

/** A check that finds every match of `pattern` in one view of the file. */
export function forbid(
  view: 'text' | 'uncommented' | 'code',
  pattern: RegExp,
): (file: SourceFile) => Iterable<readonly [offset: number, what: string]> {
  return (file) => [...file[view].matchAll(pattern)].map((match) => [match.index, match[0].trim()] as const)
}

export function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split('\n').length
}
