// The page's look: light or dark as the reader's system is; every state has a sign and a word, colour only repeats them.

export const style = `:root {
  color-scheme: light dark;
  --ground: light-dark(#f6f7f5, #15191a);
  --card: light-dark(#ffffff, #1d2324);
  --line: light-dark(#dde2dd, #323b3b);
  --text: light-dark(#1c2422, #e6ebe8);
  --faint: light-dark(#5b6763, #9aa8a3);
  --good: light-dark(#1d6b4a, #6fcf9f);
  --warn: light-dark(#8a5a00, #e6b455);
  --bad: light-dark(#a3262e, #ff8d8d);
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 76rem; padding: 1.25rem; background: var(--ground); color: var(--text);
  font: 15px/1.5 system-ui, sans-serif; }
header { display: flex; flex-wrap: wrap; align-items: baseline; gap: .25rem 1.5rem; }
header p { margin: 0; color: var(--faint); }
header strong { color: var(--text); }
h1 { font-size: 1.35rem; margin: 0; letter-spacing: -.01em; }
h1 span { font-weight: 400; color: var(--faint); }
h2 { font-size: 1rem; margin: 1.75rem 0 .5rem; }
#connection { margin-left: auto; }
#connection[data-state=live] { color: var(--good); }
#connection[data-state=gone] { color: var(--bad); font-weight: 600; }
.notice, #login { border: 1px solid var(--line); border-left: 4px solid var(--warn); background: var(--card);
  border-radius: 6px; padding: .75rem 1rem; margin: 1rem 0; }
#login { display: flex; flex-wrap: wrap; gap: .75rem; align-items: center; }
[hidden], #login[hidden] { display: none; }
input, button { font: inherit; color: inherit; padding: .3rem .6rem; border: 1px solid var(--line); border-radius: 5px;
  background: var(--ground); }
button { cursor: pointer; }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(11rem, 1fr)); gap: .75rem; margin-top: 1.25rem; }
dl { margin: 0; padding: .75rem 1rem; background: var(--card); border: 1px solid var(--line); border-radius: 8px; }
dt { color: var(--faint); font-size: .8rem; }
dd { margin: 0; font-size: 1.3rem; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
.small { font-size: .85rem; color: var(--faint); }
.scroll { overflow-x: auto; background: var(--card); border: 1px solid var(--line); border-radius: 8px; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .45rem .9rem; white-space: nowrap; font-variant-numeric: tabular-nums; }
th { font-size: .8rem; font-weight: 500; color: var(--faint); }
tbody tr { border-top: 1px solid var(--line); }
td:last-child { color: var(--faint); font: .8rem ui-monospace, monospace; }
[data-state=alive] { color: var(--good); }
[data-state=suspect], [data-state=stalled], [data-state=draining] { color: var(--warn); }
[data-state=down] { color: var(--bad); }
[data-state=left] { color: var(--faint); }
.badge { border: 1px solid currentColor; border-radius: 4px; padding: 0 .35rem; margin-right: .3rem; font-size: .8rem; }
#events { list-style: none; margin: 0; padding: 0; }
#events li { display: flex; gap: 1rem; padding: .15rem 0; }
#events time { color: var(--faint); font-variant-numeric: tabular-nums; }
.stale { opacity: .7; }
`
