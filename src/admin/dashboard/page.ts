// The page's skeleton. Everything that changes is filled in by `script.ts` as text, never as markup.

const icon =
  "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Cpath d='M2 5h12M2 11h12M5 2v12M11 2v12' stroke='%232f7d5b' stroke-width='2' stroke-linecap='round'/%3E%3C/svg%3E"

export const page = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Trellis</title>
<link rel="icon" href="${icon}">
<link rel="stylesheet" href="/dashboard.css">
</head>
<body>
<header>
  <h1>Trellis <span id="cluster"></span></h1>
  <p>seen by <strong id="self">…</strong> <span id="self-address"></span></p>
  <p id="connection" role="status" data-state="waiting">○ connecting</p>
</header>
<noscript><p class="notice">This page needs JavaScript. The same facts: <code>trellis status</code>.</p></noscript>
<p id="notice" class="notice" role="alert" hidden></p>
<form id="login" hidden>
  <label for="token">This admin asks for a token.</label>
  <input id="token" type="password" autocomplete="current-password" required>
  <button>Open</button>
</form>
<main id="content" hidden>
  <section class="facts" aria-label="Cluster">
    <dl><dt>Leader</dt><dd id="leader">–</dd><dd class="small" id="leader-detail"></dd></dl>
    <dl><dt>S5</dt><dd id="s5">–</dd><dd class="small" id="s5-detail"></dd></dl>
    <dl><dt>Members alive</dt><dd id="alive">–</dd><dd class="small" id="alive-detail"></dd></dl>
    <dl><dt>Voters</dt><dd id="voters">–</dd><dd class="small" id="voters-detail"></dd></dl>
    <dl><dt>Topology</dt><dd id="topology">–</dd><dd class="small" id="topology-detail"></dd></dl>
  </section>
  <section>
    <h2>Members</h2>
    <div class="scroll">
    <table>
      <thead><tr><th scope="col">Name</th><th scope="col">State</th><th scope="col">Condition</th><th scope="col">Part</th>
      <th scope="col">Address</th><th scope="col">Roles</th><th scope="col">Zone</th><th scope="col">Id</th></tr></thead>
      <tbody id="members"></tbody>
    </table>
    </div>
  </section>
  <section>
    <h2>What happened</h2>
    <p id="quiet" class="small">Nothing since this page was opened.</p>
    <ol id="events" reversed></ol>
  </section>
</main>
<script src="/dashboard.js" defer></script>
</body>
</html>
`
