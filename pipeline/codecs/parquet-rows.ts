/** Rows of goldpan's own Parquet files by their number: a row group is read when one of its rows is asked for, and kept until another one is. */
import { UserError } from '../errors.ts'
import { messageOf } from './damage.ts'
import { fileEnds } from './file-bytes.ts'
import { closeFile, openFile, type ParquetFile } from './parquet-file.ts'
import { type ParquetFooter, readFooter } from './parquet-footer.ts'

import { groupRecords } from './parquet-records.ts'
import { type OwnColumn, ownColumns } from './parquet-shapes.ts'
import { withStrings } from './row-source.ts'

interface Opened {
  readonly path: string
  readonly file: ParquetFile
  readonly footer: ParquetFooter
  readonly columns: readonly OwnColumn[]
}

/** Row group `number` of a file, whose rows are counted from the first file on: `first` to before `end`. */
interface Group {
  readonly of: Opened
  readonly number: number
  readonly first: number
  readonly end: number
}

type Row = Readonly<Record<string, unknown>>

export class ParquetRows {
  private readonly files: readonly Opened[]
  private readonly groups: readonly Group[]
  private held: { readonly of: string; readonly rows: Row[] } | undefined

  private constructor(files: readonly Opened[]) {
    this.files = files
    this.groups = groupsOf(files)
  }

  /** The files stay open: what replaces them while they are read is not seen. */
  static async open(paths: readonly string[]): Promise<ParquetRows> {
    const files: Opened[] = []
    try {
      for (const path of paths) files.push(await opened(path))
      return new ParquetRows(files)
    } catch (error) {
      for (const { file } of files) closeFile(file)
      throw error
    }
  }

  /** These columns of all rows, in order. */
  all(columns: readonly string[]): Row[] {
    return this.groups.flatMap(group => rowsOf(group, columns))
  }

  /** These columns of row `number`, from 0. */
  row(number: number, columns: readonly string[]): Row {
    const group = this.groupWith(number)
    const of = `${group.first} ${columns.join()}`
    if (this.held?.of !== of) this.held = { of, rows: rowsOf(group, columns) }
    return this.held.rows[number - group.first]
  }

  close(): void {
    for (const { file } of this.files) closeFile(file)
  }

  private groupWith(number: number): Group {
    let [low, high] = [0, this.groups.length - 1]
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (this.groups[middle].first <= number) low = middle
      else high = middle - 1
    }
    return this.groups[low]
  }
}

function rowsOf({ of: { path, file, footer, columns }, number, first, end }: Group, names: readonly string[]): Row[] {
  const wanted = columns.filter(({ name }) => names.includes(name))
  const rows: Row[] = []
  try {
    for (const block of groupRecords(file, footer, wanted, number))
      for (let i = 0; i < block.rows; i++) rows.push(withStrings(block.row(i)) as Row)
  } catch (error) {
    throw damagedBuild(path, `rows ${first} to ${end - 1}: ${messageOf(error)}`)
  }
  return rows
}

const damagedBuild = (path: string, what: string): UserError =>
  new UserError(`${path}: ${what}; \`goldpan verify\` tells whether the build is damaged`)

async function opened(path: string): Promise<Opened> {
  const ends = await fileEnds(path, path)
  try {
    const footer = await readFooter(path, path, ends)
    return { path, file: await openFile(path, path, footer), footer, columns: ownColumns(footer) }
  } catch (error) {
    throw damagedBuild(path, messageOf(error))
  }
}

function groupsOf(files: readonly Opened[]): Group[] {
  const groups: Group[] = []
  for (const of of files)
    for (const [number, { rows }] of of.footer.groups.entries()) {
      const first = groups.at(-1)?.end ?? 0
      groups.push({ of, number, first, end: first + rows })
    }
  return groups
}
