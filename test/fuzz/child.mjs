/**
 * Feeds readers with broken files. Before each the tallies so far are noted, so that the parent knows what this process was at when it dies.
 * Arguments: folder with the samples, file for the note, seed, and per reader [name, first input, last input + 1] as JSON.
 */
import { ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs'
import { mutated } from './mutate.mjs'
import { readers } from './readers.mjs'

const [dir, note, seed, jobs] = process.argv.slice(2)
const samples = JSON.parse(readFileSync(`${dir}/samples.json`, 'utf8'))
const fd = openSync(note, 'w')
const path = `${note}.in`
const input = openSync(path, 'w')
const said = { peak_bytes: 0, tallies: [] }

function say() {
  said.peak_bytes = process.resourceUsage().maxRSS * 1024
  writeSync(fd, `${JSON.stringify(said)}\n`, 0)
}

/** A refusal is one line that begins with the file. */
const isRefusal = ({ name, message }) => name === 'UserError' && /^(in|.*\.in)(:\d+)?: [^\n]+$/.test(message)

async function feed([reader, first, end]) {
  const own = samples[reader].map(({ bytes, rows }) => ({ bytes: Buffer.from(bytes, 'base64'), rows }))
  const tally = { reader, index: first, read: 0, refused: 0, rows: 0, rejects: 0, faults: [] }
  said.tallies.push(tally)
  for (; tally.index < end; tally.index++) {
    say()
    const { sample, bytes } = mutated(own, Number(seed), tally.index)
    ftruncateSync(input, 0)
    writeSync(input, bytes, 0, bytes.length, 0)
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
}

for (const job of JSON.parse(jobs)) await feed(job)
say()
process.exit(0)
