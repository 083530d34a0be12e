/** Every command and every config of docs/ is run as it stands there. */
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { freshDir, goldpan, ROOT } from './cli.ts'

const dir = freshDir('docs')
beforeAll(() => symlinkSync(join(ROOT, 'data'), join(dir, 'data')))

const blocks = (page: string, language: string): string[] =>
  [...readFileSync(join(ROOT, 'docs', page), 'utf8').matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\``, 'gm'))].map(([, text]) =>
    text.trim(),
  )

/** A line as the shell reads it, as far as the pages go: words, and double quotes. */
const words = (line: string): string[] => [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain)

describe('docs/first-steps.md', () => {
  it('runs from top to bottom', () => {
    const commands = blocks('first-steps.md', 'sh')
    expect(commands.length).toBeGreaterThan(7)
    const said = commands.map(line => {
      const [npx, name, ...args] = words(line)
      expect([npx, name]).toEqual(['npx', 'goldpan'])
      const { code, stdout, stderr } = goldpan(args, { cwd: dir })
      expect([0, 3], `${line}\n${stderr}`).toContain(code)
      return stdout
    })
    const diff = said[commands.findIndex(line => line.includes(' diff '))]
    expect(diff).toMatch(/decontaminate\.action +quarantine +-> +flag/)
    expect(diff).toMatch(/[1-9]\d* otherwise/)
  })
})

describe('docs/recipes.md', () => {
  it.each(blocks('recipes.md', 'yaml').map(text => [/name: (\S+)/.exec(text)![1], text]))('%s builds', (name, text) => {
    writeFileSync(join(dir, `${name}.yaml`), text)
    mkdirSync(join(dir, 'out'), { recursive: true })
    const { code, stdout, stderr } = goldpan(['run', `${name}.yaml`, '--out', `out/${name}`, '--threads', '0', '--progress', 'none'], {
      cwd: dir,
    })
    expect(code, stderr).toBe(0)
    expect(stdout).toMatch(/pairs in, [1-9]\d* kept/)
  })
})
