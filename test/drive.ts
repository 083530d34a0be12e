export * from '../pipeline/laws/drive.ts'
