// The config of the cluster under a prefix, to read and not to write: it follows every change.

import { useEffect, useState } from 'preact/hooks'
import { countText, numberText, type ShownEntry } from '../panels.ts'
import { Answer, Empty, Table } from './answer.tsx'
import { useConfig } from './config-watch.ts'

/** Nobody types slower than a list is asked for. */
const typingMs = 300
/** Longer values open on demand. */
const lineLength = 80

export function ConfigPanel() {
  const [typed, setTyped] = useState('')
  const [prefix, setPrefix] = useState('')
  useEffect(() => {
    const timer = setTimeout(() => setPrefix(typed), typingMs)
    return () => clearTimeout(timer)
  }, [typed])
  return (
    <>
      <label class="prefix">
        Keys that begin with{' '}
        <input
          id="config-prefix"
          type="search"
          spellcheck={false}
          autocomplete="off"
          placeholder="anything"
          value={typed}
          onInput={({ currentTarget }) => setTyped(currentTarget.value)}
        />
      </label>
      <Entries key={prefix} prefix={prefix} />
    </>
  )
}

function Entries({ prefix }: { readonly prefix: string }) {
  const asked = useConfig(prefix)
  return (
    <Answer asked={asked}>
      {({ entries, revision, isPartial }) => (
        <>
          <p class="small" id="config-state">
            {asked.problem === undefined ? <b class="good">● live</b> : '○ not live'}, revision {revision}:{' '}
            {isPartial
              ? `the first ${countText(entries.length, 'key')}; a longer prefix shows others`
              : countText(entries.length, 'key')}
          </p>
          {entries.length === 0 ? (
            <Empty text={prefix === '' ? 'There is no config yet.' : 'No key begins so.'} />
          ) : (
            <Table titles={['Key', 'Value', 'Revision', 'Created']}>
              {entries.map((entry) => (
                <tr key={entry.key} data-key={entry.key}>
                  <th scope="row">
                    <code>{entry.key}</code>
                  </th>
                  <td class="value">
                    <Value {...entry} />
                  </td>
                  {/* A key of its own: what has changed lights up. */}
                  <td key={entry.revision} class="revision">
                    {entry.revision}
                  </td>
                  <td>{entry.createRevision}</td>
                </tr>
              ))}
            </Table>
          )}
        </>
      )}
    </Answer>
  )
}

function Value({ text, cut }: Pick<ShownEntry, 'text' | 'cut'>) {
  const line = text.replaceAll(/\n\s*/g, ' ')
  if (line.length <= lineLength && cut === 0) return <code>{line}</code>
  return (
    <details>
      <summary>
        <code>{line.slice(0, lineLength)}…</code>
      </summary>
      <pre>
        {text}
        {cut > 0 && `\n… and ${numberText(cut)} more characters`}
      </pre>
    </details>
  )
}
