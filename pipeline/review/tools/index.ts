/** The tools that goldpan exchanges answers with. */
import { argilla } from './argilla.ts'
import { csv } from './csv.ts'
import { labelStudio } from './label-studio.ts'
import { potato } from './potato.ts'
import type { Tool } from './tool.ts'

export const toolNames = ['label-studio', 'argilla', 'potato', 'csv'] as const
export const tools: Readonly<Record<(typeof toolNames)[number], Tool>> = { 'label-studio': labelStudio, argilla, potato, csv }
