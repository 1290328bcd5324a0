// Where the page's program begins.

import { render } from 'preact'
import { App } from './app.tsx'
import { Feed, type View } from './feed.ts'

const root = document.getElementById('app')!
const show = (view: View): void => render(<App view={view} feed={feed} />, root)
const feed: Feed = new Feed(show)
show(feed.view)
