"""What counts give away, and what each remedy takes back, on fresh invented cities.

    python benchmarks/aggregates.py [--seeds 401 402 403] [--people 400] [--days 7]

Counts are of the true whereabouts of the people of `fusion`, by district and half hour: everybody counted, as the
papers assume, so this is the attacker's best case. Noise here only shows its effect on the attack; it is no mechanism
for release.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from kit.city.leaks import write_dump
from kit.disclosure import withhold_small
from kit.exposure import port_nemo
from kit.reidentify import difference_releases, make_points, membership, recover_tracks, score_tracks

TZ, AWAY = "Etc/GMT-8", "out of town"


def main():
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("--seeds", type=int, nargs="+", default=[401, 402, 403])
    ask.add_argument("--people", type=int, default=400)
    ask.add_argument("--days", type=int, default=7)
    given = ask.parse_args()
    for seed in given.seeds:
        print(f"seed {seed}", flush=True)
        where = whereabouts(seed, given.people, given.days)
        recover(where)
        infer_membership(where)
        lay_side_by_side(where)


def whereabouts(seed, people, days):
    """A row a person and half hour: subject_id, time, zone_id; the middle of the dump, where everybody is told of."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "dump"
        write_dump("fusion", people=people, days=days, seed=seed, out=out)
        episodes = pd.read_parquet(out / "truth" / "episodes.parquet").sort_values("arrived_at")
    first, last = episodes["left_at"].min().tz_convert(TZ).ceil("1D"), episodes["left_at"].max().tz_convert(TZ)
    steps = pd.date_range(first, last.floor("1D"), freq="30min", inclusive="left").tz_convert("UTC").as_unit("us")
    grid = pd.MultiIndex.from_product([steps, episodes["person_no"].unique()], names=["time", "person_no"]).to_frame(
        index=False)
    # A person on the way counts where they last were.
    found = pd.merge_asof(grid, episodes[["person_no", "arrived_at", "zone"]], left_on="time", right_on="arrived_at",
                          by="person_no")
    return pd.DataFrame({"subject_id": found["person_no"].astype(str), "time": found["time"],
                         "zone_id": found["zone"].astype(object).fillna(AWAY)})


def recover(where):
    centres = port_nemo()["districts"].to_crs(4326)
    name = next(c for c in ("district", "zone_id", "name") if c in centres.columns)
    middle = centres.geometry.representative_point()
    zones = pd.DataFrame({"zone_id": centres[name].astype(str), "x_m": (middle.x + 123.39) * 73_000,
                          "y_m": (middle.y + 48.88) * 111_000})
    zones.loc[len(zones)] = [AWAY, 0.0, 30_000.0]
    hour = where["time"].dt.tz_convert(TZ)
    settings = {"half hours": where, "two hours": where[(hour.dt.hour % 2 == 0) & (hour.dt.minute == 0)],
                "half hours, one day": where[hour.dt.date == hour.dt.date.min()]}
    for setting, part in settings.items():
        counts = part.groupby(["time", "zone_id"]).size().rename("n").reset_index()
        for method in ("recover", "stay_put", "shuffle"):
            score = score_tracks(recover_tracks(counts, zones, tz=TZ, method=method), part)
            print(f"  {setting}, {method}: " + "; ".join(
                f"{row.steps} {row.estimate:.3f} ({row.low:.3f} to {row.high:.3f}, {row.eligible} people)"
                for row in score.itertuples()), flush=True)


def infer_membership(where):
    seen = where.rename(columns={"zone_id": "sensor_id"}).assign(sighting_id=np.arange(len(where)))
    one_day = seen[seen["time"] < seen["time"].min() + pd.Timedelta("1D")]
    noise = np.random.default_rng(0)
    releases = {"as counted": None, "below 10 withheld": lambda counts: np.where(counts < 10, 0, counts),
                "rounded to tens": lambda counts: np.round(counts / 10) * 10,
                "Laplace noise of scale 10": lambda counts: counts + noise.laplace(0, 10, counts.shape)}
    for span, part, time in (("all days, hours", seen, "1h"), ("one day, hours", one_day, "1h"),
                             ("all days, six hours", seen, "6h")):
        for name, release in releases.items():
            found = membership(release, make_points(part, time=time), [20, 100], people=30)
            print(f"  {span}, {name}: " + "; ".join(
                f"{row.group} {row.attack} {row.estimate:.2f} ({row.low:.2f} to {row.high:.2f})"
                for row in found.itertuples()), flush=True)


def lay_side_by_side(where):
    """The same release with and without one person, for each of 100 people: in how many is that person told?"""
    noon = where[where["time"] == where["time"].min() + pd.Timedelta("12h")]
    cells = noon.groupby("zone_id").size()
    forms = {"as counted": lambda counts: counts, "small cells withheld": withhold_small,
             "rounded to tens": lambda counts: (counts / 10).round().astype(int) * 10}
    for name, form in forms.items():
        told = wrong = 0
        for zone in noon["zone_id"].head(100):
            found = difference_releases(form(cells), form(cells - (cells.index == zone)))
            told += int(found["people"].sum() > 0)
            wrong += int((found["difference"].fillna(0) != 0).any() and found["people"].sum() == 0)
        print(f"  difference, {name}: one person told in {told} of 100 pairs; another difference in {wrong}")


if __name__ == "__main__":
    main()
