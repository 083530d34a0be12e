"""
Prints the figures that test/kernels/agreement.test.ts holds and, given the folder of the shared data, those of real votes that
test/judgements/agreement.test.ts holds. Run: pip install -r requirements.txt && python agreement.py [FOLDER]
"""
import gzip
import itertools
import json
import os
import sys

import krippendorff
import numpy as np
from statsmodels.stats.inter_rater import cohens_kappa, fleiss_kappa
from statsmodels.stats.proportion import proportion_confint

n = np.nan
T = [[0,1,2,2,1,0,3,0,1,n,2,n],[0,1,2,2,1,1,3,0,1,4,n,2],[n,2,2,2,1,2,3,1,1,4,2,2],[0,1,2,2,1,3,3,0,1,4,2,n]]
F = [[0,0,0,0,14],[0,2,6,4,2],[0,0,3,5,6],[0,3,9,2,0],[2,2,8,1,1],[7,7,0,0,0],[3,2,6,3,0],[2,5,3,2,2],[6,5,2,1,0],[0,2,2,3,7]]
LABELS = ['chosen', 'rejected', 'tie']


def votes_of(folder, name):
    """The votes of each pair as (annotator, label)."""
    with gzip.open(os.path.join(folder, f'{name}.jsonl.gz'), 'rt', encoding='utf8') as lines:
        rows = [json.loads(line).get('votes') or [] for line in lines]
    return [[(vote.get('annotator'), LABELS.index(vote['vote'])) for vote in row] for row in rows]


def real(folder, name):
    pairs = votes_of(folder, name)
    counts = np.array([[sum(label == k for _, label in votes) for k in range(3)] for votes in pairs])
    for level in ('nominal', 'ordinal'):
        print(name, level, repr(float(krippendorff.alpha(value_counts=counts, level_of_measurement=level, value_domain=range(3)))))
    if len(set(counts.sum(axis=1))) == 1:
        print(name, 'fleiss', repr(float(fleiss_kappa(counts))))
    table, both = together(pairs)
    if both:
        print(name, 'cohen of', both, int(table.sum()), repr(float(cohens_kappa(table).kappa)))


def together(pairs):
    """What the two annotators with most pairs in common said of them; the first by name where several have as many."""
    tables = {}
    for votes in pairs:
        for (a, x), (b, y) in itertools.combinations(sorted((v for v in votes if v[0] is not None), key=lambda v: v[0]), 2):
            if a != b:
                tables.setdefault((a, b), np.zeros((3, 3)))[x, y] += 1
    both = max(sorted(tables), key=lambda key: tables[key].sum(), default=None)
    return tables.get(both), both


for l in ('nominal', 'ordinal'): print(l, repr(float(krippendorff.alpha(T, level_of_measurement=l, value_domain=range(5)))))
print('fleiss', repr(float(fleiss_kappa(F)))); print('cohen', repr(float(cohens_kappa([[20,5,1],[10,15,3],[2,1,9]]).kappa)))
for x, m in ((0,10),(7,10),(48,50),(50,50)): print('wilson', x, m, *(repr(float(v)) for v in proportion_confint(x, m, method='wilson')))
for folder in sys.argv[1:]:
    for name in ('pandalm', 'ukpconvarg1', 'ukp-humour'): real(folder, name)
