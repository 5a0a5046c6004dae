"""The other side of `risk.py`, run by a Python that has scikit-mobility: risks of some people, and seconds a person."""

import json
import sys
import time
import warnings

import pandas as pd
from skmob import TrajDataFrame
from skmob.privacy import attacks


def main(path, known, people):
    warnings.simplefilter("ignore")
    seen = pd.read_csv(path, parse_dates=["datetime"])
    for name, attack in {
        "location": attacks.LocationAttack(known),
        "sequence": attacks.LocationSequenceAttack(known),
        "location_time": attacks.LocationTimeAttack(known, "Day"),
        "unique_location": attacks.UniqueLocationAttack(known),
        "frequency": attacks.LocationFrequencyAttack(known),
        "probability": attacks.LocationProbabilityAttack(known),
        "proportion": attacks.LocationProportionAttack(known),
        "home_work": attacks.HomeWorkAttack(),
    }.items():
        # It asks for as many records of a point and day as are known of one; the definition asks for the point.
        once = seen.assign(day=seen["datetime"].dt.floor("D")).drop_duplicates(["uid", "lat", "lng", "day"])
        frame = TrajDataFrame((once if name == "location_time" else seen)[["uid", "lat", "lng", "datetime"]])
        start = time.process_time()
        table = attack.assess_risk(frame, targets=people)
        seconds = (time.process_time() - start) / len(people)
        risks = {int(who): float(risk) for who, risk in zip(table["uid"], table["risk"])}  # noqa: B905 - old Python
        print(json.dumps({"attack": name, "seconds": seconds, "risks": risks}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), [int(who) for who in sys.argv[3].split(",")])
