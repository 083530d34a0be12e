"""Prints the figures that test/kernels/agreement.test.ts holds. Run: pip install -r requirements.txt && python agreement.py"""
import krippendorff
import numpy as np
from statsmodels.stats.inter_rater import cohens_kappa, fleiss_kappa
from statsmodels.stats.proportion import proportion_confint
n=np.nan
T=[[0,1,2,2,1,0,3,0,1,n,2,n],[0,1,2,2,1,1,3,0,1,4,n,2],[n,2,2,2,1,2,3,1,1,4,2,2],[0,1,2,2,1,3,3,0,1,4,2,n]]
for l in ('nominal','ordinal'): print(l, repr(float(krippendorff.alpha(T,level_of_measurement=l,value_domain=range(5)))))
F=[[0,0,0,0,14],[0,2,6,4,2],[0,0,3,5,6],[0,3,9,2,0],[2,2,8,1,1],[7,7,0,0,0],[3,2,6,3,0],[2,5,3,2,2],[6,5,2,1,0],[0,2,2,3,7]]
print('fleiss',repr(float(fleiss_kappa(F)))); print('cohen',repr(float(cohens_kappa([[20,5,1],[10,15,3],[2,1,9]]).kappa)))
for x,m in ((0,10),(7,10),(48,50),(50,50)): print('wilson',x,m,*(repr(float(v)) for v in proportion_confint(x,m,method='wilson')))
