/** How each stage works, for its page in docs/stages.md: the method in words, what its reasons mean, and where it comes from. */
export interface Method {
  readonly words: string
  /** By reason, for every action that the params allow. */
  readonly reasons: Readonly<Record<string, string>>
  readonly source?: string
}

const SYNPREF = 'Skywork-Reward-V2, arXiv 2507.01352'

/** By stage name. */
export const methods: Readonly<Record<string, Method>> = {
  licenses: {
    words:
      'Compares the licence of a row (else of its source) with the allowed names, whatever the case; `CC-BY-*` allows all that begin so, CC-BY-NC-4.0 (no commercial use) among them.',
    reasons: {
      license_not_allowed: 'the licence is none of the allowed ones',
      license_not_stated: 'neither the row nor its source names a licence',
    },
  },
  structure: {
    words: 'Looks at one pair at a time; the first of the reasons below that holds is the one in the ledger.',
    reasons: {
      empty_side: 'chosen or rejected is empty',
      differs_before_last_turn: 'the two conversations differ before their last answer; the layout `conversations` keeps such pairs',
      no_prompt: 'there is no prompt',
      last_turn_not_user: 'the prompt does not end with a turn of the user',
      identical_sides: 'chosen and rejected are the same',
      too_long: 'a text is longer than the params allow',
      tie: 'the row says that neither side is better; such pairs still calibrate models',
    },
    source: SYNPREF,
  },
  'exact-dedup': {
    words:
      'Pairs of equal prompt, chosen and rejected (by 128-bit hash) are copies; pairs that are equal once the sides are exchanged are labelled both ways. Of several, the one stays that ranks first: human label, then priority of the source, then the smallest pair_id.',
    reasons: {
      exact: 'a copy of the pair in `duplicate_of`',
      swapped: 'labelled the other way round than the pair in `duplicate_of`, which has the greater label',
      label_conflict: 'labelled both ways by labels of equal rank; people decide',
    },
    source: SYNPREF,
  },
  'near-dup': {
    words:
      'Each field becomes a set of word n-grams. Two pairs are near-duplicates where the Jaccard similarity |A and B| / |A or B| of prompt, of chosen and of rejected each reach the threshold, straight or with the responses crossed. MinHash with bands b and rows r proposes a couple of similarity J with probability 1 - (1 - J^r)^b; every proposal is then verified on the sets themselves. A pair leaves only for a similar pair that stays, so there are no chains.',
    reasons: {
      near: 'a near-duplicate of the pair in `duplicate_of`',
      near_swapped: 'the same with the responses crossed, and the other label ranks higher',
      near_conflict: 'the same with the responses crossed, labels of equal rank; people decide',
      no_signal: 'chosen and rejected are near-duplicates of each other',
    },
    source: 'Broder 1997 (MinHash); Leskovec, Rajaraman & Ullman, Mining of Massive Datasets, chapter 3 (bands)',
  },
  'semantic-dup': {
    words:
      'Every prompt becomes a vector; two prompts mean nearly the same where the cosine of their vectors reaches the threshold. An index proposes neighbours, and each is verified by its true cosine.',
    reasons: { semantic: 'the prompt means nearly the same as that of the pair in `duplicate_of`' },
    source: 'Malkov & Yashunin 2018 (HNSW index); SemDeDup, arXiv 2303.09540',
  },
  'prompt-clusters': {
    words:
      'Prompts whose word n-grams have a Jaccard similarity from the threshold on share a cluster. Folds of models and splits of the output never cut a cluster. On request, at most so many pairs of a prompt stay, drawn by hash with the seed.',
    reasons: { same_prompt: 'its prompt has more pairs than `max_per_prompt`, and it was not drawn' },
  },
  decontaminate: {
    words:
      'Looks for runs of n words that a text shares with a benchmark item, and for items shorter than n words as a whole. Runs that many different prompts of a source share are boilerplate and do not count. A pair is contaminated where the runs that are left cover enough of the words of an item. A text that the item only quotes, after a colon or in quotation marks, does not count without the task around it, if that is a tenth of the item and not the form in which three items or more are asked; with min_coverage 0 it does.',
    reasons: { contaminated: 'shares enough of a benchmark item; column `contamination` has item, span and coverage' },
    source: `${SYNPREF} (13-grams)`,
  },
  'style-bias': {
    words:
      'A model that sees only style (length, Markdown and the like, never the content) predicts each label, each pair by a model that did not see its prompt: style_p = s. Weights make style worthless: at full strength 2 (1 - s), less where target_auc is reached earlier. A draw keeps a pair with a chance that does the same; where it may also give weights (most_weight), those within that factor are weighed and only the rest is drawn. An audit by other models, on prompts held out, says what style still tells before and after. Later steps leave pairs out and turn labels, which can bring style back; the report says what style_p tells of the published labels. A second such step, the last of all, weighs what is published.',
    reasons: {
      style_explained: 'action drop: style predicts the label with more than `drop_above`, and neither votes nor models support it',
      not_drawn: 'action subsample: not drawn; the better style predicts the label, the lower the chance',
    },
    source: 'LMArena style control (features); Li, Morgan & Zaslavsky 2018 (overlap weights)',
  },
  score: {
    words:
      'The margin of a model is r(prompt, chosen) - r(prompt, rejected). Built-in models are Bradley-Terry models, P(chosen is better) = sigmoid(margin), trained on the other folds of prompt clusters: no pair is judged by a model that saw its prompt (bt-graph: its label). bt-graph also hears how far each response says what the other answers to its prompt say, whatever their labels; how much that counts is learned from the labels of other folds. bt-embed is a linear model over the difference of two sentence embeddings; it must be asked for, as embedding takes far longer than all other steps together. Built-in models are trained on pairs in the order of the input: how it is cut into files changes nothing, but shuffled rows moved p_mean by .005 on average and by up to .104, of 10,346 pairs, of which 41 ended otherwise.',
    reasons: {},
    source:
      'Bradley & Terry 1952; Wang et al. 2022, arXiv 2203.11171 (agreement of answers); Cer et al. 2018, arXiv 1803.11175 (sentence embeddings of bt-embed)',
  },
  disagreement: {
    words:
      'A calibrated model says p = sigmoid(margin / T), with the temperature T of least log loss. p_mean is the weighted mean of p: 1 - p_mean ranks suspected wrong labels; it is what models say before the label is known, and labels are right more often. disagreement is the weighted standard deviation of p; against counts the models with p < 0.5.',
    reasons: {},
    source: 'Guo et al. 2017, arXiv 1706.04599 (temperature); RewardMATH, arXiv 2410.01729 (weights by audit)',
  },
  'verification-sample': {
    words:
      'First an audit: pairs drawn at random within strata, each with a known probability, from which error rates are estimated. Then, from the rest, the targeted pairs of highest score, a weighted sum of doubt, models against the label, disagreement, style and uncertainty.',
    reasons: {},
    source: 'Horvitz & Thompson 1952 (estimates from known probabilities)',
  },
  decide: {
    words:
      'What people said stands first. A label that most of two or more votes are against is turned where p_mean is below .5, too, and goes to people where it is not. Else the label is turned where p_mean is below flip_below and all of at least flip_models models are against it, unless it is protected; then people are asked where the pair is doubtful; else the label stands. Models turn labels once people found most of such turns right; until then those pairs wait for people, ten of whose answers decide.',
    reasons: {
      escalated: 'doubtful, or a protected label that models would turn; people decide',
      models_against:
        'models would turn the label, and people have not yet found most of ten such turns right; where the outcome is flip: models, or most voters, turned it',
      doubtful: 'p_mean is below `drop_below`',
      people_against:
        'people prefer the other side, and turning the label would only repeat another pair; or the pair is a copy, or what people said of its twin contradicts what they said of it',
      people_tie: 'people find neither side better',
      people_both_bad: 'people find both sides bad',
      people_cannot_tell: 'people cannot tell',
    },
    source: `${SYNPREF} (dual consistency); Dawid & Skene 1979`,
  },
}
