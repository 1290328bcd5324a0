// The page's program, as the browser gets it. Names come from other members, so everything is set as text. A page that
// hears nothing for `silenceMs` says so and greys what it still shows; the browser reconnects by itself, and where it gives
// up (a refused token, a node that is gone) the page asks again.

export const script = `'use strict'
const silenceMs = 7000
const retryMs = 1500
const maxEvents = 100
const signs = { alive: '● alive', suspect: '◐ suspect', down: '✕ down', left: '○ left' }
const at = (id) => document.getElementById(id)
const say = (id, text) => { at(id).textContent = text }
let source, retry, heardAt = 0, status, members = []

function connect() {
  clearTimeout(retry)
  retry = undefined
  if (source) source.close()
  source = new EventSource('/v1/events')
  const heard = (handle) => (event) => {
    heardAt = performance.now()
    show('live')
    handle(JSON.parse(event.data))
  }
  source.addEventListener('status', heard((data) => { status = data; render() }))
  source.addEventListener('members', heard((data) => { members = data.members; render() }))
  source.addEventListener('alive', heard(() => {}))
  source.addEventListener('member', heard(({ at, change }) => note(at, memberLine(change))))
  source.addEventListener('leader', heard(({ at, leader, term }) =>
    note(at, leader ? leader + ' leads in term ' + term : 'no leader is known (term ' + term + ')')))
  source.addEventListener('s5', heard(({ at, host, phase, fencingToken }) =>
    note(at, 'S5 is ' + phase + (host ? ' on ' + host : '') + (fencingToken ? ', token ' + fencingToken : ''))))
  source.addEventListener('link', heard(({ at, peer, state, reason }) =>
    note(at, 'link to ' + peer + ' is ' + state + (reason ? ': ' + reason : ''))))
  source.onerror = () => {
    show('gone')
    if (source.readyState === EventSource.CLOSED) askAgain()
  }
}

function askAgain(delayMs = retryMs) {
  if (retry !== undefined) return
  retry = setTimeout(async () => {
    const answer = await fetch('/v1/status').catch(() => undefined)
    retry = undefined
    if (answer && answer.status === 401) return askToken()
    if (answer && answer.ok) return connect()
    show('gone')
    askAgain()
  }, delayMs)
}

function askToken() {
  at('login').hidden = false
  at('content').hidden = true
  at('notice').hidden = true
  show('waiting')
  at('token').focus()
}

at('login').addEventListener('submit', async (event) => {
  event.preventDefault()
  const body = JSON.stringify({ token: at('token').value })
  const headers = { 'content-type': 'application/json' }
  const answer = await fetch('/v1/session', { method: 'POST', headers, body }).catch(() => undefined)
  at('token').value = ''
  if (answer && answer.ok) { at('login').hidden = true; at('notice').hidden = true; return connect() }
  warn(answer ? 'That token is not known here.' : 'The node does not answer.')
})

function show(state) {
  const words = { waiting: '○ connecting', live: '● live', gone: '✕ not connected' }
  at('connection').dataset.state = state
  if (at('connection').textContent !== words[state]) say('connection', words[state])
  at('content').classList.toggle('stale', state === 'gone')
  if (state === 'gone') {
    const self = status ? status.node.name : 'this node'
    warn('Connection to ' + self + ' lost: what stands below is what it said last. Trying again; the other nodes have the same page.')
  } else if (state === 'live') at('notice').hidden = true
}

function warn(text) {
  at('notice').hidden = false
  if (at('notice').textContent !== text) say('notice', text)
}

function render() {
  if (!status) return
  at('login').hidden = true
  at('content').hidden = false
  const { node, cluster, topology, consensus, s5 } = status
  document.title = node.name + ' · ' + cluster.name + ' · Trellis'
  say('cluster', cluster.name)
  say('self', node.name)
  say('self-address', node.address)
  say('leader', consensus.leader || 'none')
  say('leader-detail', 'term ' + consensus.term + ', ' + (consensus.quorum ? 'with a quorum' : 'no quorum'))
  say('s5', s5.host || 'none')
  say('s5-detail', s5.phase + (s5.fencingToken === null ? '' : ', fencing token ' + s5.fencingToken))
  say('alive', cluster.alive + ' of ' + cluster.size)
  say('alive-detail', node.condition === 'ok' ? '' : 'this node is ' + node.condition)
  say('voters', String(consensus.voters.length))
  say('voters-detail', 'commit index ' + consensus.commitIndex)
  say('topology', topology.name)
  say('topology-detail', 'epoch ' + topology.epoch + ', ' + topology.phase)
  const sorted = [...members].sort((a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }))
  at('members').replaceChildren(...sorted.map(row))
}

function row(member) {
  const line = document.createElement('tr')
  const cell = (text, state) => {
    const made = document.createElement('td')
    made.textContent = text
    if (state) made.dataset.state = state
    line.append(made)
    return made
  }
  cell(member.name + (member.id === status.node.id ? ' (this node)' : ''))
  cell(signs[member.state] || member.state, member.state)
  cell(member.condition, member.condition)
  const part = cell('')
  const badge = (text) => {
    const made = document.createElement('span')
    made.className = 'badge'
    made.textContent = text
    part.append(made)
  }
  if (member.name === status.consensus.leader) badge('leader')
  if (member.name === status.s5.host) badge('S5')
  if (status.consensus.voters.includes(member.name)) badge('voter')
  cell(member.address)
  cell(member.roles.join(', '))
  cell(member.zone)
  cell('…' + member.id.slice(-8)).title = member.id
  return line
}

function memberLine({ type, member, previous }) {
  if (type === 'added') return member.name + ' joined, ' + member.state
  if (type === 'removed') return member.name + ' was forgotten'
  if (previous.state !== member.state) return member.name + ': ' + previous.state + ' → ' + member.state
  if (previous.condition !== member.condition) return member.name + ': ' + previous.condition + ' → ' + member.condition
  return member.name + ' renewed itself'
}

function note(when, text) {
  const line = document.createElement('li')
  const time = document.createElement('time')
  const date = new Date(when)
  time.dateTime = date.toISOString()
  time.textContent = date.toLocaleTimeString()
  line.append(time, text)
  at('events').prepend(line)
  at('quiet').hidden = true
  while (at('events').children.length > maxEvents) at('events').lastChild.remove()
}

setInterval(() => {
  if (heardAt && performance.now() - heardAt > silenceMs) {
    heardAt = 0
    show('gone')
    source.close()
    askAgain()
  }
}, 500)
askAgain(0)
`
