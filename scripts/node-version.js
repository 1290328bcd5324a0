// Says in one line what is missing when the Node that runs is too old for TypeScript sources. Plain JavaScript with old
// syntax only, because it must run exactly where the other programs of this folder cannot be read.

const wanted = [22, 18]
const own = process.versions.node.split('.').map(Number)
if (own[0] < wanted[0] || (own[0] === wanted[0] && own[1] < wanted[1])) {
  process.stderr.write(
    `Node ${process.versions.node} is too old: this needs Node ${wanted.join('.')} or newer. \`npm ci\` brings Node 24 as a dev dependency ` +
      'for `npm run`; if it did not, allow its install script (npm ci --foreground-scripts shows why) or install Node 24.\n',
  )
  process.exit(1)
}
