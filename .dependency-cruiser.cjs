// The arrows of the house: a file imports its own room and the rooms to its right, never to its left (types count).
// README.md draws the same picture.
const order = [
  ['entry', ['^src/(node|bun|worker|cli|serve)[.]ts$']],
  ['app', ['^src/(app|assemble)[.]ts$']],
  ['edge', ['^src/api/', '^src/gateway/', '^src/ui/']],
  ['verbs', ['^src/catalog/', '^src/auth/', '^src/actions/', '^src/tasks/']],
  ['state', ['^src/refs/', '^src/staging/', '^src/committed/', '^src/upload/']],
  ['ground', ['^src/sstable/', '^src/sigv4/', '^src/block/', '^src/db/', '^src/runtime/']],
  ['leaves', ['^src/model[.]ts$', '^src/errors[.]ts$', '^src/gate[.]ts$']],
]
const leftward = order.flatMap(([name, from], at) => {
  const left = order.slice(0, at).flatMap(([, paths]) => paths)
  return left.length === 0
    ? []
    : [{ name: `${name}-imports-left`, severity: 'error', from: { path: from }, to: { path: [...left, '^adapters/'] } }]
})
const peers = order.flatMap(([, rooms]) =>
  rooms.map((room) => ({
    name: `peer-of-${room.replace(/\W+/g, '-')}`,
    severity: 'error',
    from: { path: room },
    to: { path: rooms.filter((other) => other !== room), pathNot: room },
  })),
)
module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    ...leftward,
    ...peers.filter((rule) => rule.to.path.length > 0 && !/src-(node|model|errors|gate)/.test(rule.name)),
    {
      name: 'adapters-import-block-only',
      severity: 'error',
      from: { path: '^adapters/' },
      to: { path: '^src/', pathNot: '^src/(block/|model[.]ts|errors[.]ts)' },
    },
    {
      name: 'config-for-entries-and-app',
      severity: 'error',
      from: { pathNot: '^src/(config/|(app|assemble)[.]ts|(node|bun|worker|cli|serve)[.]ts)' },
      to: { path: '^src/config/' },
    },
    {
      name: 'config-imports-leaves-and-block',
      severity: 'error',
      from: { path: '^src/config/' },
      to: { path: '^src/', pathNot: '^src/(config/|block/|model[.]ts|errors[.]ts)' },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    exclude: { path: 'node_modules' },
  },
}
