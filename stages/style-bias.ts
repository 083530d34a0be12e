import { z } from 'zod'
import { type Batch, batchOf, type Columns, columnsOf, type Numbers, type Schema } from '../pipeline/batch.ts'
import { sigmoid } from '../pipeline/kernels/logistic.ts'
import { unit } from '../pipeline/kernels/random.ts'
import { sourceNumbers } from '../pipeline/kernels/sources.ts'
import { auditStyle, coefficients, type StyleBias } from '../pipeline/kernels/style-audit.ts'
import { tuneControl } from '../pipeline/kernels/style-control.ts'
import { styleFeatures } from '../pipeline/kernels/style-features.ts'
import { fitStyleModel } from '../pipeline/kernels/style-model.ts'
import { MOST_MARGIN, reweight, subsample } from '../pipeline/kernels/style-weights.ts'
import { style } from '../pipeline/measures/style.ts'
import { encodeModel, joinModels, MODEL_FOLDS, StyleJudge } from '../pipeline/measures/style-models.ts'
import { drawSample, inOrder, sampleColumns, sampled, sampleReads, styleRowsOf } from '../pipeline/measures/style-sample.ts'
import { pairFacts } from '../pipeline/pair.ts'
import { type Context, defineStage, type Json, type Part, type Round, type Summary } from '../pipeline/stage.ts'

const params = z.strictObject({
  action: z
    .enum(['flag', 'drop', 'reweight', 'subsample'])
    .default('reweight')
    .describe('only say how well style predicts a label, drop what style alone explains, give weights, or draw a subsample'),
  target_auc: z
    .number()
    .min(0.5)
    .max(1)
    .default(0.55)
    .describe('held-out area under the curve of style alone that weights or draws must not exceed; 0.5 = style says nothing'),
  drop_above: z
    .number()
    .min(0.5)
    .max(1)
    .default(0.8)
    .describe('probability from which on a label is explained by style; such pairs are dropped unless votes or scores support the label'),
  sample: z
    .int()
    .min(100)
    .default(20_000)
    .describe('pairs of each source, and of the whole corpus, on which style is fitted and audited'),
})
type Params = z.infer<typeof params>
