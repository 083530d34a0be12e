/**
 * Feeds one reader with broken files. Before each the tally so far is noted, so that the parent knows what this process was at when it dies.
 * Arguments: reader, folder with the samples, file for the note, seed, first input, last input + 1.
 */
import { openSync, readFileSync, writeFileSync, writeSync } from 'node:fs'
import { mutated } from './mutate.mjs'
import { readers } from './readers.mjs'

const [reader, dir, note, ...numbers] = process.argv.slice(2)
const [seed, first, end] = numbers.map(Number)
const samples = JSON.parse(readFileSync(`${dir}/samples.json`, 'utf8'))[reader].map(({ bytes, rows }) => ({ bytes: Buffer.from(bytes, 'base64'), rows }))
const fd = openSync(note, 'w')
const path = `${note}.in`
const tally = { index: first, read: 0, refused: 0, rows: 0, rejects: 0, faults: [], peak_bytes: 0 }

function say() {
  tally.peak_bytes = process.resourceUsage().maxRSS * 1024
  const text = `${JSON.stringify(tally)}\n`
  writeSync(fd, text, 0)
}

/** A refusal is one line that begins with the file. */
const isRefusal = ({ name, message }) => name === 'UserError' && /^(in|.*\.in)(:\d+)?: [^\n]+$/.test(message)

for (; tally.index < end; tally.index++) {
  say()
  const { sample, bytes } = mutated(samples, seed, tally.index)
  writeFileSync(path, bytes)
  try {
    const { rows, rejected } = await readers[reader](path, bytes, sample)
    tally.read++
    tally.rows += rows
    tally.rejects += rejected
  } catch (error) {
    if (isRefusal(error)) tally.refused++
    else tally.faults.push({ index: tally.index, what: String(error.stack ?? error).slice(0, 600) })
  }
}
say()
process.exit(0)
