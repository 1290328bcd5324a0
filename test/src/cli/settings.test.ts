import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { Command } from 'commander'
import { addNodeFlags, nodeSettings, readNodeSettings } from '../../../src/cli/settings.ts'
import { temporaryDirectory } from './run-process.ts'

function parse(argv: readonly string[], env: Record<string, string> = {}) {
  const command = addNodeFlags(new Command().exitOverride())
  return readNodeSettings(command.parse([...argv], { from: 'user' }).opts(), { env })
}

describe('the settings of trellis node', () => {
  it('are the defaults of the command when nothing is said', () => {
    assert.deepEqual(parse([]), { logLevel: 'info', options: { admin: '127.0.0.1:7500' } })
  })

  it('come from the flag, else the variable, else the file, else the default', () => {
    using directory = temporaryDirectory()
    const config = join(directory.path, 'node.json')
    const places = [{ flag: 'flag' }, { env: 'variable' }, { file: 'file' }] as const
    for (const { key, flag, variable, parse: fromText } of nodeSettings) {
      if (key.endsWith('File') || !flag.includes(' ')) continue
      const read = (from: readonly (typeof places)[number][]): unknown => {
        const has = (name: string): boolean => from.some((place) => name in place)
        writeFileSync(config, JSON.stringify(has('file') ? { [key]: 'file' } : {}))
        const argv = ['--config', config, ...(has('flag') ? [flag.split(' ', 1)[0]!, 'flag'] : [])]
        const { logLevel, options } = parse(argv, has('env') ? { [variable]: 'variable' } : {})
        return { ...options, logLevel }[key as 'name']
      }
      const list = (text: string): unknown => (fromText ? fromText(text) : text)
      assert.deepEqual(read([...places]), list('flag'), key)
      assert.deepEqual(read([places[1], places[2]]), list('variable'), key)
      assert.deepEqual(read([places[2]]), 'file', key)
    }
  })

  it('come from what trellis up left in the data directory when nothing else says them', () => {
    using directory = temporaryDirectory()
    const left = { listen: '127.0.0.1:7402', admin: '127.0.0.1:7502' }
    writeFileSync(join(directory.path, 'settings.json'), JSON.stringify(left))
    const dataDir = directory.path
    assert.deepEqual(parse(['--data-dir', dataDir]).options, { dataDir, ...left })
    const told = parse(['--data-dir', dataDir, '--admin', 'off'], { TRELLIS_LISTEN: '127.0.0.1:1' })
    assert.deepEqual(told.options, { dataDir, listen: '127.0.0.1:1', admin: false })
  })

  it('take what makes a gateway from a file, and its secret from another', () => {
    using directory = temporaryDirectory()
    const [federation, secret] = ['federation.json', 'secret'].map((name) => join(directory.path, name)) as [
      string,
      string,
    ]
    writeFileSync(secret, 'a secret of gateways\n')
    writeFileSync(federation, JSON.stringify({ secretFile: secret, exports: ['mail'] }))
    const expected = { secret: ['a secret of gateways'], exports: ['mail'] }
    assert.deepEqual(parse(['--federation-file', federation]).options.federation, expected)
    writeFileSync(federation, '{')
    assert.throws(() => parse(['--federation-file', federation]), /not JSON/)
  })

  it('have lists with commas, numbers, and "off" for no admin', () => {
    const { options } = parse(['--join', 'a:1, b:2,', '--role', 'x,y', '--expect', '3', '--admin', 'off'])
    assert.deepEqual(options, { join: ['a:1', 'b:2'], roles: ['x', 'y'], expect: 3, admin: false })
  })

  it('have flags without a value, whose variable is 1 or true', () => {
    assert.equal(parse(['--allow-faults']).options.allowFaults, true)
    for (const [text, allowFaults] of Object.entries({ 1: true, true: true, 0: false, false: false, yes: 'yes' }))
      assert.equal(parse([], { TRELLIS_ALLOW_FAULTS: text }).options.allowFaults, allowFaults)
  })

  it('leave what is no number to the check of the options', () => {
    assert.equal(parse(['--expect', 'three']).options.expect, 'three')
  })

  it('ignore empty variables and those that others set', () => {
    assert.deepEqual(
      parse([], { TRELLIS_NAME: '', TRELLIS_SERVICE_HOST: '10.0.0.1', TRELLIS_PORT: 'tcp://x' }).options,
      {
        admin: '127.0.0.1:7500',
      },
    )
  })

  it('take the secret by its own order of places, a file as a keyring', () => {
    using directory = temporaryDirectory()
    const file = (name: string, text: string): string => {
      const path = join(directory.path, name)
      writeFileSync(path, text)
      return path
    }
    const flag = file('flag', 'from-flag\n\n  older  \n')
    const variable = file('variable', 'from-variable-file\n')
    const config = file('config.json', JSON.stringify({ secret: 'from-config' }))
    const secret = (argv: string[], env: Record<string, string> = {}): unknown => parse(argv, env).options.secret
    const env = { TRELLIS_SECRET: 'from-variable', TRELLIS_SECRET_FILE: variable }
    assert.deepEqual(secret(['--secret-file', flag, '--config', config], env), ['from-flag', 'older'])
    assert.equal(secret(['--config', config], env), 'from-variable')
    assert.deepEqual(secret(['--config', config], { TRELLIS_SECRET_FILE: variable }), ['from-variable-file'])
    assert.equal(secret(['--config', config]), 'from-config')
    assert.deepEqual(secret(['--config', file('named.json', JSON.stringify({ secretFile: flag }))]), [
      'from-flag',
      'older',
    ])
    assert.equal(secret([]), undefined)
  })

  it('take the admin token likewise, of a file the first line', () => {
    using directory = temporaryDirectory()
    const path = join(directory.path, 'token')
    writeFileSync(path, 'one\ntwo\n')
    const token = (argv: string[], env: Record<string, string> = {}): unknown => parse(argv, env).options.adminToken
    assert.equal(token(['--admin-token-file', path], { TRELLIS_ADMIN_TOKEN: 'x' }), 'one')
    assert.equal(token([], { TRELLIS_ADMIN_TOKEN: 'x', TRELLIS_ADMIN_TOKEN_FILE: path }), 'x')
    assert.equal(token([], { TRELLIS_ADMIN_TOKEN_FILE: path }), 'one')
  })

  it('refuse a file that is none', () => {
    using directory = temporaryDirectory()
    const path = join(directory.path, 'x')
    for (const [text, expected] of [
      ['{', /is not JSON/],
      ['[]', /must hold a JSON object/],
      ['{"listne":"x","frob":1}', /unknown option 'listne' in .*did you mean 'listen'\?; unknown option 'frob'/],
      ['x'.repeat(70_000), /too large/],
    ] as const) {
      writeFileSync(path, text)
      assert.throws(() => parse(['--config', path]), expected)
    }
    writeFileSync(path, ' \n')
    assert.throws(() => parse(['--secret-file', path]), /--secret-file \('.*'\) is empty/)
  })
})
