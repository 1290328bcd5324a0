// The tabs below the picture. Arrow keys walk them, Enter opens one; only the open one exists, so only it asks the
// node.

import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'

export interface Tab {
  readonly id: string
  readonly title: string
  readonly render: () => ComponentChildren
}

export function Tabs({ tabs, label }: { readonly tabs: readonly Tab[]; readonly label: string }) {
  const [open, setOpen] = useState(tabs[0]!.id)
  return (
    <section class="details" id="details" aria-label={label}>
      <div class="tabs" role="tablist" aria-label={label}>
        {tabs.map(({ id, title }) => (
          <button
            key={id}
            type="button"
            role="tab"
            id={`tab-${id}`}
            aria-selected={id === open}
            aria-controls={id === open ? `details-${id}` : undefined}
            tabIndex={id === open ? 0 : -1}
            onClick={() => setOpen(id)}
            onKeyDown={walk}
          >
            {title}
          </button>
        ))}
      </div>
      <div key={open} role="tabpanel" id={`details-${open}`} aria-labelledby={`tab-${open}`}>
        {tabs.find(({ id }) => id === open)!.render()}
      </div>
    </section>
  )
}

function walk(event: KeyboardEvent): void {
  const tabs = [...(event.currentTarget as Element).parentElement!.children] as HTMLElement[]
  const at = tabs.indexOf(event.currentTarget as HTMLElement)
  const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: -1 }[event.key]
  if (to === undefined) return
  event.preventDefault()
  tabs.at(to % tabs.length)!.focus()
}
