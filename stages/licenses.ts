import { z } from 'zod'
import { columnsOf, isValid, stringAt } from '../pipeline/batch.ts'
import { allows } from '../pipeline/kernels/licence-list.ts'
import { defineStage } from '../pipeline/stage.ts'

const params = z.strictObject({
  allow: z
    .array(z.string().min(1))
    .describe(
      "licences that may be trained on, by name whatever the case; `CC-BY-*` allows all that begin so, CC-BY-NC-4.0 (no commercial use) among them, `unstated` pairs without one; default: the config's allow_licenses",
    ),
  action: z.enum(['quarantine', 'drop']).default('quarantine').describe('where the other pairs go: into their own folder, or out'),
})
type Params = z.infer<typeof params>

const reads = { license: 'utf8' } as const

export const licenses = defineStage<Params>({
  name: 'licenses',
  doc: 'Sets aside pairs whose licence the config does not allow, before anything else sees them.',
  version: 1,
  params,
  reads,
  adds: {},
  reasons: ({ action }) => ({ license_not_allowed: action, license_not_stated: action }),
  judge: ({ allow }) => {
    const allowed = allows(allow)
    return batch => {
      const { license } = columnsOf(batch, reads)
      const leave = new Uint8Array(batch.rows)
      for (let i = 0; i < batch.rows; i++) {
        const stated = isValid(license, i) && license.offsets[i + 1] > license.offsets[i]
        if (!allowed(stated ? stringAt(license, i) : '')) leave[i] = stated ? 1 : 2
      }
      return { leave }
    }
  },
})
