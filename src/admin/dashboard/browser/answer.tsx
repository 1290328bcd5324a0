// What every panel has around its facts: that it asks, why it has no newer answer, that there is nothing, and a table.

import type { ComponentChildren } from 'preact'
import type { Asked } from './asking.ts'

export function Answer<Body>({
  asked,
  children,
}: {
  readonly asked: Asked<Body>
  readonly children: (answer: Body) => ComponentChildren
}) {
  const { answer, at, problem } = asked
  const since = answer === undefined ? '' : ` What stands here is from ${new Date(at).toLocaleTimeString()}.`
  return (
    <>
      {problem !== undefined && <Problem text={`${problem}.${since}`} />}
      {answer === undefined ? problem === undefined && <Empty text="Asking the node…" /> : children(answer)}
    </>
  )
}

export function Problem({ text }: { readonly text: string }) {
  return (
    <p class="problem" role="status">
      <span aria-hidden="true">✕</span> {text}
    </p>
  )
}

export function Empty({ text }: { readonly text: string }) {
  return <p class="empty card">{text}</p>
}

export function Table({
  titles,
  children,
}: {
  readonly titles: readonly string[]
  readonly children: ComponentChildren
}) {
  return (
    <div class="scroll card">
      <table>
        <thead>
          <tr>
            {titles.map((title) => (
              <th key={title} scope="col">
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  )
}
