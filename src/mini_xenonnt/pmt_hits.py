"""The source of `lone_hits`: hits of single PMTs that belong to no peak; straxen's online monitor counts them."""

import numpy as np
import strax

from mini_xenonnt import detector
from mini_xenonnt.plugins import TruthSource
from mini_xenonnt.simulation import pmts

DT = 10  # ns, of a sample


class MiniLoneHits(TruthSource):
    """Dark counts of the TPC's PMTs."""

    __version__ = "1.0.0"
    provides = "lone_hits"
    data_kind = "lone_hits"
    dtype = strax.hit_dtype
    save_when = strax.SaveWhen.EXPLICIT

    def expected_rate(self) -> float:
        """Return a tenth of the rate of hits, since a hit is that much smaller than a peak."""
        return float(detector.N_PMTS * self.truth["pmt_dark_rate"] / 10)

    def compute(self, chunk_i: int) -> strax.Chunk:
        """Simulate one chunk."""
        start, end = self.window(chunk_i)
        found = pmts.lone_hits(self.rng(chunk_i), self.truth, start, end)
        hits = np.zeros(len(found), self.dtype)
        for name in pmts.HIT.names or ():
            hits[name] = found[name]
        hits["dt"], hits["length"] = DT, pmts.LENGTH // DT
        hits["right"] = hits["right_integration"] = pmts.LENGTH // DT
        hits["max_time"], hits["height"] = found["time"] + pmts.LENGTH // 2, found["area"] / 5
        return self.chunk(start=start, end=end, data=hits)
