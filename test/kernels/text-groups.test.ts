import fc from 'fast-check'
import { expect, it } from 'vitest'
import { utf8Of } from '../../pipeline/batch.ts'
import { textGroups } from '../../pipeline/kernels/text-groups.ts'

it('numbers texts in the order in which they first appear, null apart from the empty one', () => {
  const text = fc.option(fc.oneof(fc.constantFrom('', 'ab', 'cb', 'none'), fc.string({ maxLength: 3 })))
  fc.assert(
    fc.property(fc.array(text, { maxLength: 60 }), texts => {
      const distinct = [...new Set(texts)]
      const groups = textGroups(utf8Of(texts), texts.length)
      expect([...groups.of]).toEqual(texts.map(t => distinct.indexOf(t)))
      expect(groups.firsts).toEqual(distinct.map(t => texts.indexOf(t)))
    }),
    { seed: 42 },
  )
})
