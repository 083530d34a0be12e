/** How well the built-in models agree with labels that they have not seen. */
import { agreementOf, type BuiltIn, type Examples, marginsOf, sum } from '../kernels/built-in.ts'
import { learningCurve } from '../kernels/learning-curve.ts'
import type { Json } from '../stage.ts'

/** Facts of the report on the pairs that the models were trained on, each judged by those of the other folds. */
export function builtInFacts(models: BuiltIn, examples: Examples, with_style: boolean): Record<string, Json> {
  const { text, quality, embed, text_style, quality_style, odds } = marginsOf(models, examples, with_style)
  return {
    pairs_trained: examples.rows,
    'bt-text': { ...agreementOf(text), with_style: agreementOf(sum(text, text_style)) },
    'bt-quality': { ...agreementOf(quality), with_style: agreementOf(sum(quality, quality_style)) },
    ...(embed ? { 'bt-embed': { ...agreementOf(embed), with_style: agreementOf(sum(embed, text_style)) } } : {}),
    style_alone: agreementOf(text_style),
    together: agreementOf(odds),
    learning_curve: learningCurve(examples, models) as unknown as Json,
  }
}
