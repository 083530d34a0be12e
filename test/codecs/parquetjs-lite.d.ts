declare module 'parquetjs-lite' {
  interface Field {
    readonly type?: string
    readonly compression?: string
    readonly optional?: boolean
    readonly repeated?: boolean
    readonly fields?: Readonly<Record<string, Field>>
  }
  export class ParquetSchema {
    constructor(fields: Readonly<Record<string, Field>>)
  }
  export class ParquetWriter {
    static openFile(schema: ParquetSchema, path: string): Promise<ParquetWriter>
    setRowGroupSize(rows: number): void
    appendRow(row: object): Promise<void>
    close(): Promise<void>
  }
}
