// The page's skeleton. Everything in it is made by the program in `browser/`, as text, never as markup.

import type { Assets } from './assets.ts'

const icon =
  "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 24 24'%3E%3Cpath d='M12 3 21 12 12 21 3 12ZM7.5 7.5l9 9M16.5 7.5l-9 9' fill='none' stroke='%23269467' stroke-width='2.2' stroke-linejoin='round' stroke-linecap='round'/%3E%3C/svg%3E"

/** Undefined: the program has not been built. */
export function page(assets: Assets | undefined): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Trellis</title>
<link rel="icon" href="${icon}">
${assets ? `<link rel="stylesheet" href="${assets.style.path}">\n<script src="${assets.script.path}" defer></script>` : ''}
</head>
<body>
<noscript><p>This page needs JavaScript. The same facts: <code>trellis status</code>.</p></noscript>
<div id="app">${assets ? '' : '<p>The dashboard has not been built: <code>npm run build</code>.</p>'}</div>
</body>
</html>
`
}
