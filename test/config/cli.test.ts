import { expect, test } from 'vitest'
import { helpText, parseArguments } from '../../src/cli.ts'

const plain = { name: 'serve', configFile: null, dataDirectory: null, listen: null, checkConfig: false }

test.each([
  [[], plain],
  [['serve'], plain],
  [['run'], plain],
  [['--config', 'x.yaml'], { ...plain, configFile: 'x.yaml' }],
  [['-c', 'x.yaml', '--check-config'], { ...plain, configFile: 'x.yaml', checkConfig: true }],
  [['run', '--config=x.yaml'], { ...plain, configFile: 'x.yaml' }],
  [['--data', 'd', '--listen', ':9'], { ...plain, dataDirectory: 'd', listen: ':9' }],
  [['--help', '--config', 'x'], { name: 'help' }],
  [['-h'], { name: 'help' }],
  [['-v'], { name: 'version' }],
  [['--version'], { name: 'version' }],
])('%j is understood', (argv, command) => {
  expect(parseArguments(argv)).toEqual(command)
})

test.each([
  [['--confg', 'x'], 'there is no flag --confg; did you mean --config?'],
  [['--check-confg'], 'there is no flag --check-confg; did you mean --check-config?'],
  [['--zzzzzz'], 'there is no flag --zzzzzz'],
  [['-x'], 'there is no flag -x'],
  [['srve'], 'there is no command "srve"; did you mean serve?'],
  [['serve', 'now'], '"now" is one word too many after serve'],
  [['--config'], '--config needs a value'],
  [['--config', '--check-config'], '--config needs a value before --check-config'],
  [['--config='], '--config needs a value'],
  [['--help=yes'], '--help takes no value'],
  [['--config', 'a', '-c', 'b'], '-c is given twice'],
  [['--listen', '8000'], '--listen "8000" is no HOST:PORT, such as 127.0.0.1:8000'],
  [
    ['--config', 'a', '--data', 'b'],
    '--data is for a start without a configuration file; with --config the file names the places',
  ],
])('%j is one clear line', (argv, problem) => {
  expect(parseArguments(argv)).toEqual({
    name: 'misused',
    message: `interlaken: ${problem} (--help explains every flag)`,
  })
})

test('the help explains every flag and the environment', () => {
  for (const word of [
    '--config FILE',
    '--check-config',
    '--data DIR',
    '--listen HOST:PORT',
    '--help',
    '--version',
    'INTERLAKEN_KEY',
    'LAKEFS_KEY',
    'DATABASE_URL',
    'INTERLAKEN_RUNTIME',
  ]) {
    expect(helpText).toContain(word)
  }
  for (const line of helpText.split('\n')) expect(line.length).toBeLessThanOrEqual(100)
})
