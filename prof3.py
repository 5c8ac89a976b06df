import sys,time,tempfile,json,contextlib
sys.path.insert(0,'/work/main/tests/physics'); sys.path.insert(0,'/work/main/tests')
from pathlib import Path
t=time.process_time()
import small_set, mini_chain
from full_chain import analyse_tpc
from outside_chain import analyse_outside
print('import',time.process_time()-t, file=sys.stderr)
mini=Path('/tmp/set'); scratch=Path(tempfile.mkdtemp())
def tm(n,f):
    t=time.process_time()
    with contextlib.redirect_stdout(open('/dev/null','w')): f()
    print(n,round(time.process_time()-t,2), file=sys.stderr)
h=json.loads((mini/'mini.json').read_text())['lineage']['hashes']
#tm('tpc',lambda: analyse_tpc(mini,scratch/"tpc",2))
#,lambda: analyse_outside(mini,scratch/'outside',8,3000))
tm('hashes',lambda: mini_chain.hashes())
tm('avail',lambda: mini_chain.availability(mini,h))
tm('counts',lambda: mini_chain.counts(mini))
tm('refusal',lambda: mini_chain.refusal(mini))
tm('here',lambda: mini_chain.here(scratch/'empty'))
tm('again',lambda: print(small_set.made_again(mini,scratch/'again'),file=sys.stderr))
