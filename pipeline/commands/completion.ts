import { existsSync, readdirSync } from 'node:fs'
import { dirname } from 'node:path'
import tab from '@bomb.sh/tab/commander'
import type { Command } from 'commander'
import { stages } from '../../stages/index.ts'

/** Arguments and values that are no files; all others complete as paths. */
const NO_FILES = new Set(['id', 'sql', 'name', 'shell'])
const ARE_FILES = /^(out|store|log|guideline|sides|from)$/

const SHELLS = ['bash', 'zsh', 'fish', 'powershell']

/** What the script for bash takes from the package bash-completion, for machines without it. */
const BASH_WORDS = `declare -F _get_comp_words_by_ref > /dev/null || _get_comp_words_by_ref() {
    cword=$COMP_CWORD cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD - 1]}
    words=("\${COMP_WORDS[@]:0:COMP_CWORD + 1}")
}
`

/** `completion SHELL` prints a script; the script asks the hidden command `complete`. To be called when all other commands are there. */
export function registerCompletion(program: Command): void {
  const completion = tab(program, { completionCommandName: 'completion' })
  Object.assign(completion, { complete: answer })
  program.commands
    .find(command => command.name() === 'completion')!
    .hook('preAction', (_, { args: [shell] }) => void (shell === 'bash' && console.log(BASH_WORDS)))
    .description(`print a script that completes commands, options and paths in a shell (${SHELLS.join(', ')})`)
    .addHelpText(
      'after',
      `
Example: goldpan completion bash >> ~/.bashrc
         goldpan completion zsh > "\${fpath[1]}/_goldpan"
         goldpan completion fish > ~/.config/fish/completions/goldpan.fish`,
    )
  const stage = completion.commands.get('stages')?.arguments.get('name')
  if (stage) stage.handler = complete => stages.forEach(({ doc }, name) => void complete(name, doc))
  for (const command of completion.commands.values()) {
    for (const [name, argument] of command.arguments) if (!argument.handler && !NO_FILES.has(name)) argument.handler = paths
    for (const [name, option] of command.options) if (!option.isBoolean && ARE_FILES.test(name)) option.handler = paths
  }
}

interface Completing {
  readonly completions: readonly { readonly value: string; readonly description?: string }[]
}

const NO_SPACE = 2
const NO_FILE_COMPLETION = 4

/** As the package answers a shell, but that a folder is not followed by a space, and that a group of commands is described by its own line, which comes first. */
function answer(this: Completing, word: string): void {
  const begun = word.replace(/^--[\w-]+=/, '')
  const found = new Map<string, Completing['completions'][number]>()
  for (const one of this.completions) if (one.value.startsWith(begun) && !found.has(one.value)) found.set(one.value, one)
  for (const { value, description = '' } of found.values()) console.log(`${value}\t${description}`)
  const folders = found.size > 0 && [...found.keys()].every(value => value.endsWith('/'))
  console.log(`:${NO_FILE_COMPLETION + (folders ? NO_SPACE : 0)}`)
}

/** What is there under the beginning of the last word of the command line; a folder ends in a slash, so that one may go on. */
function paths(complete: (value: string, description: string) => void): void {
  const word = (process.argv.at(-1) ?? '').replace(/^--[\w-]+=/, '')
  const folder = word.endsWith('/') ? word : word.includes('/') ? `${dirname(word)}/` : ''
  if (folder !== '' && !existsSync(folder)) return
  for (const entry of readdirSync(folder === '' ? '.' : folder, { withFileTypes: true }))
    if (!entry.name.startsWith('.')) complete(`${folder}${entry.name}${entry.isDirectory() ? '/' : ''}`, '')
}
