// The page: what was heard, as a picture and in words. Names come from other members, so everything is set as text.

import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { linkCount, otherLinks, type Picture, picture } from '../model.ts'
import { ChannelsPanel } from './channels-panel.tsx'
import { ConfigPanel } from './config-panel.tsx'
import { MemberTable, Strip, TimeLine } from './facts.tsx'
import type { Connection, Feed, View } from './feed.ts'
import { Graph } from './graph.tsx'
import { LocksPanel } from './locks-panel.tsx'
import { LogPanel } from './log-panel.tsx'
import { Panel } from './panel.tsx'
import { ServicesPanel } from './services-panel.tsx'
import { Switch } from './switch.tsx'
import { Tabs } from './tabs.tsx'

const connectionText: Readonly<Record<Connection, string>> = {
  waiting: '○ connecting',
  live: '● live',
  gone: '✕ not connected',
  locked: '○ locked',
}

export function App({ view, feed }: { readonly view: View; readonly feed: Feed }) {
  const { status, members, topology, links, connection } = view
  const [self, overlay] = [status?.node.id ?? '', status?.topology.name ?? '']
  const others = useMemo(() => otherLinks({ self, overlay, members, map: links }), [self, overlay, members, links])
  const drawn = useMemo(
    () => (status ? picture({ status, members, topology, otherLinks: others }) : undefined),
    [status, members, topology, others],
  )
  const title = status ? `${status.node.name} · ${status.cluster.name} · Trellis` : 'Trellis'
  useEffect(() => {
    document.title = title
  }, [title])
  return (
    <>
      <header>
        <h1>
          <Logo /> Trellis <span id="cluster">{status?.cluster.name}</span>
        </h1>
        {status && (
          <p>
            seen by <strong id="self">{status.node.name}</strong> <span id="self-address">{status.node.address}</span>
          </p>
        )}
        <p id="connection" role="status" data-state={connection}>
          {connectionText[connection]}
        </p>
      </header>
      {connection === 'gone' && <Gone view={view} />}
      {connection === 'locked' && <Login feed={feed} refusal={view.refusal} />}
      {connection !== 'locked' && drawn && <Content view={view} drawn={drawn} />}
    </>
  )
}

function Logo() {
  return (
    <svg class="logo" viewBox="0 0 24 24" aria-hidden="true">
      <path d="M12 3 21 12 12 21 3 12ZM7.5 7.5l9 9M16.5 7.5l-9 9" />
    </svg>
  )
}

function Gone({ view: { status, heardAt } }: { readonly view: View }) {
  const since = heardAt === undefined ? '' : ` at ${new Date(heardAt).toLocaleTimeString()}`
  return (
    <p id="notice" class="notice" role="alert">
      {status
        ? `Connection to ${status.node.name} lost: what stands below is what it said last${since}. Trying again; the other nodes have the same page.`
        : 'The node does not answer. Trying again; the other nodes have the same page.'}
    </p>
  )
}

function Login({ feed, refusal }: { readonly feed: Feed; readonly refusal: string | undefined }) {
  const token = useRef<HTMLInputElement>(null)
  useEffect(() => token.current?.focus(), [])
  const open = (event: Event): void => {
    event.preventDefault()
    const { value } = token.current!
    token.current!.value = ''
    void feed.unlock(value)
  }
  return (
    <form id="login" class="notice" onSubmit={open}>
      <label for="token">This admin asks for a token.</label>
      <input id="token" ref={token} type="password" autocomplete="current-password" required />
      <button type="submit">Open</button>
      {refusal && <p role="alert">{refusal}</p>}
    </form>
  )
}

function Content({ view, drawn }: { readonly view: View; readonly drawn: Picture }) {
  const { status, entries, connection } = view
  const [selected, setSelected] = useState<string>()
  const dot = drawn.dots.find(({ member }) => member.id === selected)
  const opener = useRef<HTMLElement>(undefined)
  const select = (id: string | undefined): void => {
    if (selected === undefined) opener.current = document.activeElement as HTMLElement
    setSelected(id)
  }
  const close = (): void => {
    setSelected(undefined)
    opener.current?.focus()
  }
  useEffect(() => {
    if (selected === undefined) return
    const onKey = (event: KeyboardEvent): void => {
      if (event.key === 'Escape') close()
    }
    document.addEventListener('keydown', onKey)
    return () => document.removeEventListener('keydown', onKey)
  }, [selected])
  return (
    <main id="content" class={connection === 'gone' ? 'stale' : ''}>
      <Strip status={status!} picture={drawn} />
      <Switch topology={status!.topology} to={view.switchTo} />
      <div class="middle">
        <section class="graph card" aria-label="Members and links, as a picture">
          <a class="skip" href="#details">
            Skip the picture
          </a>
          <Graph picture={drawn} selected={dot?.member.id} onSelect={select} />
          <Legend drawn={drawn} self={status!.node.name} />
        </section>
        <div class="side">
          {dot && <Panel dot={dot} picture={drawn} status={status!} onClose={close} />}
          <TimeLine entries={entries} />
        </div>
      </div>
      <Tabs
        label="Details"
        tabs={[
          { id: 'members', title: 'Members', render: () => <MemberTable dots={drawn.dots} onSelect={select} /> },
          { id: 'channels', title: 'Channels', render: () => <ChannelsPanel /> },
          { id: 'config', title: 'Config', render: () => <ConfigPanel /> },
          { id: 'locks', title: 'Locks', render: () => <LocksPanel /> },
          { id: 'log', title: 'Log', render: () => <LogPanel /> },
          { id: 'services', title: 'Services', render: () => <ServicesPanel /> },
        ]}
      />
    </main>
  )
}

function Legend({ drawn, self }: { readonly drawn: Picture; readonly self: string }) {
  const told = drawn.otherLinks.filter(({ state }) => state === 'up').length
  const silent = drawn.otherLinks.filter(({ state }) => state === 'expected').length
  const rest = silent > 0 ? `, ${silent.toLocaleString('en')} expected` : ''
  return (
    <ul class="legend" aria-label="Legend">
      <li>
        <i class="line own" /> {linkCount(drawn.ownLinks)} of {self}
      </li>
      <li>
        <i class="line other" /> {told.toLocaleString('en')} between others, as they tell{rest}
      </li>
      <li>
        <i class="line pinned" /> only pinned
      </li>
      <li>
        <i class="line on-demand" /> on demand
      </li>
      <li>
        <i class="line missing" /> wanted, not there
      </li>
      <li>
        <b class="good">●</b> alive
      </li>
      <li>
        <b class="warn">◐</b> suspect
      </li>
      <li>
        <b class="bad">✕</b> down
      </li>
      <li>
        <b class="faint">○</b> left
      </li>
      <li>
        <b class="gold">♛</b> leader
      </li>
      <li>
        <b class="s5">◆</b> S5
      </li>
      <li>
        <b class="good">◎</b> voter
      </li>
    </ul>
  )
}
